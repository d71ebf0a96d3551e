"""Converts items between plain dicts and DynamoDB's notation."""

from collections.abc import Mapping
from typing import Any

type Item = dict[str, Any]


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
