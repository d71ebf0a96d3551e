"""An operation's schemas as components of a document: each definition under its own name."""

import re
from typing import Any

from nowlater.runtime.document import RESULT_SCHEMA

_DEFINITION = "#/$defs/"


def camel(name: str) -> str:
    """Return an operation's name in the form of schema names: TextStats for text-stats."""
    return "".join(part.capitalize() for part in name.split("-"))


def lift_definitions(schema: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a schema and its definitions as components; the schema itself gets this name."""
    root = {k: v for k, v in schema.items() if k not in ("$schema", "$defs")}
    definitions = schema.get("$defs", {})
    names: dict[str, str] = {}
    for key in definitions:
        component = f"{name}{_only_word_characters(key)}"
        while component in (name, *names.values()):
            component += "_"
        names[key] = component
    if set(root) == {"$ref"}:  # otherwise a component would only refer to another
        names[root["$ref"].removeprefix(_DEFINITION)] = name
    else:
        definitions = {"": root} | definitions
        names[""] = name
    return {names[key]: _untitled(_renamed(part, names)) for key, part in definitions.items()}


def is_file(schema: dict[str, Any]) -> bool:
    """Return whether a result is bytes and not JSON."""
    return {k: v for k, v in schema.items() if k != "$schema"} == RESULT_SCHEMA


def _untitled(part: dict[str, Any]) -> dict[str, Any]:
    """Remove a type's title: generated clients would confuse equal titles of several operations."""
    return {key: value for key, value in part.items() if key != "title"}


def _only_word_characters(name: str) -> str:
    """Return the characters of a name that the name of a component can have."""
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
