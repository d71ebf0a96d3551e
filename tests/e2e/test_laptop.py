"""A day at a laptop: what `make up` shows of operations, and what is there after an end or a kill."""

import os
import re
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.client import Client
from tests.e2e.patience import PATIENCE_S, eventually
from tests.e2e.served import Served, copy, tool

TALKING = Path(__file__).with_name("talking.py")
BROKEN = "operations/broken.py"
OWN = """\
Resources:
  OwnMap: {Type: AWS::Location::Map, Properties: {MapName: own, Configuration: {Style: Light}}}
  OwnSetting: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: !GetAtt OwnMap.MapArn}}
  OwnPrices:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: article, AttributeType: S}]
      KeySchema: [{AttributeName: article, KeyType: HASH}]
  OwnQueue: {Type: AWS::SQS::Queue}
  OwnFunction:
    Type: AWS::Serverless::Function
    Properties:
      Runtime: python3.13
      Handler: index.handler
      InlineCode: |
        def handler(event, context):
            print("own Lambda prints")
            return "own" if event == {} else event["missing"]
"""

#: The module as `make up` serves and names it.
SERVED = "operations/talking.py"

type Say = Callable[[str], str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout that lives longer than one `make up`."""
    return tmp_path_factory.mktemp("laptop")


@pytest.fixture(scope="module")
def laptop(folder: Path) -> Iterator[Served]:
    """A stack that was started with a broken operation, and with resources of one's own."""
    copy(folder)
    (folder / BROKEN).write_text("from nowlater import operation\n\n\ndef broken(:\n")
    (folder / "operations/resources.yaml").write_text(OWN)
    with Served(folder, operations=[TALKING], copied=True) as it:
        yield it


@pytest.fixture(scope="module")
def caller(laptop: Served) -> Iterator[Client]:
    client = Client(laptop.told()["url"], laptop.told()["key"])
    yield client
    client.close()


@pytest.fixture
def says(laptop: Served) -> Say:
    """Waits until `make up` has said something; returns all that it has said from then on."""
    before = len(laptop.output.read_text())

    def wait(text: str, within_s: float = PATIENCE_S) -> str:
        return eventually(lambda: laptop.output.read_text()[before:], lambda said: text in said, within_s=within_s)  # fmt: skip

    return wait


def line_of(code: str) -> int:
    """Return the number of the line of talking.py with this code."""
    lines = TALKING.read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if code in line)


# ── what is served ────────────────────────────────────────────────────────────────────────────


def test_a_start_with_a_broken_operation_serves_the_others_and_says_what_to_correct(
    laptop: Served, caller: Client, says: Say
) -> None:
    said = laptop.output.read_text()

    assert "All other operations are served. Correct these and save" in said
    assert f"\n  {BROKEN}:4: SyntaxError: invalid syntax\n" in said
    assert caller.ask("sync", "echo", {"value": 1}).json() == 1
    other = laptop.folder / "operations/other.py"
    other.write_text("from nowlater import operation\n\n\n@operation()\ndef other() -> int:\n    return 1\n")  # fmt: skip
    assert eventually(lambda: caller.ask("sync", "other", {}).json(), lambda one: one == 1)
    assert f"{BROKEN}:4: " in says("updated: ")
    (laptop.folder / BROKEN).write_text(other.read_text().replace("other", "mended"))
    assert eventually(lambda: caller.ask("sync", "mended", {}).json(), lambda one: one == 1)
    assert f"{BROKEN}:" not in says("updated: ").rpartition("updated: ")[2]


def test_own_resources_are_there_and_what_the_emulator_does_not_know_is_named(
    laptop: Served, says: Say
) -> None:
    said, stack = laptop.output.read_text(), laptop.stack()
    setting = stack.client("ssm").get_parameter(Name=stack.ids["OwnSetting"])

    assert "template.yaml: OwnMap (AWS::Location::Map) is not created, all else is." in said
    assert setting["Parameter"]["Value"].startswith("arn:aws:")
    invoked = stack.client("lambda").invoke(FunctionName=stack.ids["OwnFunction"])
    assert invoked["Payload"].read() == b'"own"'
    assert "OwnFunction\n  own Lambda prints\n" in says("own Lambda prints")
    stack.client("lambda").invoke(FunctionName=stack.ids["OwnFunction"], Payload=b'{"a": 1}')
    assert "  KeyError: 'missing'\n" in says("KeyError")


def test_a_timeout_beyond_the_stacks_is_said(laptop: Served, says: Say) -> None:
    began = laptop.output.read_text()
    assert "Runs end after 40 s here, as on AWS with WorkTimeout=60." in began
    assert "csv-profile (240), " in began
    path = laptop.folder / "operations/slow.py"
    path.write_text("from nowlater import operation\n\n\n@operation(timeout=100)\ndef slow() -> int:\n    return 1\n")  # fmt: skip

    assert "  For all of it: make up SET=WorkTimeout=120\n" in says("  slow (100)\n")


def test_an_unknown_parameter_is_refused_with_the_nearest(laptop: Served) -> None:
    done = tool(laptop.folder, "up", "--port", "0", "--set", "WorkTimout=300 Shards=99")

    assert done.returncode == 1
    assert "WorkTimout=300: the template has no such parameter. Did you mean WorkTimeout" in done.stderr  # fmt: skip
    assert "Shards=99: it must be at least 1 and at most 16" in done.stderr


# ── what operations say ───────────────────────────────────────────────────────────────────────


