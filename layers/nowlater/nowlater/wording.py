"""Plain words for faults in a request: what the caller sent, and what the schema allows."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec

#: A sentence quotes at most so many characters of a value, and names at most so many things.
_MAX_CHARACTERS, _MAX_NAMES = 60, 5
#: A longer pointer is cut to the nearest enclosing value.
_MAX_POINTER = 500

_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}


def shortened(text: str) -> str:
    """Return the start of a text, with an ellipsis where it was cut."""
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"


def quoted(text: str) -> str:
    """Return the start of a text in double quotes, as JSON writes it."""
    return msgspec.json.encode(shortened(text).encode(errors="replace").decode()).decode()


def describe_value(value: Any) -> str:
    """Return a JSON value in words: `the text "a…"`, `a list of 3 items`."""
    match value:
        case str():
            return f"the text {quoted(value)}"
        case bool() | None:
            return msgspec.json.encode(value).decode()
        case int() | float():
            return f"the number {shortened(str(value))}"
        case dict():
            return f"an object with {members(value)}" if value else "an empty object"
        case _:
            return f"a list of {counted(len(value), 'item')}"


def literal(value: Any) -> str:
    """Return a value as JSON, shortened."""
    return quoted(value) if isinstance(value, str) else shortened(_json(value))


def counted(number: int, unit: str) -> str:
    """Return a number and its unit: `1 item`, `3 items`."""
    return f"{number:,} {unit}" + ("" if number == 1 else "s")


def members(names: Collection[str]) -> str:
    """Return names of members in words: `the members "a" and "b"`."""
    return ("the member " if len(names) == 1 else "the members ") + joined(names, render=quoted)


def joined(
    items: Iterable[Any], conjunction: str = "and", *, render: Callable[[Any], str] = str
) -> str:
    """Return items as a list in a sentence: `a, b and c`; of many, the first five and a count."""
    every = list(items)
    words = [render(item) for item in every[:_MAX_NAMES]]
    if len(every) > _MAX_NAMES:
        return f"{', '.join(words)} {conjunction} {len(every) - _MAX_NAMES:,} more"
    return f" {conjunction} ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def suggestion(name: str, known: Collection[str]) -> str:
    """Return `: did you mean "text"?` where a known name resembles this one, else ""."""
    if len(name) > _MAX_CHARACTERS:
        return ""
    from difflib import get_close_matches  # imported only for faulty requests: 3 ms

    matches = get_close_matches(name.lower(), known, 1)
    return f": did you mean {quoted(matches[0])}?" if matches else ""


def pointer(steps: Iterable[str | int]) -> str:
    """Return a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def shortened_pointer(pointer: str) -> str:
    """Return the pointer or, where it is long, that of the nearest enclosing value."""
    if len(pointer) <= _MAX_POINTER:
        return pointer
    return pointer[: pointer.rindex("/", 0, _MAX_POINTER + 1)]


def describe_schema(schema: Any) -> str:
    """Return in words what a JSON Schema allows: `a whole number of at least 0 and at most 9`."""
    if not isinstance(schema, dict):
        return "anything" if schema else "nothing"
    if "anyOf" in schema or "oneOf" in schema:
        return joined(dict.fromkeys(map(describe_schema, forms(schema))), "or")
    if "enum" in schema:
        return "one of " * (len(schema["enum"]) > 1) + joined(schema["enum"], "or", render=literal)
    if "const" in schema:
        return literal(schema["const"])
    kinds = schema.get("type", [])
    return joined(
        (_kind(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)), "or"
    )


def forms(schema: Any) -> list[Any]:
    """Return the alternatives of a schema, those of nested choices included."""
    parts = (schema.get("anyOf") or schema.get("oneOf")) if isinstance(schema, dict) else None
    return [schema] if parts is None else [form for part in parts for form in forms(part)]


def _kind(kind: str, schema: dict[str, Any]) -> str:
    words = _KINDS[kind]
    if kind in ("integer", "number"):
        return words + _bounds(schema)
    if kind == "string":
        words += _length(schema, "minLength", "maxLength", "character")
        return words + (f" of the form {schema['format']}" if "format" in schema else "")
    if kind == "array":
        return words + _length(schema, "minItems", "maxItems", "item")
    if kind == "object" and schema.get("required"):
        return f"{words} with {members(schema['required'])}"
    return words


def _bounds(schema: dict[str, Any]) -> str:
    signs = {
        "minimum": "at least",
        "exclusiveMinimum": "more than",
        "maximum": "at most",
        "exclusiveMaximum": "less than",
    }
    bounds = [f"{sign} {schema[key]}" for key, sign in signs.items() if key in schema]
    return f" of {joined(bounds)}" if bounds else ""


def _length(schema: dict[str, Any], minimum: str, maximum: str, unit: str) -> str:
    signs = {minimum: "at least", maximum: "at most"}
    bounds = [
        f"{sign} {counted(schema[key], unit)}" for key, sign in signs.items() if key in schema
    ]
    return f" of {joined(bounds)}" if bounds else ""


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
