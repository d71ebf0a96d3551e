"""Checks an operation's signature: what its annotations ask for is enforced, or the build stops."""

import collections.abc
import inspect
import json
import math
import typing
from collections.abc import Iterator
from types import UnionType
from typing import Any, TypeAliasType, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta
from msgspec.inspect import CustomType, RawType, type_info

import mistakes
from mistakes import Mistake
from nowlater import schema
from nowlater.context import Context
from nowlater.document import INPUT_SCHEMA, Document
from nowlater.operation import Operation

#: What a bound of annotated_types or of pydantic's Field is called; msgspec's Meta calls it so too.
_BOUNDS = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern")
#: What to write in the place of a type that is no JSON.
_INSTEAD = {
    "pathlib": "write Document for a file, str for a name",
    "pandas": "take a Document and read it in the function; return a list of dictionaries",
    "polars": "take a Document and read it in the function; return a list of dictionaries",
    "numpy": "write list[float]",
    "pydantic": "write str, with msgspec.Meta(pattern=…)",
    "msgspec": "write Any",
    "collections.abc": "write list[…] or dict[str, …]",
    "collections": "write list[…] or dict[str, …]",
    "PIL": "write Document, for the bytes of a file",
    "io": "write Document, for a file",
}


class _Unfit(TypeError):
    """What is wrong with an annotation, and what to write instead."""


def check(found: list[Operation]) -> None:
    """Raise Mistake where a signature has what could not be enforced, converted or described."""
    mistakes.refuse(mistake for spec in found if (mistake := _mistake(spec)))


def _mistake(spec: Operation) -> Mistake | None:
    try:
        _check(spec)
    except Exception as fault:  # msgspec has many reasons; each is about this operation
        said = " ".join(str(fault).split()).removeprefix(f"{spec.name}: ")
        return mistakes.in_function(spec.function, f"{spec.name}: {said}")
    return None


def _check(spec: Operation) -> None:
    function = inspect.unwrap(spec.function)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise _Unfit("it is a generator, and its result is sent at once: return a list")
    try:
        hints = get_type_hints(spec.function, include_extras=True)
    except NameError as error:
        raise _Unfit(
            f"an annotation names {error.name}, which its module does not have: import it there, "
            "and not under TYPE_CHECKING"
        ) from error
    for name, parameter in inspect.signature(spec.function).parameters.items():
        if name.startswith("__"):
            raise _Unfit(
                f"the parameter {name} cannot be an input: its name begins with two underscores"
            )
        if name in hints and not schema.is_context(hints[name]):
            _check_part(f"the parameter {name}", hints[name], parameter.default)
    _check_part("the result", hints.get("return", Any), inspect.Parameter.empty)
    schema.input_type(spec)
    described = schema.of_input(spec), schema.of_result(spec)
    try:
        json.dumps(described, allow_nan=False)
    except ValueError as error:
        raise _Unfit("a default or an example is infinite or NaN, and JSON has no such number") from error  # fmt: skip


def _check_part(who: str, hint: Any, default: Any) -> None:
    try:
        for part in _parts(hint, set()):
            if part is Document and who == "the result" and hint is not Document:
                raise _Unfit("a file cannot be part of a result. Return a Document alone, or bytes")
            _refuse_unknown(part)
        _refuse_msgspecs(hint)
        if default is not inspect.Parameter.empty:
            _refuse_unfit_default(hint, default)
    except (TypeError, ValueError) as fault:
        raise _Unfit(f"{who} is {_shown(hint)}: {fault}") from fault


def _parts(hint: Any, seen: set[Any]) -> Iterator[Any]:
    """Yield a type and all types that it is made of; raise _Unfit where one says what nobody reads."""
    origin = get_origin(hint)
    if isinstance(hint, TypeAliasType | typing.NewType):
        if hint not in seen:
            seen.add(hint)
            meant = hint.__value__ if isinstance(hint, TypeAliasType) else hint.__supertype__
            yield from _parts(meant, seen)
    elif origin is typing.Annotated:
        for said in hint.__metadata__:
            _refuse_unread(hint.__origin__, said)
        yield from _parts(hint.__origin__, seen)
    elif origin is None:
        yield hint
        yield from _fields(hint, seen)
    elif origin is not typing.Literal:
        yield from _parts_of_generic(origin, get_args(hint), seen)


def _parts_of_generic(origin: Any, arguments: tuple[Any, ...], seen: set[Any]) -> Iterator[Any]:
    if isinstance(origin, TypeAliasType):
        yield from _parts(origin, seen)
    elif origin not in (typing.Union, UnionType) and isinstance(origin, type):
        yield origin
        yield from _fields(origin, seen)
        if arguments and issubclass(origin, collections.abc.Mapping):
            _refuse_key(arguments[0])
        if arguments and issubclass(origin, collections.abc.Set):
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
            yield from _parts(hints[field.name], seen)
            if (default := getattr(field, "default", msgspec.NODEFAULT)) is not msgspec.NODEFAULT:
                _refuse_unfit_default(hints[field.name], default)
        except (TypeError, ValueError) as fault:
            raise _Unfit(f"{owner.__name__}.{field.name}: {fault}") from fault


