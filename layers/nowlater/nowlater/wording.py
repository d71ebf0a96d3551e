"""Plain words for what is wrong with a request: what was found, shortened, and what is wanted."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import msgspec

#: Of what was sent, a sentence shows no more characters, and names no more things.
_MAX_CHARACTERS, _MAX_NAMES = 60, 5
#: A longer pointer is cut to the nearest place around the fault.
_LONGEST_POINTER = 500

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
    """Return the start of a text, as far as a sentence shows it."""
    return text if len(text) <= _MAX_CHARACTERS else f"{text[:_MAX_CHARACTERS]}…"


def quoted(text: str) -> str:
    """Return the start of a text in double quotes, as JSON writes it."""
    return msgspec.json.encode(shortened(text).encode(errors="replace").decode()).decode()


def found(value: Any) -> str:
    """Return what a JSON value is, for a sentence: `the text "a…"`, `a list of 3 items`."""
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
    """Return a JSON value as JSON writes it, shortened."""
    return quoted(value) if isinstance(value, str) else shortened(_json(value))


def counted(number: int, thing: str) -> str:
    """Return a number of things: `1 item`, `3 items`."""
    return f"{number:,} {thing}" + ("" if number == 1 else "s")


def members(names: Collection[str]) -> str:
    """Return the names of members, for a sentence: `the members "a" and "b"`."""
    return ("the member " if len(names) == 1 else "the members ") + listed(names, say=quoted)


def listed(words: Iterable[Any], last: str = "and", *, say: Callable[[Any], str] = str) -> str:
    """Return words as a list in a sentence: `a, b and c`; of many, the first ones alone."""
    every = list(words)
    said = [say(word) for word in every[:_MAX_NAMES]]
    if len(every) > _MAX_NAMES:
        return f"{', '.join(said)} {last} {len(every) - _MAX_NAMES:,} more"
    return f" {last} ".join(filter(None, (", ".join(said[:-1]), *said[-1:])))


def meant(name: str, known: Collection[str]) -> str:
    """Return `: did you mean "text"?`, if one of the known names is like this one, else nothing."""
    if len(name) > _MAX_CHARACTERS:
        return ""
    from difflib import get_close_matches  # 3 ms, for refusals alone

    like = get_close_matches(name.lower(), known, 1)
    return f": did you mean {quoted(like[0])}?" if like else ""


def pointer(steps: Iterable[str | int]) -> str:
    """Return a JSON Pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def shortened_pointer(whole: str) -> str:
    """Return the pointer, or where it is long, that of the nearest place around the fault."""
    if len(whole) <= _LONGEST_POINTER:
        return whole
    return whole[: whole.rindex("/", 0, _LONGEST_POINTER + 1)]


def wanted(schema: Any) -> str:
    """Return what a JSON Schema asks for, for a sentence: `a whole number from 0 to 9`."""
    if not isinstance(schema, dict):
        return "anything" if schema else "nothing"
    if "anyOf" in schema or "oneOf" in schema:
        return listed(dict.fromkeys(map(wanted, forms(schema))), "or")
    if "enum" in schema:
        return "one of " * (len(schema["enum"]) > 1) + listed(schema["enum"], "or", say=literal)
    if "const" in schema:
        return literal(schema["const"])
    kinds = schema.get("type", [])
    return listed(
        (_kind(kind, schema) for kind in ([kinds] if isinstance(kinds, str) else kinds)), "or"
    )


def forms(schema: Any) -> list[Any]:
    """Return the forms that a value may have by a schema, those of nested choices too."""
    parts = (schema.get("anyOf") or schema.get("oneOf")) if isinstance(schema, dict) else None
    return [schema] if parts is None else [form for part in parts for form in forms(part)]


def _kind(kind: str, schema: dict[str, Any]) -> str:
    words = _KINDS[kind]
    if kind in ("integer", "number"):
        return words + _bounds(schema)
    if kind == "string":
        words += _between(schema, "minLength", "maxLength", "character")
        return words + (f" of the form {schema['format']}" if "format" in schema else "")
    if kind == "array":
        return words + _between(schema, "minItems", "maxItems", "item")
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
    said = [f"{sign} {schema[key]}" for key, sign in signs.items() if key in schema]
    return f" of {listed(said)}" if said else ""


def _between(schema: dict[str, Any], least: str, most: str, thing: str) -> str:
    signs = {least: "at least", most: "at most"}
    said = [f"{sign} {counted(schema[key], thing)}" for key, sign in signs.items() if key in schema]
    return f" of {listed(said)}" if said else ""


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
