"""Checks operations' signatures: the build stops where an annotation could not be enforced."""

import collections.abc
import inspect
import json
import typing
from collections.abc import Iterator
from types import UnionType
from typing import Any, TypeAliasType, get_args, get_origin, get_type_hints

import msgspec
from msgspec.inspect import type_info

import mistakes
from mistakes import Mistake
from nowlater.runtime import schema
from nowlater.runtime.definition import Operation
from nowlater.runtime.document import Document
from refusals import (
    Unfit,
    refuse_ambiguous,
    refuse_unfit_default,
    refuse_unknown,
    refuse_unread,
    spell,
)


def check(operations: list[Operation]) -> None:
    """Raise Mistake where part of a signature could not be enforced, converted or described."""
    mistakes.refuse(mistake for spec in operations if (mistake := find_mistake(spec)))


def find_mistake(spec: Operation) -> Mistake | None:
    """Return what is wrong with an operation's signature, if anything is."""
    try:
        _check(spec)
    except Exception as fault:  # msgspec raises many types; each is about this operation
        message = " ".join(str(fault).split()).removeprefix(f"{spec.name}: ")
        return mistakes.in_function(spec.function, f"{spec.name}: {message}")
    return None


def _check(spec: Operation) -> None:
    function = inspect.unwrap(spec.function)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise Unfit("it is a generator, and its result is sent at once: return a list")
    try:
        hints = get_type_hints(spec.function, include_extras=True)
    except NameError as error:
        raise Unfit(
            f"an annotation names {error.name}, which its module does not have: import it there, "
            "and not under TYPE_CHECKING"
        ) from error
    for name, parameter in inspect.signature(spec.function).parameters.items():
        if name.startswith("__"):
            raise Unfit(
                f"the parameter {name} cannot be an input: its name begins with two underscores"
            )
        if name in hints and not schema.is_context(hints[name]):
            _check_part(f"the parameter {name}", hints[name], parameter.default)
    _check_part("the result", hints.get("return", Any), inspect.Parameter.empty)
    schema.input_type(spec)
    schemas = schema.of_input(spec), schema.of_result(spec)
    try:
        json.dumps(schemas, allow_nan=False)
    except ValueError as error:
        raise Unfit("a default or an example is infinite or NaN, and JSON has no such number") from error  # fmt: skip


def _check_part(place: str, hint: Any, default: Any) -> None:
    try:
        for part in _parts(hint, set()):
            if part is Document and place == "the result" and hint is not Document:
                raise Unfit("a file cannot be part of a result. Return a Document alone, or bytes")
            refuse_unknown(part)
        refuse_ambiguous(hint)
        if default is not inspect.Parameter.empty:
            refuse_unfit_default(hint, default)
    except (TypeError, ValueError) as fault:
        raise Unfit(f"{place} is {spell(hint)}: {fault}") from fault


def _parts(hint: Any, seen: set[Any]) -> Iterator[Any]:
    """Yield a type and all types inside it; raises Unfit for a constraint that nothing enforces."""
    origin = get_origin(hint)
    if isinstance(hint, TypeAliasType | typing.NewType):
        if hint not in seen:
            seen.add(hint)
            target = hint.__value__ if isinstance(hint, TypeAliasType) else hint.__supertype__
            yield from _parts(target, seen)
    elif origin is typing.Annotated:
        for metadata in hint.__metadata__:
            refuse_unread(hint.__origin__, metadata)
        yield from _parts(hint.__origin__, seen)
    elif origin is None:
        yield hint
        yield from _fields(hint, seen)
    elif origin is not typing.Literal:
        yield from _parts_of_generic(origin, get_args(hint), seen)


def _parts_of_generic(origin: Any, arguments: tuple[Any, ...], seen: set[Any]) -> Iterator[Any]:
    if isinstance(origin, TypeAliasType | type) and origin is not UnionType:
        variables = getattr(origin, "__parameters__", ())  # the arguments take their place
        yield from (part for part in _parts(origin, seen) if part not in variables)
        if isinstance(origin, type) and issubclass(origin, collections.abc.Mapping):
            _refuse_key(arguments[0])
        if isinstance(origin, type) and issubclass(origin, collections.abc.Set):
            _refuse_element(arguments[0])
    for argument in arguments:
        if argument is not ...:
            yield from _parts(argument, seen)


def _fields(owner: Any, seen: set[Any]) -> Iterator[Any]:
    """Yield the types of the fields of a dataclass, TypedDict, NamedTuple or Struct."""
    if not isinstance(owner, type) or owner in seen or owner.__module__ == "builtins":
        return
    seen.add(owner)
    fields = getattr(type_info(owner), "fields", ())
    hints = get_type_hints(owner, include_extras=True) if fields else {}
    for field in fields:
        try:
            hint = hints.get(field.name, Any)  # a namedtuple has no annotations
            yield from _parts(hint, seen)
            if (default := getattr(field, "default", msgspec.NODEFAULT)) is not msgspec.NODEFAULT:
                refuse_unfit_default(hint, default)
        except (TypeError, ValueError) as fault:
            raise Unfit(f"{owner.__name__}.{field.name}: {fault}") from fault


def _refuse_key(key: Any) -> None:
    parts = [p for p in _parts(key, set()) if p is not Any]
    if get_origin(key) is typing.Literal or any(part is not str for part in parts):
        raise Unfit(
            f"the keys of a JSON object are strings, and a schema can give them only a pattern. "
            f"Write dict[str, …], not dict[{spell(key)}, …]"
        )


def _refuse_element(element: Any) -> None:
    for part in _parts(element, set()):
        if _is_mutable(part):
            raise Unfit(f"a set cannot hold {spell(part)}, which can change. Write list[…]")


def _is_mutable(part: Any) -> bool:
    if isinstance(part, type) and issubclass(part, msgspec.Struct):
        return not part.__struct_config__.frozen
    return getattr(part, "__hash__", None) is None
