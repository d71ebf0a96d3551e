"""What `make up` does with what is saved while it serves: code, requirements, the template, mistakes."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.client import Client
from tests.e2e.patience import LONGER, eventually
from tests.e2e.served import ROOT, Served

GREETING = '''
import saved_greeting

from nowlater import operation


@operation(timeout=20)
def greeting(name: str) -> str:
    """Greets."""
    return saved_greeting.hello(name)
'''
MISTAKE = """
from nowlater import operation


@operation()
def mistaken(n) -> None: ...
"""
OWN = """
Resources:
  OwnPrices:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: own-prices
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: article, AttributeType: S}]
      KeySchema: [{AttributeName: article, KeyType: HASH}]
  OwnSessions:
    Type: AWS::DynamoDB::Table
    Properties:
      TableName: own-sessions
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      TimeToLiveSpecification: {AttributeName: until, Enabled: true}
  OwnApi:
    Type: AWS::Serverless::HttpApi
  OwnRole:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: {Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: "sts:AssumeRole"}
      Policies:
        - PolicyName: own
          PolicyDocument:
            Version: "2012-10-17"
            Statement: {Effect: Deny, NotAction: "sqs:*", Resource: "*"}
  OwnBucket: {Type: AWS::S3::Bucket}
  OwnQueue: {Type: AWS::SQS::Queue}
  OwnTopic: {Type: AWS::SNS::Topic}
Policy:
  - Effect: Allow
    Action: dynamodb:PutItem
    Resource: !GetAtt OwnPrices.Arn
Environment:
  OWN_PRICES: !Ref OwnPrices
  OWN_TEXT: 'in "quotes", ${not a reference}'
"""
#: An operation that uses all three: the table, its permission and its name.
PRICE = '''
import os

import boto3

from nowlater import operation


@operation(timeout=20)
def price(article: str) -> str:
    """Sets a price."""
    prices = boto3.client("dynamodb")
    prices.put_item(TableName=os.environ["OWN_PRICES"], Item={"article": {"S": article}})
    return os.environ["OWN_TEXT"]
'''
REQUIREMENTS = "operations/requirements.txt"
FAILED = "not updated, the previous version is still served: "


def operations(served: Served) -> Path:
    return served.folder / "operations"


def wheel(folder: Path) -> Path:
    """Write a package with one module as a wheel."""
    path = folder / "saved_greeting-1.0-py3-none-any.whl"
    about = "saved_greeting-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("saved_greeting.py", "def hello(name):\n    return f'Hello, {name}!'\n")
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: saved_greeting\nVersion: 1.0\n")  # fmt: skip
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")  # fmt: skip
        archive.writestr(f"{about}/RECORD", f"saved_greeting.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n")  # fmt: skip
    return path


@pytest.fixture
def requirements(served: Served) -> Iterator[Path]:
    """The requirements of the operations, which are then as they were."""
    path = served.folder / REQUIREMENTS
    before = path.read_text()
    yield path
    (operations(served) / "greeting.py").unlink(missing_ok=True)
    path.write_text(before)
    uv = ROOT / ".local/tools/bin/uv"
    subprocess.run(
        [uv, "pip", "uninstall", "--quiet", "--python", sys.executable, "saved_greeting"],
        check=True,
    )


@pytest.mark.nightly
def test_a_package_that_is_required_while_it_serves_is_installed_and_one_that_cannot_be_is_told(
    api: Client, served: Served, requirements: Path, tmp_path: Path
) -> None:
    before, package = requirements.read_text(), wheel(tmp_path)

    def greet() -> str:
        answer = api.ask("sync", "greeting", {"name": "Ada"})
        return str(answer.json()) if answer.status_code == 200 else ""

    (operations(served) / "greeting.py").write_text(GREETING)
    line = "greeting.py:2: No module named 'saved_greeting': if it is a package, add it to"
    eventually(served.output.read_text, lambda text: line in text)
    requirements.write_text(f"{before}\nsaved_greeting @ {package.as_uri()}\n")
    assert eventually(greet) == "Hello, Ada!"

    requirements.write_text(f"{before}\nsaved_greeting @ file:///nowhere/saved_greeting-1.0-py3-none-any.whl\n")  # fmt: skip
    line = f"not updated, the previous version is still served: {REQUIREMENTS}: "
    shown = eventually(served.output.read_text, lambda text: line in text)

    assert "nowhere" in shown.partition(line)[2].splitlines()[0]
    assert greet() == "Hello, Ada!"
    (operations(served) / "greeting.py").write_text(GREETING.replace("hello(name)", "hello(2 * name)"))  # fmt: skip
    assert eventually(greet, lambda said: said != "Hello, Ada!") == "Hello, AdaAda!"
    requirements.write_text(f"{before}\nsaved_greeting @ {package.as_uri()}\n# mended\n")
    (operations(served) / "greeting.py").write_text(GREETING.replace("hello(name)", "hello(3 * name)"))  # fmt: skip
    assert eventually(greet, lambda said: "AdaAdaAda" in said) == "Hello, AdaAdaAda!"


def test_a_job_that_runs_while_something_is_saved_ends_and_the_terminal_says_so(
    api: Client, served: Served
) -> None:
    line = "still running the previous code: Work (1)"
    for seconds in LONGER:
        job = api.running(api.submit("sleep", {"seconds": seconds}))
        before = len(served.output.read_text())
        path = operations(served) / "meanwhile.py"
        path.write_text(f'"""Saved while a job sleeps for {seconds} s."""\n')
        shown = eventually(served.output.read_text, lambda t, b=before: "updated: " in t[b:])
        ended = api.ended(job)
        path.unlink()

        assert (ended["status"], ended["attempt"]) == ("succeeded", 1)
        if line in shown[before:]:
            return
    raise AssertionError(f"it took longer than {seconds} s to save")


def test_a_mistake_is_one_line_and_what_is_saved_next_is_served(
    api: Client, served: Served
) -> None:
    path = operations(served) / "mistaken.py"
    before = len(served.output.read_text())
    path.write_text(MISTAKE)
    line = "operations/mistaken.py:5: mistaken: the parameter n needs an annotation"
    shown = eventually(served.output.read_text, lambda text: f"{line}\n" in text[before:])

    assert f"not updated, the previous version is still served: {line}\n" in shown
    assert "Traceback" not in shown[before:]
    path.write_text(MISTAKE.replace("(n)", "(n: int)"))
    answer = eventually(lambda: api.ask("sync", "mistaken", {"n": 1}))
    assert answer.json() is None
    path.unlink()


GROWN = """
from nowlater import operation


