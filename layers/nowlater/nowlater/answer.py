"""The sync door: runs an operation while its caller waits, and keeps nothing."""

import secrets
from typing import TYPE_CHECKING, Any

from nowlater import catalogue, object_keys, request, run
from nowlater.api import MOST_RESULT
from nowlater.call import Caller
from nowlater.context import Context
from nowlater.log import operation_failed
from nowlater.outcomes import Refused, TimedOut, Unavailable
from nowlater.problems import Problem
from nowlater.run import Answer, UnfitInput
from nowlater.services import Services
from nowlater.timing import after

if TYPE_CHECKING:
    from nowlater.document import Document

#: Counted from when the request came in: the HTTP API itself gives up after 30 s.
LONGEST_S = 28


def answer(
    services: Services,
    caller: Caller,
    operation: str,
    body: Any,
    *,
    longest_s: float = LONGEST_S,
    or_exit: bool = False,
) -> Answer:
    """Run the operation on a request's input, for at most that long.

    Raises the Problem of whatever keeps it from answering.
    """
    entry = services.catalogue.at("sync", operation)
    given = _only_input(body, operation)
    catalogue.check(entry, given, caller.base)
    seconds = min(entry.timeout, longest_s)
    elsewhere = f"{caller.base}/async/{operation}"

    def open_upload(upload: str) -> "Document":
        return services.bucket.open(object_keys.upload_key(caller.owner, upload))

    context = Context(
        deadline=after(services.clock(), seconds), idempotency_key=secrets.token_hex(16)
    )
    try:
        answered = run.run(
            entry,
            given,
            context,
            seconds=seconds,
            open_upload=open_upload,
            or_exit=or_exit,
        )
    except BaseException as fault:  # asyncio's CancelledError and a panic in Rust are no Exception
        raise _problem(fault, operation, seconds, caller.base) from fault
    if len(answered.body) > MOST_RESULT:
        raise Problem(
            "result-too-large",
            f"The result has {len(answered.body):,} bytes, and at most {MOST_RESULT:,} can be "
            f"answered directly; ask at {elsewhere} instead.",
            instead=elsewhere,
        )
    return answered


def _problem(fault: BaseException, operation: str, seconds: float, base: str) -> Problem:
    """Return what the caller is told of a run that did not return."""
    match fault:
        case UnfitInput():
            sentence = f"does not fit the operation: {fault}"
            return catalogue.invalid_input(operation, base, pointer="", sentence=sentence)
        case Refused():
            return Problem("refused", str(fault) or "The operation refused this input.")
        case Unavailable():
            wait = str(max(1, round(fault.retry_after)))
            return Problem("unavailable", str(fault), headers={"Retry-After": wait})
        case TimedOut():
            instead = f"{base}/async/{operation}"
            detail = f"{operation} did not answer within {seconds:.3g} s; ask at {instead} instead."
            return Problem("timed-out", detail, instead=instead)
    operation_failed(fault)
    return Problem("operation-failed", f"{operation} failed; its log names the cause.")


def _only_input(body: Any, operation: str) -> Any:
    asked = request.envelope(body)
    for name in body:
        if name != "input":
            raise Problem(
                "malformed-request",
                f"/{name} is not for the sync door, which answers now and keeps nothing; "
                f"send it to /async/{operation}.",
                pointer=f"/{name}",
            )
    return asked.input
