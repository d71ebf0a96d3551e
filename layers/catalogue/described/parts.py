"""Building blocks of JSON Schemas."""

from collections.abc import Collection
from typing import Any

import msgspec

type Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """Return a reference to a schema of the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def record(
    description: str | None = None, /, *, optional: Collection[str] = (), **members: Schema
) -> Schema:
    """Return the schema of an object that has all members, except perhaps the optional ones."""
    required = {"required": [name for name in members if name not in optional]}
    return {"type": "object"} | _described(description) | {"properties": members} | required


def text(description: str | None = None, **more: Any) -> Schema:
    return {"type": "string"} | _described(description) | more


def number(description: str, kind: str = "number", **more: Any) -> Schema:
    return {"type": kind, "description": description, **more}


def constraints(struct: type[msgspec.Struct], member: str) -> Schema:
    """Return the type, bounds and patterns of a struct's member, null aside.

    The API validates requests by these structs, so each bound is written only once.
    """
    schema = msgspec.json.schema(struct.__annotations__[member])
    return schema["anyOf"][0] if "anyOf" in schema else schema


def url(description: str, **more: Any) -> Schema:
    return text(description, format="uri", **more)


def time(description: str) -> Schema:
    return text(description, format="date-time")


def array(description: str, items: Schema, **more: Any) -> Schema:
    return {"type": "array", "description": description, "items": items, **more}


def text_map(description: str) -> Schema:
    """Return the schema of an object with strings as values, and any names."""
    return {"type": "object", "description": description, "additionalProperties": text()}


def or_null(schema: Schema, description: str | None = None) -> Schema:
    """Return the schema of a value that can be null."""
    if "type" in schema and "enum" not in schema:
        return schema | {"type": [schema["type"], "null"]} | _described(description)
    return _described(description) | {"anyOf": [schema, {"type": "null"}]}


def _described(description: str | None) -> Schema:
    return {} if description is None else {"description": description}
