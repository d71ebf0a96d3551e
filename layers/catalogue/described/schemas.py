"""An operation's schemas as components of a document: each definition under a name of its own."""

import re
from typing import Any

from nowlater.runtime.document import RESULT_SCHEMA

_DEFINITION = "#/$defs/"


def camel(name: str) -> str:
    """Return an operation's name as documents spell those of schemas: TextStats."""
    return "".join(part.capitalize() for part in name.split("-"))


def lifted(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a schema and its definitions as components; the schema itself gets this name."""
    root = {k: v for k, v in schema.items() if k not in ("$schema", "$defs")}
    definitions = schema.get("$defs", {})
    names: dict[str, str] = {}
    for key in definitions:
        plain = f"{name}{_plain(key)}"
        while plain in (name, *names.values()):
            plain += "_"
        names[key] = plain
    if set(root) == {"$ref"}:  # or a component would only refer to another
        names[root["$ref"].removeprefix(_DEFINITION)] = name
    else:
        definitions = {"": root} | definitions
        names[""] = name
    return {names[key]: _untitled(_renamed(part, names)) for key, part in definitions.items()}


def is_file(schema: dict[str, Any]) -> bool:
    """Tell whether a result is bytes and not JSON."""
    return {k: v for k, v in schema.items() if k != "$schema"} == RESULT_SCHEMA


def _untitled(part: dict[str, Any]) -> dict[str, Any]:
    """Take a type's own name away, by which generated clients would confuse those of all."""
    return {key: value for key, value in part.items() if key != "title"}


def _plain(name: str) -> str:
    """Return what of a name can stand in that of a component."""
    return re.sub(r"\W", "", name, flags=re.ASCII)


def _renamed(part: Any, names: dict[str, str]) -> Any:
    if isinstance(part, list):
        return [_renamed(item, names) for item in part]
    if not isinstance(part, dict):
        return part
    return {
        key: f"#/components/schemas/{names[value.removeprefix(_DEFINITION)]}"
        if key == "$ref" and isinstance(value, str)
        else _renamed(value, names)
        for key, value in part.items()
    }
