"""Calls operations: converts the input, limits the time, checks and encodes the result."""

import importlib
import inspect
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from nowlater.log import logger
from nowlater.runtime import document, environment, schema
from nowlater.runtime.catalogue import Entry
from nowlater.runtime.context import Context
from nowlater.runtime.definition import Operation
from nowlater.runtime.document import Document, OpenUpload
from nowlater.runtime.exceptions import Canceled, TimedOut, Unavailable, WrongResult
from nowlater.runtime.time_limit import run_within


@dataclass(frozen=True)
class Result:
    """What an operation returned, encoded."""

    body: bytes
    #: The media type of a Document; None: the body is JSON.
    media_type: str | None = None


class InputMismatch(ValueError):
    """An input that the schema allows and the operation's types do not; its text is the fault."""


def run(
    entry: Entry,
    raw_input: dict[str, Any],
    context: Context,
    *,
    seconds: float,
    open_upload: OpenUpload,
    or_exit: bool = False,
) -> Result:
    """Import and call the operation with this input, for at most that many seconds.

    Raises InputMismatch, WrongResult, TimedOut, Unavailable where the operation cannot be imported,
    and whatever the operation raises. `or_exit` is that of `run_within`.
    """

    def call_operation() -> Result:
        loaded = _load_or_unavailable(entry)
        arguments = _convert_input(loaded, raw_input, open_upload)
        if loaded.context_parameter is not None:
            arguments[loaded.context_parameter] = context
        returned = loaded.spec.function(**arguments)
        value = _run_coroutine(returned) if isinstance(returned, Coroutine) else returned
        return _encode_result(loaded, value)

    return run_within(seconds, call_operation, or_exit=or_exit)


@dataclass(frozen=True)
class _Loaded:
    """An imported operation, and the types of its parameters and result."""

    spec: Operation
    input_type: type[msgspec.Struct]
    context_parameter: str | None
    result_type: Any


def _load_or_unavailable(entry: Entry) -> _Loaded:
    """Return the imported operation; raises Unavailable: the input is not at fault."""
    try:
        return _load(entry.module, entry.function)
    except Unavailable:
        raise
    except Exception as fault:
        logger.exception("operation_import_failed")
        raise Unavailable(
            f"{entry.name} cannot run now because of a fault of the service. The fault was logged; "
            "contact the operator of this API."
        ) from fault


@cache
def _load(module: str, function: str) -> _Loaded:
    environment.set_variables()  # the module may read them as it is imported
    spec = getattr(importlib.import_module(module), function).operation
    return _Loaded(
        spec, schema.input_type(spec), schema.context_parameter(spec), schema.result_type(spec)
    )


def _convert_input(
    loaded: _Loaded, raw_input: dict[str, Any], open_upload: OpenUpload
) -> dict[str, Any]:
    def hook(type_: type, value: Any) -> Any:
        return document.from_json(value, open_upload)

    try:
        inputs = msgspec.convert(raw_input, loaded.input_type, dec_hook=hook, str_keys=True)
    except (
        msgspec.ValidationError,
        TypeError,
    ) as fault:  # TypeError: a set cannot contain this value
        raise InputMismatch(str(fault)) from fault
    return {name: getattr(inputs, name) for name in inputs.__struct_fields__}


def _run_coroutine(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end; raise the exception of a task itself, not in a group.

    TaskGroup raises groups: with a single exception, or with Canceled or TimedOut and the exceptions
    that followed from it. Other groups are raised as they are.
    """
    import asyncio  # slow to import: only for operations that need it

    try:
        return asyncio.run(coroutine)
    except BaseExceptionGroup as group:
        leaves = list(_leaves(group))
        ending = [leaf for leaf in leaves if isinstance(leaf, Canceled | TimedOut)]
        if ending or len(leaves) == 1:
            raise (ending or leaves)[0] from group
        raise


def _leaves(group: BaseExceptionGroup[Any]) -> Iterator[BaseException]:
    """Yield the exceptions of a group, and those of groups in it."""
    for fault in group.exceptions:
        if isinstance(fault, BaseExceptionGroup):
            yield from _leaves(fault)
        else:
            yield fault


def _encode_result(loaded: _Loaded, value: Any) -> Result:
    if isinstance(value, Document):
        if not document.is_media_type(value.media_type):
            raise _wrong_result(loaded, f"a file of type {value.media_type!r}")
        return Result(value.read(), value.media_type)
    try:
        body = msgspec.json.encode(value)
        msgspec.json.decode(body, type=loaded.result_type)  # the JSON: a NaN has become null
        return Result(body)
    # A text with half a character or an endless list is a ValueError or a RecursionError.
    except (msgspec.ValidationError, TypeError, ValueError, RecursionError) as fault:
        raise _wrong_result(loaded, f"what its annotation does not allow: {fault}") from fault


def _wrong_result(loaded: _Loaded, what: str) -> WrongResult:
    """Return the exception; no frame of its traceback is the operation's, so its text has the place."""
    code = getattr(inspect.unwrap(loaded.spec.function), "__code__", None)
    place = f"{code.co_filename}:{code.co_firstlineno}: " if code else ""
    return WrongResult(f"{place}{loaded.spec.name} returned {what}")
