"""A project of one's own, from `make new` to an upgrade with changes on both sides, all of it served."""

import os
import re
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from local.project import new, note
from tests.e2e.patience import PATIENCE_S
from tests.e2e.served import ROOT

pytestmark = pytest.mark.nightly

PRICES = '''
"""Prices, in a table of our own."""

import os
import boto3
import saved_money
from nowlater import Refused, operation

@operation(timeout=20)
def set_price(article: str, cents: int) -> str:
    """Sets a price"""
    if cents < 0: raise Refused("not below zero")
    prices = boto3.client("dynamodb")
    prices.put_item(TableName=os.environ["PRICES_TABLE"],
        Item={"article": {"S": article}, "cents": {"N": str(cents)}})
    found = prices.get_item(TableName=os.environ["PRICES_TABLE"], Key={"article": {"S": article}})
    return saved_money.written(int(found["Item"]["cents"]["N"])) + os.environ["CURRENCY"]
'''
RESOURCES = """\
Resources:
  Prices: # of our articles
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: article, AttributeType: S}]
      KeySchema: [{AttributeName: article, KeyType: HASH}]
  Feed: # a Lambda of ours, at a route of ours
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/feed/
      Events: {Get: {Type: HttpApi, Properties: {Method: GET, Path: /feed, ApiId: !Ref Api}}}
Policy:
  - Effect: Allow
    Action: [dynamodb:PutItem, dynamodb:GetItem]
    Resource: !GetAtt Prices.Arn
Environment:
  PRICES_TABLE: !Ref Prices
  CURRENCY: " EUR"
Outputs:
  PricesName: {Value: !Ref Prices}
"""
TESTS = """
import pytest
from nowlater import Refused
from nowlater.testing import InvalidInput, ProblemResponse, call

@pytest.mark.parametrize("door", ["sync", "async", "hybrid"])
def test_a_price_is_set_at_each_door(served, door):
    assert served.call("set-price", {"article": door, "cents": 250}, door=door) == "2.50 EUR"
    with pytest.raises(ProblemResponse, match="not below zero"):
        served.call("set-price", {"article": door, "cents": -1}, door=door)

def test_a_price_below_zero_is_refused():
    with pytest.raises(Refused):
        call("set-price", {"article": "a", "cents": -1})
    with pytest.raises(InvalidInput):
        call("set-price", {"article": "a", "cents": 1.5})

def test_a_lambda_of_our_own_is_served(served):
    assert served.request("GET", "/feed").json() == {"feed": "ours"}

def test_the_framework_is(served):
    assert served.call("echo", {"value": 1}) == WANTED
"""
#: What a later version changes, with what was there.
LATER = {
    "framework.yaml": (
        "  # + Resources\n",
        "  LaterParameter: {Type: AWS::SSM::Parameter, Properties: {Type: String, Value: x}}\n"
        "  # + Resources\n",
    ),
    "layers/nowlater/nowlater/diagnostics.py": ("    return value\n", "    return [value, 'later']\n"),
    "layers/catalogue/build.py": ("def main(", "LATER = 1\n\n\ndef main("),
    "layers/operations/Makefile": ("\t$(copy)", "\ttouch later.txt && rm later.txt\n\t$(copy)"),
    "layers/tokens/Makefile": ("include", "# later\ninclude"),
    "layers/layer.mk": ("# How", "# Later. How"),
    "functions/sync/app.py": ("\nfrom ", "\n# later\nfrom "),
    "local/up.py": ("import argparse\n", "import argparse  # later\n"),
    "docs/sam-local.md": ("# ", "# Later: "),
    "Makefile": ("up: ", "later:\n\t@echo later\n\nup: "),
    "pyproject.toml": ('version = "0.1.0"', 'version = "0.2.0"'),
    "uv.lock": ('name = "nowlater"\nversion = "0.1.0"', 'name = "nowlater"\nversion = "0.2.0"'),
    "CHANGELOG.md": ("## [Unreleased]\n", "## [0.2.0] - 2027-01-01\n\n- Echoes say later.\n"),
}  # fmt: skip

#: What leads all HTTP elsewhere: here to nothing that listens.
PROXIES = ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")


