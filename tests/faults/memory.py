"""AWS in memory: as much of DynamoDB, SQS, SNS, S3 and Secrets Manager as nowlater calls.

It passes the same contract tests as moto (`test_memory.py`), and takes microseconds a call.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from botocore.exceptions import ClientError

from nowlater.aws.table import pack_item, unpack, unpack_item
from tests import expressions
from tests.expressions import Item

type Key = tuple[str, str]


@dataclass(eq=False)
class Message:
    """A message of a queue; `visible_at` is when it can be received (again)."""

    id: str
    queue: str
    body: str
    group: str
    sent: int
    visible_at: int
    receives: int = 0


@dataclass(frozen=True)
class Change:
    """A record of the table's stream: an item before and after a write."""

    number: int
    at: int
    old: Item | None
    new: Item | None


@dataclass
class Memory:
    """What AWS keeps; times are milliseconds of `clock`."""

    clock: Callable[[], int]
    items: dict[Key, Item] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    published: list[tuple[int, str]] = field(default_factory=list)
    objects: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)

    # ── DynamoDB ──────────────────────────────────────────────────────────────────────────────

    def dynamodb_get_item(self, *, Key: Any, **_: Any) -> dict[str, Any]:
        item = self.items.get(_key(Key))
        return {} if item is None else {"Item": pack_item(item)}

    def dynamodb_put_item(self, *, Item: Any, **how: Any) -> dict[str, Any]:
        new = unpack_item(Item)
        self._check(self.items.get(_key(Item)), how)
        self._write(new)
        return {}

    def dynamodb_update_item(
        self, *, Key: Any, UpdateExpression: str, **how: Any
    ) -> dict[str, Any]:
        old = self.items.get(_key(Key))
        self._check(old, how)
        names, values = _expressions(how)
        new = expressions.update(UpdateExpression, old or unpack_item(Key), names, values)
        self._write(new)
        return {"Attributes": pack_item(new)} if how.get("ReturnValues") == "ALL_NEW" else {}

    def dynamodb_delete_item(self, *, Key: Any, **_: Any) -> dict[str, Any]:
        old = self.items.pop(_key(Key), None)
        if old is not None:
            self._changed(old, None)
        return {}

    def dynamodb_query(self, *, KeyConditionExpression: str, **how: Any) -> dict[str, Any]:
        names, values = _expressions(how)
        index = how.get("IndexName")
        sort = {"due": "due_at", None: "SK"}[index]
        found = [i for i in self.items.values() if index is None or sort in i]
        found = [i for i in found if expressions.holds(KeyConditionExpression, i, names, values)]
        found.sort(key=lambda item: item[sort], reverse=not how.get("ScanIndexForward", True))
        if index is not None:
            found = [{k: i[k] for k in ("PK", "SK", "due_shard", "due_at")} for i in found]
        return {"Items": [pack_item(item) for item in found[: how.get("Limit")]]}

    def _check(self, item: Item | None, how: dict[str, Any]) -> None:
        condition = how.get("ConditionExpression")
        names, values = _expressions(how)
        if condition is None or expressions.holds(condition, item or {}, names, values):
            return
        raise _error(
            "ConditionalCheckFailedException", **({"Item": pack_item(item)} if item else {})
        )

    def _write(self, new: Item) -> None:
        old = self.items.get(key := (new["PK"], new["SK"]))
        self.items[key] = new
        if old != new:  # as DynamoDB: what changes nothing is not in the stream
            self._changed(old, new)

    def _changed(self, old: Item | None, new: Item | None) -> None:
        self.changes.append(Change(len(self.changes), self.clock(), old, new))

    # ── SQS ───────────────────────────────────────────────────────────────────────────────────

    def sqs_send_message(self, *, QueueUrl: str, MessageBody: str, **how: Any) -> dict[str, Any]:
        hidden_s = how.get("DelaySeconds", 0)
        if not 0 <= hidden_s <= 900:
            raise _error("InvalidParameterValue")
        now, queue = self.clock(), QueueUrl.rpartition("/")[2]
        name, group = f"message-{next(self._numbers)}", how.get("MessageGroupId", "")
        new = Message(name, queue, MessageBody, group, now, now + 1000 * hidden_s)
        self.messages.append(new)
        return {"MessageId": new.id}

    def sqs_send_message_batch(self, *, QueueUrl: str, Entries: Any) -> dict[str, Any]:
        for entry in Entries:
            said = {k: v for k, v in entry.items() if k != "Id"}
            self.sqs_send_message(QueueUrl=QueueUrl, **said)
        return {"Successful": [{"Id": entry["Id"]} for entry in Entries]}

    def sqs_get_queue_attributes(self, *, QueueUrl: str, **_: Any) -> dict[str, Any]:
        queue = QueueUrl.rpartition("/")[2]
        visible = len(self.visible(queue))
        hidden = [m for m in self.messages if m.queue == queue and m.visible_at > self.clock()]
        delayed = sum(message.receives == 0 for message in hidden)
        numbers = {"": visible, "NotVisible": len(hidden) - delayed, "Delayed": delayed}
        return {
            "Attributes": {f"ApproximateNumberOfMessages{k}": str(n) for k, n in numbers.items()}
        }

    def sqs_change_message_visibility(
        self, *, ReceiptHandle: str, VisibilityTimeout: int, **_: Any
    ) -> dict[str, Any]:
        """Hide a message; by the handle of an earlier receive, as SQS takes it from its standard queues."""
        for message in self.messages:
            if message.id == ReceiptHandle.partition("/")[0]:
                message.visible_at = self.clock() + 1000 * VisibilityTimeout
                return {}
        raise _error("ReceiptHandleIsInvalid")

    def visible(self, queue: str) -> list[Message]:
        """Return what can be received of a queue now."""
        now = self.clock()
        return [m for m in self.messages if m.queue == queue and m.visible_at <= now]

    # ── SNS, S3, Secrets Manager ──────────────────────────────────────────────────────────────

    def sns_publish_batch(self, *, PublishBatchRequestEntries: Any, **_: Any) -> dict[str, Any]:
        self.published += [(self.clock(), entry["Message"]) for entry in PublishBatchRequestEntries]
        return {"Successful": [{"Id": entry["Id"]} for entry in PublishBatchRequestEntries]}

    def s3_put_object(self, *, Key: str, Body: bytes, ContentType: str, **_: Any) -> dict[str, Any]:
        self.objects[Key] = (Body, ContentType)
        return {}

    def s3_get_object(self, *, Key: str, **_: Any) -> dict[str, Any]:
        if Key not in self.objects:
            raise _error("NoSuchKey")
        data, media_type = self.objects[Key]
        return {"Body": io.BytesIO(data), "ContentType": media_type}

    def s3_delete_object(self, *, Key: str, **_: Any) -> dict[str, Any]:
        self.objects.pop(Key, None)
        return {}

    def secretsmanager_get_secret_value(self, **_: Any) -> dict[str, Any]:
        return {"SecretString": "a master secret"}


type Carrier = Callable[[str, str, dict[str, Any], dict[str, Any]], Any]


class Client:
    """A client of one service, as botocore makes them; `carry` carries its calls out."""

    def __init__(self, service: str, options: dict[str, Any], carry: Carrier) -> None:
        self._service, self._options, self._carry = service, options, carry

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return lambda **given: self._carry(self._service, operation, given, self._options)

    def get_paginator(self, operation: str) -> "_Paginator":
        return _Paginator(getattr(self, operation))


@dataclass
class _Paginator:
    """All in one page."""

    call: Callable[..., Any]

    def paginate(self, **given: Any) -> Iterator[Any]:
        limit = given.pop("PaginationConfig", {}).get("MaxItems")
        yield self.call(**given | ({} if limit is None else {"Limit": limit}))


def _error(code: str, **more: Any) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}} | more, "of memory")


def _key(packed: Any) -> Key:
    return packed["PK"]["S"], packed["SK"]["S"]


def _expressions(how: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    values = how.get("ExpressionAttributeValues", {})
    return how.get("ExpressionAttributeNames", {}), {k: unpack(v) for k, v in values.items()}
