"""What AWS in memory promises, held against moto: each test runs on both, with the calls of the layer."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from nowlater.aws.table import Table
from tests import stack
from tests.faults.memory import Client, Memory

START = 1_795_521_600_000


@dataclass
class Aws:
    """One of the two, by its clients."""

    client: Callable[[str], Any]
    ids: dict[str, str]

    @property
    def table(self) -> Table:
        return Table(self.ids["Table"], self.client("dynamodb"))


def _in_memory() -> Iterator[Aws]:
    memory = Memory(lambda: START)

    def carry(service: str, operation: str, given: dict[str, Any], _: Any) -> Any:
        return getattr(memory, f"{service}_{operation}")(**given)

    names = ("Table", "Topic", "Bucket", "FlexibleQueue", "MasterSecret")
    yield Aws(lambda service: Client(service, {}, carry), {n: f"aws/{n}" for n in names})


def _moto() -> Iterator[Aws]:
    with pytest.MonkeyPatch.context() as patch, mock_aws():
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
        yield Aws(lambda service: boto3.client(service), stack.Stack().ids)


@pytest.fixture(scope="module", params=[_in_memory, _moto], ids=["memory", "moto"])
def aws(request: pytest.FixtureRequest) -> Iterator[Aws]:
    yield from request.param()


@pytest.fixture
def pk(request: pytest.FixtureRequest) -> str:
    """A partition of the test's own: they share the table."""
    return f"JOB#{request.node.name}#0"


def item(pk: str, sk: str = "1", **attributes: Any) -> dict[str, Any]:
    return {"PK": pk, "SK": sk} | attributes


KINDS = {
    "text": "é\U0001f600",
    "number": 12345678901234,
    "fraction": 0.25,
    "yes": True,
    "list": [1, "2", {"three": None}],
    "map": {"a": {"b": []}},
}


def test_an_item_is_kept_as_it_was_put(aws: Aws, pk: str) -> None:
    aws.table.put_if(item(pk, **KINDS), "attribute_not_exists(PK)", {})

    assert aws.table.get(pk, "1") == item(pk, **KINDS)
    assert aws.table.get(pk, "2") is None


def test_a_put_that_is_refused_returns_the_existing_item(aws: Aws, pk: str) -> None:
    aws.table.put_if(item(pk, n=1), "attribute_not_exists(PK)", {})
    old = aws.table.put_if(item(pk, n=2), "attribute_not_exists(PK) OR #n < :n", {"n": 1})
    replaced = aws.table.put_if(item(pk, n=3), "#n <= :n", {"n": 1})

    assert (old, replaced) == (item(pk, n=1), None)
    assert aws.table.get(pk, "1") == item(pk, n=3)


CONDITIONS = [
    "attribute_exists(PK)",
    "attribute_not_exists(PK)",
    "attribute_exists(PK) AND attribute_not_exists(#gone)",
    "#status = :queued",
    "#status <> :queued",
    "#gone <> :queued",
    "#gone = :queued",
    "#n < :three",
    "#n <= :three AND #n >= :three",
    "#n > :three OR #status = :queued",
    "#gone < :three",
    "#gone > :three",
    "#status IN (:running, :queued)",
    "#status IN (:running)",
    "NOT #status IN (:running)",
    "#status = :running OR #n = :three AND #gone = :three",
    "(#status = :running OR #n = :three) AND #gone = :three",
    "(#status <> :running OR #lease < :three)",
    "attribute_not_exists(#gone) AND (#status IN (:running, :queued)) AND #lease < :three",
]


def test_each_condition_holds_where_it_does_in_dynamodb(aws: Aws, pk: str) -> None:
    """What holds is written down here: that both agree would not say that both are right."""
    values = {"queued": "queued", "running": "running", "three": 3}
    held = []
    aws.table.put_if(item(pk, status="queued", n=3, lease=2), "attribute_not_exists(PK)", {})
    for number, condition in enumerate(CONDITIONS):
        done, old = aws.table.update_if(pk, "1", {"mark": number}, {}, condition, values)
        held.append(done)
        assert old is not None
        assert (old.get("mark") == number) is done

    assert [c for c, h in zip(CONDITIONS, held, strict=True) if h] == [
        "attribute_exists(PK)",
        "attribute_exists(PK) AND attribute_not_exists(#gone)",
        "#status = :queued",
        "#gone <> :queued",
        "#n <= :three AND #n >= :three",
        "#n > :three OR #status = :queued",
        "#status IN (:running, :queued)",
        "NOT #status IN (:running)",
        "(#status <> :running OR #lease < :three)",
        "attribute_not_exists(#gone) AND (#status IN (:running, :queued)) AND #lease < :three",
    ]


def test_a_condition_on_a_missing_item_refuses_and_returns_nothing(aws: Aws, pk: str) -> None:
    refused = aws.table.update_if(pk, "1", {"n": 1}, {}, "attribute_exists(PK)", {})

    assert refused == (False, None)
    assert aws.table.get(pk, "1") is None