@operation()
def NAME() -> int:
    return 1
"""


def test_what_cannot_be_served_holds_nothing_else_up_and_is_said_until_it_is_mended(
    api: Client, served: Served
) -> None:
    requirements, grown = served.folder / REQUIREMENTS, operations(served) / "grown.py"
    before, shown = requirements.read_text(), len(served.output.read_text())

    def said(line: str) -> int:
        return served.output.read_text()[shown:].count(line)

    requirements.write_text(f"{before}\nmissing @ file:///nowhere/missing-1.0-py3-none-any.whl\n")
    for times, name in ((1, "grown"), (2, "further")):
        grown.write_text(GROWN.replace("NAME", name))
        eventually(lambda n=name: api.ask("sync", n, {}).status_code == 200)
        eventually(lambda n=times: said(f"{FAILED}{REQUIREMENTS}: ") >= n)
    requirements.write_text(before)
    eventually(lambda: said("updated: "), lambda times: times >= 2)
    failed = said(FAILED)
    grown.write_text(GROWN.replace("NAME", "mended"))
    eventually(lambda: api.ask("sync", "mended", {}).status_code == 200)
    grown.unlink()

    assert said(FAILED) == failed


def test_a_file_that_no_lambda_may_have_is_named_with_the_limit(
    api: Client, served: Served
) -> None:
    large, shown = operations(served) / "large.bin", len(served.output.read_text())
    line = f"{FAILED}operations/large.bin has 300 MB: a Lambda may have 250 MB"
    with large.open("wb") as file:
        file.truncate(300 * 1024 * 1024)  # it takes no place on the disk
    eventually(lambda: line in served.output.read_text()[shown:])
    large.unlink()
    path = operations(served) / "smaller.py"
    path.write_text(GROWN.replace("NAME", "smaller"))
    assert eventually(lambda: api.ask("sync", "smaller", {})).json() == 1
    path.unlink()


def test_a_folder_that_is_a_link_is_served_and_what_is_saved_there(
    api: Client, served: Served, tmp_path: Path
) -> None:
    (tmp_path / "linked.py").write_text(GROWN.replace("NAME", "linked"))
    link = operations(served) / "elsewhere"
    link.symlink_to(tmp_path)
    assert eventually(lambda: api.ask("sync", "linked", {})).json() == 1
    (tmp_path / "linked.py").write_text(GROWN.replace("NAME", "linked_again"))
    assert eventually(lambda: api.ask("sync", "linked-again", {})).json() == 1
    link.unlink()


def test_operations_that_are_deleted_and_made_anew_are_served_and_what_is_saved_next(
    api: Client, served: Served, tmp_path: Path
) -> None:
    folder, copy, shown = (
        operations(served),
        tmp_path / "operations",
        len(served.output.read_text()),
    )
    shutil.copytree(folder, copy)
    (copy / "anew.py").write_text(GROWN.replace("NAME", "anew"))
    shutil.rmtree(folder)
    eventually(
        lambda: f"{FAILED}the folder operations/ is gone\n" in served.output.read_text()[shown:]
    )
    assert api.ask("sync", "echo", {"value": 1}).json() == 1
    shutil.copytree(copy, folder)
    assert eventually(lambda: api.ask("sync", "anew", {})).json() == 1
    (folder / "anew.py").write_text(GROWN.replace("NAME", "later_anew"))
    assert eventually(lambda: api.ask("sync", "later-anew", {})).json() == 1
    (folder / "anew.py").unlink()


@pytest.mark.nightly
def test_resources_of_ones_own_are_deployed_beside_ours(api: Client, served: Served) -> None:
    path = operations(served) / "resources.yaml"
    before, shown = path.read_text(), len(served.output.read_text())
    path.write_text(OWN)
    try:
        said = eventually(
            lambda: served.output.read_text()[shown:],
            lambda text: "updated" in text,
            within_s=900,
        )
        assert "deploying the changed template.yaml …\nupdated: template.yaml" in said
        tables = served.client("dynamodb")
        states = {
            name: tables.describe_time_to_live(TableName=name)["TimeToLiveDescription"]["TimeToLiveStatus"]
            for name in ("own-prices", "own-sessions")
        }  # fmt: skip
        assert states == {"own-prices": "DISABLED", "own-sessions": "ENABLED"}
        (operations(served) / "price.py").write_text(PRICE)
        for door in ("sync", "hybrid"):
            given = {"article": door}
            answer = eventually(
                lambda d=door, g=given: api.ask(d, "price", g), lambda a: a.status_code != 404
            )
            assert answer.json() == 'in "quotes", ${not a reference}'
        assert tables.scan(TableName="own-prices")["Count"] == 2
    finally:
        (operations(served) / "price.py").unlink(missing_ok=True)
        shown = len(served.output.read_text())
        path.write_text(before)
        eventually(
            lambda: served.output.read_text()[shown:],
            lambda text: "updated: template.yaml" in text,
            within_s=900,
        )
