"""What the members of an input can be, from its JSON Schema."""

from __future__ import annotations

import json
import shlex
from typing import Any


def kinds(part: dict[str, Any]) -> list[str]:
    """Return what a member can be, by its schema: types, or a file."""
    if any("upload" in one.get("properties", {}) for one in part.get("anyOf", [])):
        return ["file"]
    named: list[str] = []
    for one in part.get("anyOf", [part]):
        is_open = "enum" not in one and "const" not in one
        kind = one.get("type") or ("any JSON" if is_open else "string")
        named += kind if isinstance(kind, list) else [kind]
    return [one for one in dict.fromkeys(named) if one != "null"]


def member(name: str, part: dict[str, Any]) -> str:
    """Return how a member begins on the command line: `name=`, `name:=` or `name@`."""
    found = kinds(part)
    return name + {"file": "@", "string": "="}.get(found[0] if len(found) == 1 else "", ":=")


def bounds(part: dict[str, Any]) -> str:
    """Return choices, limits and default of a member."""
    parts = [part, *part.get("anyOf", [])]
    choices = [json.dumps(one) for p in parts for one in p.get("enum", []) if one is not None]
    facts = [f"one of {', '.join(choices)}"] if choices else []
    names = {"minLength": "characters at least", "maxLength": "characters at most"}
    for p in [one for one in parts if one.get("type") != "object"]:
        facts += [f"{names.get(n, n)} {p[n]}" for n in ("minimum", "maximum", *names) if n in p]
    if part.get("default") is not None:
        facts.append(f"default {json.dumps(part['default'], ensure_ascii=False)}")
    return ", ".join(facts)


def example(schema: dict[str, Any]) -> str:
    """Return the members that the input needs, to paste: with the schema's own examples."""
    words = []
    for name in schema.get("required", []):
        part = schema.get("properties", {}).get(name, {})
        start = member(name, part)
        value = next(iter(part.get("examples", [])), None)
        if start.endswith("@"):
            words.append(f"{start}FILE")
        elif value is None:
            words.append(f"{start}VALUE")
        else:
            text = value if start == f"{name}=" else json.dumps(value, ensure_ascii=False)
            words.append(start + shlex.quote(str(text)))
    return " ".join(words)