def _refuse_unread(annotated: Any, said: Any) -> None:
    """Refuse what stands in an Annotated and is not read: a bound that is no bound."""
    if isinstance(said, Meta | str) or type(said).__name__ == "Doc":
        return
    parts = [said, *getattr(said, "metadata", ())]
    bounds = {b: v for p in parts for b in _BOUNDS if (v := getattr(p, b, None)) is not None}
    if hasattr(said, "tz"):
        bounds["tz"] = said.tz is not None
    package = type(said).__module__.partition(".")[0]
    unread = f"{type(said).__name__} of {package} is not read, and would not be enforced"
    if not bounds:
        raise _Unfit(f"{unread}. Write msgspec.Meta(…), or check it in the function: raise Refused")
    meant = ", ".join(f"{name}={value!r}" for name, value in bounds.items())
    raise _Unfit(f"{unread}. Write Annotated[{_shown(annotated)}, msgspec.Meta({meant})]")


def _refuse_unknown(part: Any) -> None:
    """Refuse a type that is no JSON."""
    if isinstance(part, typing.TypeVar):
        raise _Unfit(f"{part} stands for no type here. Write the type, or Any")
    if part is Context:
        raise _Unfit("a Context is given to a parameter of its own. Write Context")
    if not isinstance(part, type) or part is Document:
        return
    _refuse_pydantic(part)
    if not _is_custom(part):
        return
    packages = (part.__module__, part.__module__.partition(".")[0])
    other = "write Any" if part is object else "write a dataclass, a TypedDict or a msgspec.Struct"
    instead = next((_INSTEAD[p] for p in packages if p in _INSTEAD), other)
    raise _Unfit(f"{part.__qualname__} is no JSON: {instead}")


def _is_custom(part: type) -> bool:
    return isinstance(type_info(part), CustomType | RawType)


def _refuse_pydantic(owner: type) -> None:
    if hasattr(owner, "__pydantic_validator__") or hasattr(owner, "__pydantic_core_schema__"):
        raise _Unfit(
            f"{owner.__name__} is pydantic's, whose rules are not read. Write a dataclass, a TypedDict or "
            f"a msgspec.Struct; or dict[str, Any], and {owner.__name__}(**value) in the function"
        )


def _refuse_key(key: Any) -> None:
    parts = [p for p in _parts(key, set()) if p is not Any]
    if get_origin(key) is typing.Literal or any(part is not str for part in parts):
        raise _Unfit(
            f"the keys of a JSON object are strings, of which the schema says no more than a pattern. "
            f"Write dict[str, …], not dict[{_shown(key)}, …]"
        )


def _refuse_element(element: Any) -> None:
    for part in _parts(element, set()):
        if _can_change(part):
            raise _Unfit(f"a set cannot hold {_shown(part)}, which can change. Write list[…]")


def _can_change(part: Any) -> bool:
    if isinstance(part, type) and issubclass(part, msgspec.Struct):
        return not part.__struct_config__.frozen
    return getattr(part, "__hash__", None) is None


def _refuse_msgspecs(hint: Any) -> None:
    """Refuse what msgspec does: unions that JSON cannot tell apart, enums of several types, …"""
    try:
        msgspec.json.schema_components([hint], schema_hook=lambda _: dict(INPUT_SCHEMA))
        msgspec.json.Decoder(hint)
    except TypeError as fault:
        said = str(fault).partition(" - type ")[0]
        if "more than one dataclass" in said or "dict-like" in said:
            said += ". Make each a msgspec.Struct with tag=True, which adds a member that tells them apart"
        raise _Unfit(said) from fault


def _refuse_unfit_default(hint: Any, default: Any) -> None:
    if type(default).__module__.startswith("pydantic"):
        _refuse_unread(hint, default)
    if isinstance(default, Document):
        raise _Unfit("a file cannot be a default: it is read once. Write Document | None = None")
    try:
        msgspec.json.decode(msgspec.json.encode(default), type=hint, dec_hook=_no_document)
    except (msgspec.ValidationError, TypeError) as fault:
        other = default is None or (isinstance(default, float) and not math.isfinite(default))
        instead = ". Write … | None = None for an input that may be missing" if other else ""
        raise _Unfit(f"its default {default!r} does not fit ({fault}){instead}") from fault


def _no_document(_type: type, value: Any) -> Any:
    raise TypeError(f"{value!r} is no Document")


def _shown(hint: Any) -> str:
    """Return an annotation as its author wrote it, or nearly so."""
    if isinstance(hint, type) and get_origin(hint) is None:
        return hint.__qualname__
    shown = repr(hint).replace("typing.", "").replace("msgspec.Meta", "Meta")
    return shown if len(shown) <= 80 else f"{shown[:79]}…"
