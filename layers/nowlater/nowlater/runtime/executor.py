"""Calls an operation: its input converted, its time limited, its result checked and encoded."""

import importlib
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
from nowlater.runtime.time_limit import within


@dataclass(frozen=True)
class Result:
    """What an operation returned, ready to be sent."""

    body: bytes
    #: What a Document says of itself; None: the body is a value as JSON.
    media_type: str | None = None


class InputMismatch(ValueError):
    """An input that its schema allows and the operation's types do not; names the fault."""


def run(
    entry: Entry,
    given: dict[str, Any],
    context: Context,
    *,
    seconds: float,
    open_upload: OpenUpload,
    or_exit: bool = False,
) -> Result:
    """Import and call the operation with this input, for at most that many seconds.

    Raises InputMismatch, WrongResult, TimedOut, Unavailable where the operation cannot be imported, and
    whatever it raises.
    """

    def answered() -> Result:
        call = _call(entry)
        arguments = _converted(call, given, open_upload)
        if call.context is not None:
            arguments[call.context] = context
        returned = call.spec.function(**arguments)
        return _encoded(call, _awaited(returned) if isinstance(returned, Coroutine) else returned)

    return within(seconds, answered, or_exit=or_exit)


@dataclass(frozen=True)
class _Call:
    spec: Operation
    inputs: type[msgspec.Struct]
    context: str | None
    result: Any


def _call(entry: Entry) -> _Call:
    """Return the operation, imported; what keeps it from that is no fault of the input's."""
    try:
        return _loaded(entry.module, entry.function)
    except Unavailable:
        raise
    except Exception as fault:
        logger.exception("operation_import_failed")
        raise Unavailable(
            f"{entry.name} cannot be run now, by a fault of the service; who runs the API was told."
        ) from fault


@cache
def _loaded(module: str, function: str) -> _Call:
    environment.set_variables()  # before the module is imported, which may read them
    spec = getattr(importlib.import_module(module), function).operation
    return _Call(
        spec, schema.input_type(spec), schema.context_parameter(spec), schema.result_type(spec)
    )


def _converted(call: _Call, given: dict[str, Any], open_upload: OpenUpload) -> dict[str, Any]:
    def hook(type_: type, value: Any) -> Any:
        return document.from_json(value, open_upload)

    try:
        inputs = msgspec.convert(given, call.inputs, dec_hook=hook, str_keys=True)
    except (msgspec.ValidationError, TypeError) as fault:  # TypeError: a set cannot hold this value
        raise InputMismatch(str(fault)) from fault
    return {name: getattr(inputs, name) for name in inputs.__struct_fields__}


def _awaited(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine to its end; raise what one of its tasks raised as if it had raised it itself.

    TaskGroup raises a group: of one exception, or of what ends the run and others that came of it.
    """
    import asyncio  # which takes longer to import than most operations run: not for all

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


def _encoded(call: _Call, result: Any) -> Result:
    if isinstance(result, Document):
        if not document.is_media_type(result.media_type):
            raise WrongResult(f"{call.spec.name} returned a file of type {result.media_type!r}")
        return Result(result.read(), result.media_type)
    try:
        body = msgspec.json.encode(result)
        msgspec.json.decode(body, type=call.result)  # as JSON: a NaN has become null
        return Result(body)
    except (msgspec.ValidationError, TypeError) as fault:
        raise WrongResult(
            f"{call.spec.name} returned what its annotation does not allow: {fault}"
        ) from fault
