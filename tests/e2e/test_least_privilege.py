"""An operation that means harm: what the roles of the Lambdas that run it keep it from."""

from collections.abc import Iterator

import pytest

from tests.e2e.client import Client
from tests.e2e.served import Served

_REFUSED = {"AccessDenied", "AccessDeniedException", "AuthorizationError"}
#: What operations have to be let: to read uploads, at all doors. Work's role writes jobs too, and
#: docs/decisions.md says why no condition keeps one owner's from another's.
_OF_BOTH = {"list uploads", "read an upload"}
_OF_WORK = {"change a job"}


@pytest.fixture(scope="module")
def caller(plain: Served) -> Iterator[Client]:
    connection = plain.connection()
    client = Client(connection["url"], connection["key"])
    yield client
    client.close()


@pytest.fixture(scope="module")
def wanted(plain: Served, caller: Client) -> dict[str, str]:
    """What there is to be got at: a secret, what another owner has in the bucket, and a job."""
    stack = plain.stack()
    bucket, name = plain.client("s3"), stack.outputs["BucketName"]
    keys = {"result": "results/another/1/1", "upload": "uploads/another/1"}
    keys |= {"letter": "dead-letters/1"}
    for key in keys.values():
        bucket.put_object(Bucket=name, Key=key, Body=b"theirs")
    job = caller.submit("text-stats", {"text": "To be."})["id"]
    return keys | {
        "secret": stack.ids["MasterSecret"],
        "authorizer": stack.ids["Authorize"],
        "job": job,
    }


def at(door: str, caller: Client, wanted: dict[str, str]) -> dict[str, str]:
    """Have the operation try it all at a door; return what AWS said."""
    if door == "sync":
        answer = caller.ask("sync", "trespass", wanted)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())
    job = caller.ended(caller.submit("trespass", wanted))
    assert job["status"] == "succeeded", job
    return dict(job["result"])


@pytest.mark.parametrize(("door", "let"), [("sync", _OF_BOTH), ("async", _OF_BOTH | _OF_WORK)])
def test_an_operation_may_do_what_it_has_to_and_nothing_else(
    caller: Client, wanted: dict[str, str], door: str, let: set[str]
) -> None:
    said = at(door, caller, wanted)

    assert {what for what, answer in said.items() if answer == "done"} == let
    assert set(said.values()) - _REFUSED == {"done"}, said
    assert len(said) > 20


def test_nothing_comes_of_what_was_refused(
    plain: Served, caller: Client, wanted: dict[str, str]
) -> None:
    at("async", caller, wanted)
    stack = plain.stack()
    table, bucket = plain.client("dynamodb"), plain.client("s3")
    items = table.scan(TableName=stack.outputs["TableName"], ConsistentRead=True)["Items"]
    partitions = {item["PK"]["S"] for item in items}
    upload = bucket.get_object(Bucket=stack.outputs["BucketName"], Key=wanted["upload"])

    assert any(partition.startswith("JOB#") for partition in partitions)
    assert "APIKEY#0123456789ab" not in partitions
    assert upload["Body"].read() == b"theirs"
