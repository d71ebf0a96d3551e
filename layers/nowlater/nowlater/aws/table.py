"""The DynamoDB table: items as plain dicts, and conditional writes that know when they are done."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from nowlater.aws import session
from nowlater.aws.items import Item, pack, pack_item, unpack_item

_NAME = re.compile(r"#(\w+)")
_VALUE = re.compile(r":(\w+)")


@dataclass(frozen=True)
class Where:
    """What items must meet to be returned: an expression, its values, and names that are none of Python's."""

    expression: str
    values: Item = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)


class Table:
    """One DynamoDB table with the keys `PK` and `SK`; a tool brings a client of its own."""

    def __init__(self, name: str, client: Any = None) -> None:
        self._name = name
        self._client = client or session.client("dynamodb")

    def get(self, pk: str, sk: str) -> Item | None:
        """Return an item as it is now (a strongly consistent read)."""
        answer = self._client.get_item(
            TableName=self._name, Key=pack_item({"PK": pk, "SK": sk}), ConsistentRead=True
        )
        return unpack_item(answer["Item"]) if "Item" in answer else None

    def put_unless(self, item: Item, condition: str, values: Item) -> Item | None:
        """Put an item unless one is there that does not meet the condition: return that one.

        An item that is there and is the one to be put (a retry whose reply was lost) is no hindrance.
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
        """Change an item if the condition holds; return whether it did, and the item.

        `changes` are attributes' new values, `None` taking one away; `arithmetic` are expressions
        for those that depend on the item. Where it was refused, the item is the one that is there
        (None: there is none); if that already shows the changes, they are ours, and it was done.
        """
        sets = [f"#{name} = :new_{name}" for name, value in changes.items() if value is not None]
        sets += [f"#{name} = {expression}" for name, expression in arithmetic.items()]
        gone = [f"#{name}" for name, value in changes.items() if value is None]
        parts = {"SET": sets, "REMOVE": gone}
        update = " ".join(f"{verb} {', '.join(names)}" for verb, names in parts.items() if names)
        news = {f"new_{name}": value for name, value in changes.items() if value is not None}
        try:
            answer = self._client.update_item(
                TableName=self._name,
                Key=pack_item({"PK": pk, "SK": sk}),
                UpdateExpression=update,
                ReturnValues="ALL_NEW",
                ReturnValuesOnConditionCheckFailure="ALL_OLD",
                **_expressions(condition, values | news, update),
            )
        except ClientError as error:
            old = _old_image(error)
            shown = old is not None and all(pack(old.get(k)) == pack(v) for k, v in changes.items())
            return shown, old  # packed: a list is one, whether it was a tuple or not
        return True, unpack_item(answer["Attributes"])

    def add(self, pk: str, sk: str, counts: Mapping[str, int]) -> Item:
        """Add to counters of an item, which is made where it is not there; return the item."""
        names = {f"#{name}": name for name in counts}
        answer = self._client.update_item(
            TableName=self._name,
            Key=pack_item({"PK": pk, "SK": sk}),
            UpdateExpression="ADD " + ", ".join(f"#{name} :{name}" for name in counts),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={f":{name}": pack(n) for name, n in counts.items()},
            ReturnValues="ALL_NEW",
        )
        return unpack_item(answer["Attributes"])

    def delete(self, pk: str, sk: str) -> None:
        self._client.delete_item(TableName=self._name, Key=pack_item({"PK": pk, "SK": sk}))

    def query(
        self, pk: str, *, before: str | None = None, limit: int = 100, only: Sequence[str] = ()
    ) -> list[Item]:
        """Return up to that many items of a partition, the last by `SK` first; eventually consistent.

        `only` names the attributes to return, where not all are wanted.
        """
        condition, values = "#PK = :pk", {"pk": pk}
        if before is not None:
            condition, values = condition + " AND #SK < :before", values | {"before": before}
        wanted = ", ".join(f"#{name}" for name in only)
        expressions = _expressions(condition, values, wanted)
        expressions["KeyConditionExpression"] = expressions.pop("ConditionExpression")
        expressions |= {"ProjectionExpression": wanted} if only else {}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name,
            ScanIndexForward=False,
            # A page ends at 1 MB, however many items were asked for.
            PaginationConfig={"MaxItems": limit, "PageSize": limit},
            **expressions,
        )
        return [unpack_item(item) for page in pages for item in page["Items"]]

    def page(
        self, pk: str, before: str | None, limit: int | None, where: Where | None
    ) -> tuple[list[Item], str | None]:
        """Return what one call finds of a partition, and the `SK` that it got to (None: all is read).

        It looks at up to so many items, and 1 MB of them, from before an `SK`, the last first, and
        returns those that meet a condition; eventually consistent.
        """
        where = where or Where("")
        condition, values = "#PK = :pk", {"pk": pk} | where.values
        if before is not None:
            condition, values = condition + " AND #SK < :before", values | {"before": before}
        expressions = _expressions(condition, values, where.expression)
        expressions["KeyConditionExpression"] = expressions.pop("ConditionExpression")
        expressions["ExpressionAttributeNames"] |= where.names
        if where.expression:
            expressions["FilterExpression"] = where.expression
        if limit is not None:
            expressions["Limit"] = limit
        answer = self._client.query(TableName=self._name, ScanIndexForward=False, **expressions)
        items = [unpack_item(item) for item in answer["Items"]]
        return items, unpack_item(answer.get("LastEvaluatedKey", {})).get("SK")

    def due(self, shard: int, by: int) -> Iterator[Item]:
        """Yield the keys, `due_at` too, of what a partition of the index `due` holds up to an instant, in order."""
        expressions = _expressions(
            "#due_shard = :shard AND #due_at <= :by", {"shard": shard, "by": by}
        )
        expressions["KeyConditionExpression"] = expressions.pop("ConditionExpression")
        pages = self._client.get_paginator("query").paginate(
            TableName=self._name, IndexName="due", **expressions
        )
        return (unpack_item(item) for page in pages for item in page["Items"])

    def scan(self, prefix: str) -> Iterator[Item]:
        """Yield each item whose partition starts so, reading the whole table: for tools alone."""
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._name,
            FilterExpression="begins_with(PK, :prefix)",
            ExpressionAttributeValues=pack_item({":prefix": prefix}),
        )
        return (unpack_item(item) for page in pages for item in page["Items"])


def _expressions(condition: str, values: Item, update: str = "") -> dict[str, Any]:
    text = f"{condition} {update}"
    used = {f":{name}": pack(values[name]) for name in set(_VALUE.findall(text))}
    names = {f"#{name}": name for name in set(_NAME.findall(text))}
    maps = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": used}
    return {"ConditionExpression": condition} | {k: v for k, v in maps.items() if v}


def _old_image(error: ClientError) -> Item | None:
    if session.error_code(error) != "ConditionalCheckFailedException":
        raise error
    item: Any = error.response.get("Item")
    return unpack_item(item) if item else None
