"""The DynamoDB table: items as plain dicts, and conditional writes that are safe to retry."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from nowlater.aws import session

type Item = dict[str, Any]

_NAME = re.compile(r"#(\w+)")
_VALUE = re.compile(r":(\w+)")


@dataclass(frozen=True)
class Where:
    """A filter for items: an expression, its values, and names that do not derive from `#name`."""

    expression: str
    values: Item = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Span:
    """A part of a partition: from one `SK` on (None: its first), to before another (None: its end)."""

    since: str | None = None
    before: str | None = None

    @property
    def last(self) -> str | None:
        """The last text below `before`: DynamoDB's BETWEEN includes both of its bounds."""
        if self.before is None:
            return None
        return f"{self.before[:-1]}{chr(ord(self.before[-1]) - 1)}\U0010ffff"

    @property
    def is_empty(self) -> bool:
        """Whether no text is in it; DynamoDB refuses such bounds."""
        return self.since is not None and self.last is not None and self.since > self.last

    @property
    def condition(self) -> str:
        """The condition of the `SK`, after that of the `PK`."""
        if self.since is not None and self.before is not None:
            return " AND #SK BETWEEN :since AND :last"
        if self.since is not None:
            return " AND #SK >= :since"
        return "" if self.before is None else " AND #SK <= :last"


class Table:
    """One DynamoDB table with the keys `PK` and `SK`; tools pass their own client."""

    def __init__(self, name: str, client: Any = None) -> None:
        self._name = name
        self._client = client or session.client("dynamodb")

    def get(self, pk: str, sk: str) -> Item | None:
        """Return an item as it is now (a strongly consistent read)."""
        response = self._client.get_item(
            TableName=self._name, Key=pack_item({"PK": pk, "SK": sk}), ConsistentRead=True
        )
        return unpack_item(response["Item"]) if "Item" in response else None

    def put_if(self, item: Item, condition: str, values: Item) -> Item | None:
        """Put an item if the condition holds for the stored one; otherwise return the stored one.

        Returns None also if the stored item equals the new one: a retry after a lost response.
        """
        try:
            self._client.put_item(
                TableName=self._name,
                Item=pack_item(item),
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **_expressions(condition, values),
            )
        except ClientError as error:
            old = _old_image(error)
            return None if old is not None and pack_item(old) == pack_item(item) else old
        return None

    def update_if(
        self,
        pk: str,
        sk: str,
        changes: Item,
        arithmetic: dict[str, str],
        condition: str,
        values: Item,
    ) -> tuple[bool, Item | None]:
        """Change an item if the condition holds; return whether that was done, and the item.

        `changes` are new values of attributes (`None` removes one), `arithmetic` expressions for
        those that depend on the stored item. If the condition fails, the item is the stored one, or
        None; if it already has the changes, this is a retry after a lost response, and counts as done.
        """
        sets = [f"#{name} = :new_{name}" for name, value in changes.items() if value is not None]
        sets += [f"#{name} = {expression}" for name, expression in arithmetic.items()]
        removes = [f"#{name}" for name, value in changes.items() if value is None]
        parts = {"SET": sets, "REMOVE": removes}
        update = " ".join(f"{verb} {', '.join(terms)}" for verb, terms in parts.items() if terms)
        new_values = {f"new_{name}": value for name, value in changes.items() if value is not None}
        try:
            response = self._client.update_item(
                TableName=self._name,
                Key=pack_item({"PK": pk, "SK": sk}),
                UpdateExpression=update,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **_expressions(condition, values | new_values, update),
            )
        except ClientError as error:
            old = _old_image(error)
            # Compared as packed: lists and tuples are equal then.
            is_done = old is not None and all(
                pack(old.get(name)) == pack(value) for name, value in changes.items()
            )
            return is_done, old
        return True, unpack_item(response["Attributes"])

    def add(self, pk: str, sk: str, counts: Mapping[str, int]) -> Item:
        """Add to the counters of an item, which is created if absent; return the item."""
        names = {f"#{name}": name for name in counts}
        response = self._client.update_item(
            TableName=self._name,
            Key=pack_item({"PK": pk, "SK": sk}),
            UpdateExpression="ADD " + ", ".join(f"#{name} :{name}" for name in counts),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={f":{name}": pack(n) for name, n in counts.items()},
            ReturnValues="ALL_NEW",
        )
        return unpack_item(response["Attributes"])

    def delete(self, pk: str, sk: str) -> None:
        self._client.delete_item(TableName=self._name, Key=pack_item({"PK": pk, "SK": sk}))

    def query(
        self, pk: str, *, before: str | None = None, limit: int = 100, only: Sequence[str] = ()
    ) -> list[Item]:
        """Return up to `limit` items of a partition, the last by `SK` first; eventually consistent.

        `only` names the attributes to return; empty means all.
        """
        condition, values = "#PK = :pk", {"pk": pk}
        if before is not None:
            condition, values = condition + " AND #SK < :before", values | {"before": before}
        projection = ", ".join(f"#{name}" for name in only)
        expressions = _expressions(condition, values, projection)
        expressions["KeyConditionExpression"] = expressions.pop("ConditionExpression")
        expressions |= {"ProjectionExpression": projection} if only else {}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            ScanIndexForward=False,
            # A page ends at 1 MB, whatever the limit.
            PaginationConfig={"MaxItems": limit, "PageSize": limit},
            **expressions,
        )
        return [unpack_item(item) for page in pages for item in page["Items"]]

    def page(
        self,
        pk: str,
        span: Span,
        limit: int | None,
        where: Where | None,
        only: Sequence[str] = (),
    ) -> tuple[list[Item], str | None]:
        """Return the items that one call finds, and the last `SK` that it read (None: no more items).

        It reads up to `limit` items and 1 MB of a span of a partition, the last first, and returns
        those that meet the filter; eventually consistent. `only` names the attributes to return; empty
        means all.
        """
        if span.is_empty:
            return [], None
        where = where or Where("")
        values: Item = {"pk": pk, "since": span.since, "last": span.last} | where.values
        projection = ", ".join(f"#{name}" for name in only)
        condition = f"#PK = :pk{span.condition}"
        expressions = _expressions(condition, values, f"{where.expression} {projection}")
        expressions["KeyConditionExpression"] = expressions.pop("ConditionExpression")
        expressions["ExpressionAttributeNames"] |= where.names
        if only:
            expressions["ProjectionExpression"] = projection
        if where.expression:
            expressions["FilterExpression"] = where.expression
        if limit is not None:
            expressions["Limit"] = limit
        response = self._client.query(TableName=self._name, ScanIndexForward=False, **expressions)
        items = [unpack_item(item) for item in response["Items"]]
        return items, unpack_item(response.get("LastEvaluatedKey", {})).get("SK")

    def due(self, shard: int, by: int) -> Iterator[Item]:
        """Yield the keys and `due_at` of a shard's items that are due by an instant, in order."""
        expressions = _expressions(
            "#due_shard = :shard AND #due_at <= :by", {"shard": shard, "by": by}
        )
        expressions["KeyConditionExpression"] = expressions.pop("ConditionExpression")
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name, IndexName="due", **expressions
        )
        return (unpack_item(item) for page in pages for item in page["Items"])

    def scan(self, prefix: str) -> Iterator[Item]:
        """Yield the items whose `PK` has a prefix; reads the whole table, so only tools may call it."""
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._name,
            FilterExpression="begins_with(PK, :prefix)",
            ExpressionAttributeValues=pack_item({":prefix": prefix}),
        )
        return (unpack_item(item) for page in pages for item in page["Items"])