def test_an_update_sets_counts_and_takes_away(aws: Aws, pk: str) -> None:
    aws.table.put_if(item(pk, left=3, old="x", timeout=20), "attribute_not_exists(PK)", {})
    arithmetic = {"attempt": "if_not_exists(#attempt, :zero) + :one", "left": "#left - :one"}
    arithmetic["until"] = "#timeout + :now"
    values = {"zero": 0, "one": 1, "now": 1000}
    for _ in range(2):
        done, new = aws.table.update_if(
            pk, "1", {"old": None, "new": "y"}, arithmetic, "#left > :zero", values
        )

    assert done
    assert new == item(pk, left=1, timeout=20, new="y", attempt=2, until=1020)


def test_an_update_creates_a_missing_item(aws: Aws, pk: str) -> None:
    done, new = aws.table.update_if(pk, "1", {"n": 1}, {}, "attribute_not_exists(PK)", {})

    assert (done, new) == (True, item(pk, n=1))


def test_counters_are_added_to(aws: Aws, pk: str) -> None:
    aws.table.add(pk, "1", {"a": 1})

    assert aws.table.add(pk, "1", {"a": 2, "b": 5}) == item(pk, a=3, b=5)


def test_a_partition_is_read_backwards_from_before_an_item(aws: Aws, pk: str) -> None:
    for sk in "2413":
        aws.table.put_if(item(pk, sk), "attribute_not_exists(PK)", {})

    assert [i["SK"] for i in aws.table.query(pk)] == ["4", "3", "2", "1"]
    assert [i["SK"] for i in aws.table.query(pk, before="4", limit=2)] == ["3", "2"]


def test_the_index_has_the_keys_of_what_is_due_in_order(aws: Aws, pk: str) -> None:
    for sk, at in (("1", 30), ("2", 10), ("3", 40), ("4", 20)):
        new = item(pk, sk, due_at=at, due_shard=7, more="x")
        aws.table.put_if(new, "attribute_not_exists(PK)", {})
    aws.table.update_if(pk, "4", {"due_at": None}, {}, "attribute_exists(PK)", {})

    found = [i for i in aws.table.due(7, 30) if i["PK"] == pk]
    assert [(i["SK"], i["due_at"], "more" in i) for i in found] == [
        ("2", 10, False),
        ("1", 30, False),
    ]


def test_an_item_that_is_deleted_is_gone(aws: Aws, pk: str) -> None:
    aws.table.put_if(item(pk), "attribute_not_exists(PK)", {})
    for _ in range(2):
        aws.table.delete(pk, "1")

    assert aws.table.get(pk, "1") is None


def test_a_queue_says_how_many_messages_could_be_received(aws: Aws) -> None:
    sqs, url = aws.client("sqs"), aws.ids["FlexibleQueue"]
    sqs.send_message(QueueUrl=url, MessageBody="a", MessageGroupId="g")
    sqs.send_message(QueueUrl=url, MessageBody="b", MessageGroupId="g", DelaySeconds=60)
    entries = [{"Id": str(n), "MessageBody": "c", "MessageGroupId": "g"} for n in range(2)]
    answer = sqs.send_message_batch(QueueUrl=url, Entries=entries)
    name = "ApproximateNumberOfMessages"
    depth = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name]

    assert depth == "3"
    assert [done["Id"] for done in answer["Successful"]] == ["0", "1"]


def test_a_delay_of_more_than_15_minutes_is_refused(aws: Aws) -> None:
    sqs, url = aws.client("sqs"), aws.ids["FlexibleQueue"]
    with pytest.raises(ClientError):
        sqs.send_message(QueueUrl=url, MessageBody="a", DelaySeconds=901)


def test_a_handle_that_is_none_cannot_be_postponed(aws: Aws) -> None:
    sqs, url = aws.client("sqs"), aws.ids["FlexibleQueue"]
    with pytest.raises(ClientError):
        sqs.change_message_visibility(QueueUrl=url, ReceiptHandle="none", VisibilityTimeout=1)


def test_a_topic_takes_a_batch(aws: Aws) -> None:
    entries = [{"Id": str(n), "Message": "m"} for n in range(3)]
    sns, topic = aws.client("sns"), aws.ids["Topic"]
    answer = sns.publish_batch(TopicArn=topic, PublishBatchRequestEntries=entries)

    assert [done["Id"] for done in answer["Successful"]] == ["0", "1", "2"]
    assert not answer.get("Failed")


def test_an_object_is_kept_until_it_is_deleted(aws: Aws) -> None:
    s3, bucket = aws.client("s3"), aws.ids["Bucket"]
    s3.put_object(Bucket=bucket, Key="k", Body=b"data", ContentType="text/plain")
    got = s3.get_object(Bucket=bucket, Key="k")
    for _ in range(2):
        s3.delete_object(Bucket=bucket, Key="k")

    assert (got["Body"].read(), got["ContentType"]) == (b"data", "text/plain")
    with pytest.raises(ClientError) as refused:
        s3.get_object(Bucket=bucket, Key="k")
    assert refused.value.response["Error"]["Code"] == "NoSuchKey"
