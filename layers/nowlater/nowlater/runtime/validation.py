"""The exception of the generated validators: where an input violates its schema, in plain words."""

import ast
import re
from collections.abc import Callable
from typing import Any

from nowlater import wording
from nowlater.runtime.document import BASE64, MEDIA_TYPE, UPLOAD_ID
from nowlater.wording import counted, describe_schema, describe_value, literal, members, quoted

#: A step of a path such as `data.lines[3].'a.b'`; names from the caller are quoted.
_STEP = re.compile(
    r"""\[(\d+)\]|\.('(?:[^'\\]|\\.)*+'|"(?:[^"\\]|\\.)*+")|\.([^.\['"]++)""",
)

#: Words for the patterns of `Document`.
_PATTERNS = {
    BASE64: "base64",
    MEDIA_TYPE: "a media type such as text/csv",
    UPLOAD_ID: "an upload's id",
}

type Schema = dict[str, Any]


class InvalidInput(ValueError):
    """A value that violates a rule of a JSON Schema; fastjsonschema calls the constructor."""

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
        """Return the JSON Pointer (RFC 6901) of the invalid value."""
        return wording.pointer(map(_member, _STEP.findall(self.name)))

    def sentence(self) -> str:
        """Return what the schema allows and what the value is, without its pointer."""
        describe = _SENTENCES.get(self.rule)
        if describe is not None and isinstance(self.definition, dict):
            return describe(self.value, self.definition)
        return wording.shortened(self.message.removeprefix(self.name).strip())


def _member(step: tuple[str, str, str]) -> str:
    index, in_quotes, name = step
    return str(ast.literal_eval(in_quotes)) if in_quotes else index or name


def _must_be(value: Any, schema: Schema) -> str:
    sentence = f"must be {describe_schema(schema)}, and is {describe_value(value)}"
    if isinstance(value, float) and value.is_integer() and "a whole number" in sentence:
        sentence += ": a whole number of this size must be written with all its digits"
    return sentence


def _missing(value: Any, schema: Schema) -> str:
    missing = [name for name in schema["required"] if name not in value]
    sentence = f"needs {members(missing)}"
    unknown = _unknown_members(value, schema)
    if not unknown:
        return sentence
    hint = _suggestion(unknown, schema)
    return f"{sentence}, and has {members(unknown)}, which it does not take{hint}"


def _has_unknown(value: Any, schema: Schema) -> str:
    unknown, known = _unknown_members(value, schema), schema.get("properties", {})
    allowed = members(known) if known else "none"
    sentence = f"has {members(unknown)}, which it does not take"
    return sentence + (_suggestion(unknown, schema) or f": it takes {allowed}")


def _unknown_members(value: Any, schema: Schema) -> list[str]:
    """Return the names of an object's members that its schema does not allow."""
    if schema.get("additionalProperties", True) is not False:
        return []
    return [name for name in value if name not in schema.get("properties", {})]


def _suggestion(unknown: list[str], schema: Schema) -> str:
    return wording.suggestion(unknown[0], schema.get("properties", {}))


def _bound(key: str, words: str) -> Callable[[Any, Schema], str]:
    return lambda value, schema: f"must be {words} {schema[key]}, and is {describe_value(value)}"


def _length(key: str, words: str, unit: str) -> Callable[[Any, Schema], str]:
    return lambda value, schema: (
        f"must have {words} {counted(schema[key], unit)}, and has {len(value):,}"
    )


def _pattern(value: Any, schema: Schema) -> str:
    pattern = schema["pattern"]
    meaning = _PATTERNS.get(pattern)
    rule = f"be {meaning}" if meaning else f"match the regular expression {pattern[:200]} "
    return f"must {rule}, and is {describe_value(value)}"


def _format(value: Any, schema: Schema) -> str:
    return f"must be text of the form {schema['format']}, and is {describe_value(value)}"


def _names(value: Any, schema: Schema) -> str:
    names = describe_schema(schema["propertyNames"])
    return f"has members of other names than it takes: each must be {names}"


def _any_of(value: Any, schema: Schema) -> str:
    """Return what is wrong with the value by the one form that it resembles, or name all forms."""
    similar = [form for form in wording.forms(schema) if _resembles(value, form)]
    if len(similar) == 1 and (sentence := _fault_inside(value, similar[0])):
        return sentence
    return _must_be(value, schema)


def _resembles(value: Any, form: Any) -> bool:
    """Tell whether an object has a form's tag or, without tags, one of its required members."""
    if not isinstance(value, dict) or not isinstance(form, dict) or form.get("type") != "object":
        return False
    known, required = form.get("properties", {}), form.get("required", [])
    tags = [name for name, part in known.items() if len(part.get("enum", ())) == 1]
    if tags:
        return all(value.get(name) in known[name]["enum"] for name in tags)
    return any(name in value for name in required)


def _fault_inside(value: dict[str, Any], form: Schema) -> str | None:
    """Return what is wrong in an object: a missing or an unknown member, or the value of one."""
    if any(name not in value for name in form.get("required", [])):
        return _missing(value, form)
    if _unknown_members(value, form):
        return _has_unknown(value, form)
    for name, part in form.get("properties", {}).items():
        if name in value and (sentence := _member_fault(value[name], part)):
            return f"has the member {quoted(name)}, which {sentence}"
    return None


def _member_fault(value: Any, part: Schema) -> str | None:
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
    "const": lambda value, schema: (
        f"must be {literal(schema['const'])}, and is {describe_value(value)}"
    ),
    "required": _missing,
    "additionalProperties": _has_unknown,
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
