"""`make republish`: a record that could not be published is published, and then deleted."""

import io
import json
from typing import Any

import pytest

from local.republish import records_of, republish
from tests.integration.lambdas import lambda_context
from tests.integration.world import World


class Operated:
    """The world as the operator's tools see a stack."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.ids, self.outputs = world.ids, {"BucketName": world.ids["Bucket"]}

    def client(self, service: str) -> Any:
        return self._world.s3 if service == "s3" else self

    def invoke(self, FunctionName: str, Payload: str) -> dict[str, Any]:  # noqa: N803
        try:
            said = self._world.app("notify").handler(json.loads(Payload), lambda_context())
        except Exception as error:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(repr(error).encode())}
        return {"Payload": io.BytesIO(json.dumps(said).encode())}


@pytest.fixture
def operated(world: World) -> Any:
    world.ids.setdefault("Notify", "Notify")
    return Operated(world)


def ended(world: World, count: int = 3) -> list[dict[str, Any]]:
    """Have jobs end; return their records as JSON has them, without handing them to a Lambda."""
    for n in range(count):
        world.submit("echo", {"value": n})
    world.work()
    records: list[dict[str, Any]] = json.loads(json.dumps(world.ends(), default=str))
    return records


def keep(world: World, key: str, kept: Any) -> None:
    world.s3.put_object(Bucket=world.ids["Bucket"], Key=key, Body=json.dumps(kept))


def test_a_batch_that_lambda_gave_up_is_published(world: World, operated: Any) -> None:
    batch = json.dumps({"Records": ended(world)})
    about = {"requestContext": {"condition": "RetryAttemptsExhausted"}, "version": "1.0"}
    keep(world, "aws/lambda/1f2e/2026/11/24/2026-11-24T12.00.00-77", about | {"payload": batch})

    assert republish(operated) == 0
    assert len(world.published()) == 3
    assert world.objects("aws/lambda/") == []


def test_a_record_that_notify_could_not_read_is_published_once_it_can(
    world: World, operated: Any
) -> None:
    (record,) = ended(world, 1)
    whole = record["dynamodb"]["NewImage"].pop("created")
    world.app("notify").handler({"Records": [record]}, lambda_context())
    assert republish(operated) == 1
    assert len(world.objects("aws/lambda/unpublished/")) == 1, "it is kept until it was published"

    record["dynamodb"]["NewImage"]["created"] = whole
    keep(world, world.objects("aws/lambda/unpublished/")[0], record)
    assert republish(operated) == 0
    assert len(world.published()) == 1
    assert world.objects("aws/lambda/") == []


def test_a_record_that_again_cannot_be_published_is_not_written_again(
    world: World, operated: Any
) -> None:
    """The bucket deletes it 90 days after it was first written."""
    (record,) = ended(world, 1)
    del record["dynamodb"]["NewImage"]["created"]
    world.app("notify").handler({"Records": [record]}, lambda_context())
    (first,) = world.s3.list_objects_v2(Bucket=world.ids["Bucket"])["Contents"]
    world.s3.put_object(Bucket=world.ids["Bucket"], Key=first["Key"], Body=json.dumps(record))
    marked = world.s3.head_object(Bucket=world.ids["Bucket"], Key=first["Key"])["ETag"]
    assert republish(operated) == 1
    after = world.s3.head_object(Bucket=world.ids["Bucket"], Key=first["Key"])["ETag"]

    assert marked == after != first["ETag"]


def test_a_record_that_still_cannot_be_published_stays(world: World, operated: Any) -> None:
    keep(world, "aws/lambda/1f2e/x", {"payload": json.dumps({"Records": ended(world)})})
    world.faults.unreachable("sns.PublishBatch")

    assert republish(operated) == 1
    assert world.objects("aws/lambda/") == ["aws/lambda/1f2e/x"]


@pytest.mark.parametrize("kept", ["", "{", "[1]", "null", '{"payload": "{"}', '{"payload": {}}'])
def test_an_object_without_records_does_not_stop_the_others(
    world: World, operated: Any, capsys: pytest.CaptureFixture[str], kept: str
) -> None:
    world.s3.put_object(Bucket=world.ids["Bucket"], Key="aws/lambda/1", Body=kept)
    keep(world, "aws/lambda/2", {"payload": json.dumps({"Records": ended(world)})})

    assert republish(operated) == 1
    assert len(world.published()) == 3
    assert world.objects("aws/lambda/") == ["aws/lambda/1"]
    assert "aws/lambda/1  has no records" in capsys.readouterr().out


def test_listing_publishes_nothing(
    world: World, operated: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    keep(world, "aws/lambda/1f2e/x", {"payload": json.dumps({"Records": ended(world)})})
    republish(operated, only_list=True)

    assert "aws/lambda/1f2e/x  3 records\n" in capsys.readouterr().out
    assert world.published() == []
    assert world.objects("aws/lambda/") == ["aws/lambda/1f2e/x"]


def test_a_payload_is_read_as_text_and_as_an_object() -> None:
    assert records_of({"payload": '{"Records": [1]}'}) == [1]
    assert records_of({"payload": {"Records": [1]}}) == [1]
    assert records_of({"eventID": "1"}) == [{"eventID": "1"}]
