"""Turns annotations into a struct of the inputs, and JSON Schemas (2020-12) of both sides."""

import copy
import functools
import inspect
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from nowlater.runtime.context import Context
from nowlater.runtime.definition import Operation
from nowlater.runtime.document import INPUT_SCHEMA, RESULT_SCHEMA, Document

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def input_type(spec: Operation) -> type[msgspec.Struct]:
    """Return a struct with a field for each of the operation's inputs.

    Raises TypeError where a parameter has no annotation, or cannot be passed by name.
    """
    hints = get_type_hints(spec.function, include_extras=True)
    fields: list[Any] = []
    for parameter in inspect.signature(spec.function).parameters.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise TypeError(f"{spec.name}: {parameter} cannot be an input: give it a name")
        if parameter.name not in hints:
            raise TypeError(f"{spec.name}: the parameter {parameter.name} needs an annotation")
        if not is_context(hints[parameter.name]):
            default = (
                () if parameter.default is parameter.empty else (_field_default(parameter.default),)
            )
            fields.append((parameter.name, hints[parameter.name], *default))
    return msgspec.defstruct("Input", fields, kw_only=True, forbid_unknown_fields=True, frozen=True)


def _field_default(default: Any) -> Any:
    """Return a default value for a field; a mutable one is copied for each run."""
    if not _is_mutable(default):
        return default
    return msgspec.field(default_factory=functools.partial(copy.deepcopy, default))


def _is_mutable(default: Any) -> bool:
    try:
        hash(default)
    except TypeError:
        return True
    return False


def is_context(hint: Any) -> bool:
    """Tell whether a parameter takes the Context: it is a `Context` or `Context | None`."""
    if get_origin(hint) in (Union, UnionType):
        return set(get_args(hint)) == {Context, NoneType}
    return hint is Context


def context_parameter(spec: Operation) -> str | None:
    """Return the name of the parameter that takes the Context, if there is one."""
    hints = get_type_hints(spec.function)
    return next((n for n, hint in hints.items() if is_context(hint) and n != "return"), None)


def result_type(spec: Operation) -> Any:
    """Return the annotation of the operation's result, or Any where it has none."""
    return get_type_hints(spec.function, include_extras=True).get("return", Any)


def of_input(spec: Operation) -> dict[str, Any]:
    """Return the JSON Schema of the operation's input, which allows no unknown members."""
    schema = _schema(input_type(spec), INPUT_SCHEMA)
    definitions: dict[str, Any] = schema.pop("$defs")
    for part in definitions.values():
        if "properties" in part:
            part.setdefault("additionalProperties", False)
    root: dict[str, Any] = definitions.pop(schema.pop("$ref").removeprefix("#/$defs/"))
    for name, parameter in inspect.signature(spec.function).parameters.items():
        if name in root["properties"] and _is_mutable(parameter.default):
            root["properties"][name]["default"] = msgspec.to_builtins(parameter.default)
    return schema | root | ({"$defs": definitions} if definitions else {})


def takes_documents(spec: Operation) -> bool:
    """Tell whether a parameter of the operation takes a file."""
    custom_types: list[type] = []

    def hook(type_: type) -> dict[str, Any]:
        custom_types.append(type_)
        return INPUT_SCHEMA

    msgspec.json.schema_components([input_type(spec)], schema_hook=hook)
    return Document in custom_types


def of_result(spec: Operation) -> dict[str, Any]:
    """Return the JSON Schema of the operation's result."""
    return _schema(result_type(spec), RESULT_SCHEMA)


def _schema(type_: Any, document_schema: dict[str, Any]) -> dict[str, Any]:
    def hook(custom_type: type) -> dict[str, Any]:
        if custom_type is Document:
            return document_schema
        raise NotImplementedError

    (root,), definitions = msgspec.json.schema_components(
        [type_], schema_hook=hook, ref_template="#/$defs/{name}"
    )
    schema = {"$schema": _DIALECT} | root
    return schema | ({"$defs": definitions} if definitions else {})