def wheel(folder: Path) -> str:
    """Write a package with one module as a wheel; return its requirement."""
    folder.mkdir()
    path, about = folder / "saved_money-1.0-py3-none-any.whl", "saved_money-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("saved_money.py", "def written(cents):\n    return f'{cents / 100:.2f}'\n")
        archive.writestr(f"{about}/METADATA", "Metadata-Version: 2.1\nName: saved_money\nVersion: 1.0\n")  # fmt: skip
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")  # fmt: skip
        archive.writestr(f"{about}/RECORD", f"saved_money.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n{about}/RECORD,,\n")  # fmt: skip
    return f"saved_money @ {path.as_uri()}\n"


def run(folder: Path, *command: str, **known: str) -> str:
    """Run a command as somebody at a shell would, with further variables; return what it prints."""
    outside = ("MAKEFLAGS", "MAKELEVEL", "PYTHONPATH", "VIRTUAL_ENV")
    done = subprocess.run(
        command,
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k not in outside} | known,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=10 * PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def commit(folder: Path, tag: str) -> None:
    git = ("git", "-c", "user.name=Ada", "-c", "user.email=ada@example.com")
    run(folder, *git, "add", "--all")
    run(folder, *git, "commit", "--quiet", "--message", tag)
    run(folder, *git, "tag", tag)


@pytest.fixture(scope="module")
def framework(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of the framework with two versions, of which the first is checked out."""
    folder = tmp_path_factory.mktemp("framework")
    for name in run(ROOT, "git", "ls-files", "--cached", "--others", "--exclude-standard").split():
        if (ROOT / name).exists() and not name.startswith("tests/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    run(folder, "git", "init", "--quiet")
    commit(folder, "v0.1.0")
    return folder


def release(folder: Path) -> None:
    """Make version 0.2.0, with changes of the template and of every layer."""
    for name, (old, fresh) in LATER.items():
        text = (folder / name).read_text()
        assert old in text, name
        (folder / name).write_text(text.replace(old, fresh, 1))
    (folder / "events/health.json").unlink()
    commit(folder, "v0.2.0")


@pytest.fixture(scope="module")
def project(framework: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project, with an environment of its own but for the emulator."""
    folder = new.make("acme-tools", tmp_path_factory.mktemp("acme"), framework)
    (folder / ".local").mkdir()
    for name in (".local/ministack", ".local/tools"):
        (folder / name).symlink_to(ROOT / name)
    os.utime(folder / "local/requirements.txt", (0, 0))  # the emulator is installed
    return folder


def test_what_make_new_makes_is_tested_extended_and_upgraded(
    framework: Path, project: Path, tmp_path: Path
) -> None:
    assert new.prepare(project)
    own = {
        "operations/prices.py": PRICES,
        "operations/requirements.txt": wheel(tmp_path / "packages"),
        "operations/resources.yaml": RESOURCES,
        "operations/tests/test_prices.py": TESTS.replace("WANTED", "1"),
        "README.md": "# Acme's tools\n",
        "notes.md": "ours\n",
        "functions/feed/app.py": "def handler(event, context):\n    return {'feed': 'ours'}\n",
    }
    (project / "functions/feed").mkdir()
    for name, text in own.items():
        (project / name).write_text(text)

    first = run(project, "make", "test")
    assert " passed" in first
    assert ", 0 FAILED" in first
    assert first.endswith("\nYour tests passed; the API from outside passed.\n")
    template = (project / "template.yaml").read_text()
    assert "  Prices: # of our articles\n" in template

    release(framework)
    (project / "operations/tests/test_prices.py").write_text(TESTS.replace("WANTED", "[1, 'later']"))  # fmt: skip
    upgraded = run(project, "make", "upgrade")
    assert "nowlater 0.1.0 → 0.2.0: " in upgraded
    assert "- Echoes say later." in upgraded
    assert "composed template.yaml" in upgraded
    template = (project / "template.yaml").read_text()
    assert "  LaterParameter: " in template
    assert "  Prices: # of our articles\n" in template
    assert note.read(project).version == "0.2.0"
    assert not (project / "events/health.json").exists()
    for name, text in own.items():
        if not name.endswith("test_prices.py"):
            assert (project / name).read_text() == text
    assert run(project, "make", "later") == "later\n"

    # Without a network: all is installed, and what the layers need is in uv's cache.
    second = run(project, "make", "test", **dict.fromkeys(PROXIES, "http://127.0.0.1:9"))
    assert ", 0 FAILED" in second
    build = run(project, "make", "build")
    assert "Build Succeeded" in build
    assert re.search(r"operations' environment has [\d,]+ of 2,400 bytes", build)
    assert "no file differs" in run(project, "make", "upgrade")
