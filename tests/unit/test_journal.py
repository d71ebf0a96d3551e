"""What the emulator keeps on disk, and its stand-ins: tried in processes of its own environment."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import emulator
from tests import stack

type Emulated = Callable[..., Any]
_HEAD = """
import json, os, sys
from pathlib import Path
from ministack.services import dynamodb, sqs, secretsmanager
from ministack.services.cloudformation import provisioners, stacks
from local.journal import Journal
from local import emulator_resources

def started(with_jobs):
    journal = Journal(Path(sys.argv[1]), with_jobs=with_jobs)
    emulator_resources.apply(journal)
    journal.apply()
    return journal

def create(kind, name, **properties):
    return provisioners._provision_resource(kind, name, properties, "own")[0]

def table(name):
    keys = [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}]
    types = [{"AttributeName": n, "AttributeType": "S"} for n in ("PK", "SK")]
    return create("AWS::DynamoDB::Table", name, KeySchema=keys, AttributeDefinitions=types, BillingMode="PAY_PER_REQUEST")

def put(name, pk, **attributes):
    item = {"PK": {"S": pk}, "SK": {"S": "x"}} | {k: {"S": v} for k, v in attributes.items()}
    assert dynamodb._put_item({"TableName": name, "Item": item})[0] == 200

def items(name):
    return {i["PK"]["S"]: i.get("v", {}).get("S") for rows in dynamodb._tables[name]["items"].values() for i in rows.values()}
"""


@pytest.fixture
def emulated(tmp_path: Path) -> Emulated:
    """Runs code in a new process of the emulator's, with the same folder; returns what it prints."""

    def run(code: str) -> Any:
        done = subprocess.run(
            [emulator.PYTHON, "-c", _HEAD + code, str(tmp_path / "kept")],
            cwd=stack.ROOT,
            env={"PATH": sys.exec_prefix, "OUTPUT": "", "AUTH": "true"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode in (0, -9), done.stderr
        return json.loads(done.stdout)

    return run


FILL = """
journal = started(False)
name = table("Table")
put(name, "JOB#acme#0", v="1"); put(name, "JOB#acme#0", v="2"); put(name, "APIKEY#1"); put(name, "gone")
dynamodb._delete_item({"TableName": name, "Key": {"PK": {"S": "gone"}, "SK": {"S": "x"}}})
url = create("AWS::SQS::Queue", "Queue")
secret = create("AWS::SecretsManager::Secret", "Secret", GenerateSecretString={})
(version,) = secretsmanager._secrets[secret]["Versions"].values()
sqs._act_send_message({"QueueUrl": url, "MessageBody": "waits"}, url)
sqs._act_receive_message({"QueueUrl": url}, url)
journal.write_queues()
bucket = create("AWS::S3::Bucket", "Bucket")
print(json.dumps({"secret": version["SecretString"], "items": items(name), "bucket": bucket}), flush=True)
os.kill(os.getpid(), 9)
"""
LOOK = """
journal = started(WITH_JOBS)
name, url = table("Table"), create("AWS::SQS::Queue", "Queue")
secret = create("AWS::SecretsManager::Secret", "Secret", GenerateSecretString={})
(version,) = secretsmanager._secrets[secret]["Versions"].values()
found = [m["body"] for m in sqs._queues[url]["messages"] if m["receipt_handle"] is None]
bucket = create("AWS::S3::Bucket", "Bucket")
print(json.dumps({"secret": version["SecretString"], "items": items(name), "bucket": bucket, "messages": found}))
"""


def test_what_a_killed_emulator_held_is_there_again_or_its_keys_alone(
    emulated: Emulated, tmp_path: Path
) -> None:
    first = emulated(FILL)
    with (tmp_path / "kept/changes.jsonl").open("a") as changes:
        changes.write('{"at": 1, "table": "own-Ta')  # it was killed as it wrote
    again = emulated(LOOK.replace("WITH_JOBS", "True"))
    keys = emulated(LOOK.replace("WITH_JOBS", "False"))
    after = emulated(LOOK.replace("WITH_JOBS", "True"))

    assert first["items"] == {"JOB#acme#0": "2", "APIKEY#1": None}
    assert again == first | {"messages": ["waits"]}
    assert keys == first | {"items": {"APIKEY#1": None}, "messages": []}
    assert after == keys


def test_a_type_that_the_emulator_does_not_know_has_a_stand_in(emulated: Emulated) -> None:
    created = emulated("""
started(False)
from ministack.services.cloudformation import engine
kind = "AWS::Location::Map"
name, attributes = provisioners._provision_resource(kind, "Map", {}, "own")
names = list(emulator_resources.not_emulated.values())
resources = {"Map": {"PhysicalResourceId": name, "Attributes": attributes, "ResourceType": kind}}
resolved = engine._resolve_refs({"Fn::GetAtt": ["Map", "MapArn"]}, resources, {}, {}, {}, "own", "own")
kept = provisioners._update_resource(kind, name, {}, {}, "own", "Map", attributes)[1]
provisioners._delete_resource(kind, name, {}, "own", "Map")
print(json.dumps([name, names, resolved, "Any" in kept, emulator_resources.not_emulated]))
""")

    assert created == [
        "own-Map",
        ["Map (AWS::Location::Map)"],
        "arn:aws:none:us-east-1:000000000000:own-Map",
        True,
        {},
    ]


def test_a_run_is_known_by_its_event(emulated: Emulated) -> None:
    described = emulated("""
from local.emulator_output import _reason, describe
body = json.dumps({"owner": "acme", "id": "1"})
request = {"routeKey": "POST /sync/{operation}", "pathParameters": {"operation": "greet"}}
print(json.dumps([
    describe({"Records": [{"body": body}, {"body": "{}"}]}), describe({"owner": "acme", "id": "2"}),
    {**describe(request), "at": "now"}, describe({"Records": [{"eventName": "MODIFY"}]}), describe(None),
    describe({"Records": [{"body": "no JSON"}]}), _reason(3), _reason(-11), _reason(-9),
]))
""")

    assert described == [
        {"owner": "acme", "job": "1"},
        {"owner": "acme", "job": "2"},
        {"door": "sync", "operation": "greet", "at": "now"},
        *({}, {}, {}),
        "it exited with status 3",
        "it was killed by SIGSEGV",
        "it was killed by SIGKILL, perhaps for lack of memory",
    ]