def test_what_a_job_says_is_under_its_operation_and_id_and_in_a_file(
    laptop: Served, caller: Client, says: Say
) -> None:
    word = secrets.token_hex(4)
    job = caller.submit("talk", {"word": word})
    said = says(f"talk {job['id']} succeeded")

    quoted = said.partition(f"talk {job['id']}\n")[2]
    for line in (f"printed {word}", f"INFO talking: logged {word}", f"written {word}"):
        assert f"  {line}\n" in quoted
    assert f"{SERVED}:{line_of('warnings.warn')}: UserWarning: warned {word}" in quoted
    log = (laptop.folder / ".local/output.log").read_text()
    assert re.search(rf"^\S+ talk {job['id']} \| printed {word}$", log, re.MULTILINE)


def test_a_failure_at_the_sync_door_names_the_operation_and_its_line(
    caller: Client, says: Say
) -> None:
    word = secrets.token_hex(4)
    assert caller.ask("sync", "talk", {"word": word, "how": "raise"}).status_code == 500
    said = says(f"ValueError: raised {word}")

    assert re.search(r"^talk at the sync door, \d\d:\d\d:\d\d$", said, re.MULTILINE)
    assert f'File "{SERVED}", line {line_of("raise ValueError")}, in talk' in said
    assert "executor.py" not in said


def test_what_a_child_prints_is_output_and_no_answer_and_it_reads_no_request(
    laptop: Served, caller: Client, says: Say
) -> None:
    word = secrets.token_hex(4)
    response = caller.ask("sync", "talk", {"word": word, "how": "child"})
    assert response.json() == word * 20_000
    said = says(f"no end {word}")

    assert said.count(f"  child {word}\n") == 300
    assert '  {"status": "ok"}\n' in said
    assert "  \ufffd\\x00 binary\n" in said
    assert f"  read 0 bytes, and the last line has no end {word}\n" in said


def test_a_crash_in_c_is_shown_with_the_line_and_with_what_becomes_of_the_job(
    caller: Client, says: Say
) -> None:
    job = caller.submit("talk", {"word": "crashes", "how": "crash"})
    said = says("its process has died: it was killed by SIGSEGV.")

    assert "Fatal Python error: Segmentation fault" in said
    assert f'File "{SERVED}", line {line_of("ctypes.string_at")} in talk' in said
    says("expired, at most 1 min 30 s later.")
    caller.call("POST", job["links"]["cancel"])


def test_the_receiver_shows_webhooks_and_what_is_wrong_with_their_signature(
    laptop: Served, caller: Client, says: Say
) -> None:
    url = laptop.told()["webhooks"]
    job = caller.submit("echo", {"value": 1}, callback={"url": url})
    said = says(f"webhook: echo {job['id']} succeeded\n  its signature is valid")
    (received,) = [w for w in requests.get(url, timeout=10).json()["webhooks"] if job["id"] in w["title"]]  # fmt: skip
    headers = {name: text for name, text in received["headers"].items() if "webhook-" in name}
    forged = requests.post(url, json={"forged": True}, headers=headers, timeout=10)

    assert "refused" not in said
    assert (received["fault"], received["body"]["subject"]) == (None, job["id"])
    assert (forged.status_code, "no signature fits this body" in forged.text) == (401, True)
    assert "refused with 401: no signature fits this body" in says("refused with 401")
    page = requests.get(url, headers={"Accept": "text/html"}, timeout=10).text
    assert job["id"] in page
    assert "no signature fits" in page


# ── what is kept ──────────────────────────────────────────────────────────────────────────────


def own_table(served: Served) -> Any:
    stack = served.stack()
    return {"client": stack.client("dynamodb"), "name": stack.ids["OwnPrices"]}


@pytest.mark.nightly
def test_a_kill_loses_no_job_and_an_end_keeps_the_key(folder: Path, laptop: Served) -> None:
    """It comes last: it ends the stack of the others."""
    caller = Client(laptop.told()["url"], laptop.told()["key"])
    key, secret = laptop.told()["key"], caller.get("/webhooks/secret?host=x.example").json()
    ended = caller.ended(caller.submit("talk", {"word": "kept"}))  # its result is in the bucket
    running = caller.submit("talk", {"word": "interrupted", "seconds": 20})
    waiting = caller.submit("echo", {"value": 1}, start={"after": 100})
    prices = own_table(laptop)
    prices["client"].put_item(TableName=prices["name"], Item={"article": {"S": "egg"}})
    eventually(lambda: caller.see(running)["status"] == "running")
    os.kill(laptop.process.pid, signal.SIGKILL)
    laptop.process.wait()
    eventually(laptop.processes, lambda found: not found, within_s=30)
    began = time.monotonic()
    kept = Served(folder, copied=True, keep=True)
    kept.port = laptop.port  # links of jobs have it
    with kept as again:
        caller = Client(again.told()["url"], again.told()["key"])
        took_s = time.monotonic() - began
        said = again.output.read_text()
        result = caller.get(f"/jobs/{ended['id']}/result", allow_redirects=True)
        went_on = caller.ended(running, within_s=60)
        waited = caller.ended(waiting, within_s=180)
        prices = own_table(again)

        assert again.told()["key"] == key
        assert caller.get("/webhooks/secret?host=x.example").json() == secret
        assert "jobs of the last time: " in said
        assert "1 interrupted, run again now" in said
        assert result.json() == "kept" * 20_000
        assert (went_on["status"], went_on["attempt"], waited["status"]) == ("succeeded", 2, "succeeded")  # fmt: skip
        assert prices["client"].scan(TableName=prices["name"])["Count"] == 1
        assert took_s < 600
    with Served(folder, copied=True) as anew:
        caller = Client(anew.told()["url"], anew.told()["key"])

        assert anew.told()["key"] == key
        assert caller.get("/webhooks/secret?host=x.example").json() == secret
        assert caller.get("/jobs").json()["jobs"] == []