def _expressions(condition: str, values: Item, other: str = "") -> dict[str, Any]:
    """Return the parameters of a condition, with the names and values of both expressions."""
    text = f"{condition} {other}"
    used_values = {f":{name}": pack(values[name]) for name in set(_VALUE.findall(text))}
    names = {f"#{name}": name for name in set(_NAME.findall(text))}
    maps = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": used_values}
    return {"ConditionExpression": condition} | {k: v for k, v in maps.items() if v}


def _old_image(error: ClientError) -> Item | None:
    """Return the stored item of a write whose condition failed; raises any other error."""
    if session.error_code(error) != "ConditionalCheckFailedException":
        raise error
    item: Any = error.response.get("Item")
    return unpack_item(item) if item else None


def pack(value: Any) -> dict[str, Any]:
    """Return a value in DynamoDB's notation."""
    match value:
        case str():
            return {"S": value}
        case bool():
            return {"BOOL": value}
        case int() | float():
            return {"N": repr(value)}
        case None:
            return {"NULL": True}
        case list() | tuple():
            return {"L": [pack(v) for v in value]}
        case dict():
            return {"M": {k: pack(v) for k, v in value.items()}}
    raise TypeError(f"{type(value).__name__} cannot be stored in the table")


def pack_item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {k: pack(v) for k, v in item.items() if v is not None}


def unpack(value: Mapping[str, Any]) -> Any:
    """Return the value of DynamoDB's notation."""
    ((kind, content),) = value.items()
    match kind:
        case "N":
            return int(content) if content.lstrip("-").isdigit() else float(content)
        case "NULL":
            return None
        case "L":
            return [unpack(v) for v in content]
        case "M":
            return unpack_item(content)
    return content


def unpack_item(item: Mapping[str, Any]) -> Item:
    return {k: unpack(v) for k, v in item.items()}
