"""Refuses annotations and defaults that cannot be served, each with what to write instead."""

import math
import typing
from typing import Any, get_origin

import msgspec
from msgspec import Meta
from msgspec.inspect import CustomType, RawType, type_info

from nowlater.runtime.context import Context
from nowlater.runtime.document import INPUT_SCHEMA, Document

#: The bounds of annotated_types and of pydantic's Field; msgspec's Meta has the same names.
_BOUNDS = ("gt", "ge", "lt", "le", "multiple_of", "min_length", "max_length", "pattern")
#: By package: what to write instead of its types, which are not JSON.
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


class Unfit(TypeError):
    """An annotation cannot be served; the message says why, and what to write instead."""


def refuse_unread(annotated: Any, metadata: Any) -> None:
    """Refuse metadata of an Annotated that is not read: its bound would not be enforced."""
    if isinstance(metadata, Meta | str) or type(metadata).__name__ == "Doc":
        return
    parts = [metadata, *getattr(metadata, "metadata", ())]
    bounds = {b: v for p in parts for b in _BOUNDS if (v := getattr(p, b, None)) is not None}
    if hasattr(metadata, "tz"):
        bounds["tz"] = metadata.tz is not None
    package = type(metadata).__module__.partition(".")[0]
    unread = f"{type(metadata).__name__} of {package} is not read, and would not be enforced"
    if not bounds:
        raise Unfit(f"{unread}. Write msgspec.Meta(…), or check it in the function: raise Refused")
    arguments = ", ".join(f"{name}={value!r}" for name, value in bounds.items())
    raise Unfit(f"{unread}. Write Annotated[{spell(annotated)}, msgspec.Meta({arguments})]")


def refuse_unknown(part: Any) -> None:
    """Refuse a type that is not JSON."""
    if isinstance(part, typing.TypeVar):
        raise Unfit(f"{part} is a type variable without a type. Write the type, or Any")
    if part is Context:
        raise Unfit("a Context needs a parameter of its own. Write Context")
    if not isinstance(part, type) or part is Document:
        return
    _refuse_pydantic(part)
    if not _is_custom(part):
        return
    packages = (part.__module__, part.__module__.partition(".")[0])
    other = "write Any" if part is object else "write a dataclass, a TypedDict or a msgspec.Struct"
    instead = next((_INSTEAD[p] for p in packages if p in _INSTEAD), other)
    raise Unfit(f"{part.__qualname__} is not JSON: {instead}")


def _is_custom(part: type) -> bool:
    return isinstance(type_info(part), CustomType | RawType)


def _refuse_pydantic(owner: type) -> None:
    if hasattr(owner, "__pydantic_validator__") or hasattr(owner, "__pydantic_core_schema__"):
        raise Unfit(
            f"{owner.__name__} is pydantic's, whose rules are not read. Write a dataclass, a TypedDict or "
            f"a msgspec.Struct; or dict[str, Any], and {owner.__name__}(**value) in the function"
        )


def refuse_ambiguous(hint: Any) -> None:
    """Refuse what msgspec refuses: unions that JSON cannot tell apart, enums of several types, …"""
    try:
        msgspec.json.schema_components([hint], schema_hook=lambda _: dict(INPUT_SCHEMA))
        msgspec.json.Decoder(hint)
    except TypeError as fault:
        message = str(fault).partition(" - type ")[0]
        if "more than one dataclass" in message or "dict-like" in message:
            message += ". Make each a msgspec.Struct with tag=True, which adds a member that distinguishes them"
        raise Unfit(message) from fault


def refuse_unfit_default(hint: Any, default: Any) -> None:
    """Refuse a default that a caller could not send."""
    if type(default).__module__.startswith("pydantic"):
        refuse_unread(hint, default)
    if isinstance(default, Document):
        raise Unfit("a file cannot be a default: it is read once. Write Document | None = None")
    try:
        msgspec.json.decode(msgspec.json.encode(default), type=hint, dec_hook=_no_document)
    except (msgspec.ValidationError, TypeError) as fault:
        is_no_value = default is None or (isinstance(default, float) and not math.isfinite(default))
        instead = ". Write … | None = None for an input that may be missing" if is_no_value else ""
        raise Unfit(f"its default {default!r} does not fit ({fault}){instead}") from fault


def _no_document(_type: type, value: Any) -> Any:
    raise TypeError(f"{value!r} is not a Document")


def spell(hint: Any) -> str:
    """Return an annotation approximately as its author wrote it."""
    if isinstance(hint, type) and get_origin(hint) is None:
        return hint.__qualname__
    text = repr(hint).replace("typing.", "").replace("msgspec.Meta", "Meta")
    return text if len(text) <= 80 else f"{text[:79]}…"
