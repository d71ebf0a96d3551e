"""Where an input does not fit its schema: the exception that the generated validators raise."""

import ast
import re
from collections.abc import Callable
from typing import Any

from nowlater import wording
from nowlater.runtime.document import BASE64, MEDIA_TYPE, UPLOAD_ID
from nowlater.wording import counted, found, literal, members, quoted, wanted

#: A step of a path such as `data.lines[3].'a.b'`: members that the caller named are quoted.
_STEP = re.compile(
    r"""\[(\d+)\]|\.('(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")|\.([^.\['"]++)""",
)

#: What our own patterns mean.
_PATTERNS = {
    BASE64: "base64",
    MEDIA_TYPE: "a media type such as text/csv",
    UPLOAD_ID: "an upload's id",
}

type Schema = dict[str, Any]


class InvalidInput(ValueError):
    """A value that breaks a rule of a JSON Schema; the constructor is fastjsonschema's."""

    def __init__(
        self,
        message: str,
        value: Any = None,
        name: str = "",
        definition: Any = None,
        rule: str = "",
    ) -> None:
        super().__init__(message)
        self.message = message
        self.value = value
        self.name = name
        self.definition = definition
        self.rule = rule

    def pointer(self) -> str:
        """Return the JSON Pointer (RFC 6901) of the fault."""
        return wording.pointer(map(_member, _STEP.findall(self.name)))

    def sentence(self) -> str:
        """Return what was found and what is wanted, without the name of the place."""
        says = _SENTENCES.get(self.rule)
        if says is not None and isinstance(self.definition, dict):
            return says(self.value, self.definition)
        return wording.shortened(self.message.removeprefix(self.name).strip())


def _member(step: tuple[str, str, str]) -> str:
    index, in_quotes, name = step
    return str(ast.literal_eval(in_quotes)) if in_quotes else index or name


def _must_be(value: Any, schema: Schema) -> str:
    said = f"must be {wanted(schema)}, and is {found(value)}"
    if isinstance(value, float) and value.is_integer() and "a whole number" in said:
        said += ": a whole number of this size must be written with all its digits"
    return said


def _missing(value: Any, schema: Schema) -> str:
    lacks = [name for name in schema["required"] if name not in value]
    said = f"needs {members(lacks)}"
    unknown = _unknown(value, schema)
    if not unknown:
        return said
    return f"{said}, and has {members(unknown)}, which it does not take{_meant(unknown, schema)}"


def _too_many(value: Any, schema: Schema) -> str:
    unknown, known = _unknown(value, schema), schema.get("properties", {})
    takes = members(known) if known else "none"
    said = f"has {members(unknown)}, which it does not take"
    return said + (_meant(unknown, schema) or f": it takes {takes}")


def _unknown(value: Any, schema: Schema) -> list[str]:
    """Return the members of an object that its schema does not take."""
    if schema.get("additionalProperties", True) is not False:
        return []
    return [name for name in value if name not in schema.get("properties", {})]


def _meant(unknown: list[str], schema: Schema) -> str:
    return wording.meant(unknown[0], schema.get("properties", {}))


def _bound(key: str, words: str) -> Callable[[Any, Schema], str]:
    return lambda value, schema: f"must be {words} {schema[key]}, and is {found(value)}"


def _length(key: str, words: str, thing: str) -> Callable[[Any, Schema], str]:
    return lambda value, schema: (
        f"must have {words} {counted(schema[key], thing)}, and has {len(value):,}"
    )


def _pattern(value: Any, schema: Schema) -> str:
    pattern = schema["pattern"]
    means = _PATTERNS.get(pattern)
    kind = f"be {means}" if means else f"match the regular expression {pattern[:200]} "
    return f"must {kind}, and is {found(value)}"


def _format(value: Any, schema: Schema) -> str:
    return f"must be text of the form {schema['format']}, and is {found(value)}"


def _names(value: Any, schema: Schema) -> str:
    return (
        f"has members of other names than it takes: each must be {wanted(schema['propertyNames'])}"
    )


def _any_of(value: Any, schema: Schema) -> str:
    """Say what is wrong with the one form that is meant, or name all forms."""
    meant = [form for form in wording.forms(schema) if _is_meant(value, form)]
    if len(meant) == 1 and (said := _inside(value, meant[0])):
        return said
    return _must_be(value, schema)


def _is_meant(value: Any, form: Any) -> bool:
    """Tell whether an object has the members that a form needs, or a part of them and no others."""
    if not isinstance(value, dict) or not isinstance(form, dict) or form.get("type") != "object":
        return False
    known, needed = form.get("properties", {}), form.get("required", [])
    tags = [name for name, part in known.items() if len(part.get("enum", ())) == 1]
    if tags:
        return all(value.get(name) in known[name]["enum"] for name in tags)
    return any(name in value for name in needed)


def _inside(value: dict[str, Any], form: Schema) -> str | None:
    """Return what is wrong within an object: a member that it lacks, or should not have, or one's value."""
    if any(name not in value for name in form.get("required", [])):
        return _missing(value, form)
    if _unknown(value, form):
        return _too_many(value, form)
    for name, part in form.get("properties", {}).items():
        if name in value and (said := _of_member(value[name], part)):
            return f"has the member {quoted(name)}, which {said}"
    return None


def _of_member(value: Any, part: Schema) -> str | None:
    if part.get("type") != "string" or "pattern" not in part:
        return None
    if not isinstance(value, str):
        return _must_be(value, part)
    if len(value) > part.get("maxLength", len(value)):
        return _SENTENCES["maxLength"](value, part)
    if part["pattern"] and not re.search(part["pattern"].replace("$", r"\Z"), value):
        return _pattern(value, part)
    return None


_SENTENCES: dict[str, Callable[[Any, Schema], str]] = {
    "type": _must_be,
    "enum": _must_be,
    "const": lambda value, schema: f"must be {literal(schema['const'])}, and is {found(value)}",
    "required": _missing,
    "additionalProperties": _too_many,
    "propertyNames": _names,
    "minimum": _bound("minimum", "at least"),
    "maximum": _bound("maximum", "at most"),
    "exclusiveMinimum": _bound("exclusiveMinimum", "more than"),
    "exclusiveMaximum": _bound("exclusiveMaximum", "less than"),
    "multipleOf": _bound("multipleOf", "a multiple of"),
    "minLength": _length("minLength", "at least", "character"),
    "maxLength": _length("maxLength", "at most", "character"),
    "minItems": _length("minItems", "at least", "item"),
    "maxItems": _length("maxItems", "at most", "item"),
    "minProperties": _length("minProperties", "at least", "member"),
    "maxProperties": _length("maxProperties", "at most", "member"),
    "uniqueItems": lambda value, schema: "must not have an item twice",
    "pattern": _pattern,
    "format": _format,
    "anyOf": _any_of,
    "oneOf": _any_of,
}
