"""The sync door: runs an operation while its caller waits, and keeps nothing."""

import secrets
from typing import Any

from nowlater.access.caller import Caller
from nowlater.doors import envelope
from nowlater.instants import after
from nowlater.limits import MAX_DIRECT_RESULT
from nowlater.log import operation_failed
from nowlater.problems import Problem, ProblemName
from nowlater.runtime import catalogue, executor
from nowlater.runtime.catalogue import Entry
from nowlater.runtime.context import Context
from nowlater.runtime.exceptions import Refused, TimedOut, Unavailable
from nowlater.runtime.executor import InputMismatch, Result
from nowlater.runtime.uploaded_files import UploadedFiles
from nowlater.services import Services

#: Counted from when the request came in: the HTTP API itself gives up after 30 s.
LONGEST_S = 28


def run_now(
    services: Services,
    caller: Caller,
    operation: str,
    body: Any,
    *,
    longest_s: float = LONGEST_S,
    or_exit: bool = False,
) -> Result:
    """Run the operation on a request's input, for at most that long.

    Raises the Problem of whatever keeps it from answering.
    """
    entry = services.catalogue.get_served("sync", operation)
    given = _only_input(body, entry)
    catalogue.validate_input(entry, given, caller.base)
    seconds = min(entry.timeout, longest_s)
    instead = _instead(caller, entry)
    context = Context(
        deadline=after(services.clock(), seconds), idempotency_key=secrets.token_hex(16)
    )
    try:
        answered = executor.run(
            entry,
            given,
            context,
            seconds=seconds,
            open_upload=UploadedFiles(services, caller.owner).open,
            or_exit=or_exit,
        )
    except BaseException as fault:  # asyncio's CancelledError and a panic in Rust are no Exception
        if isinstance(fault, TimedOut):
            raise _timed_out(services, entry, seconds, instead) from fault
        raise _problem(fault, operation, caller.base) from fault
    if len(answered.body) > MAX_DIRECT_RESULT:
        said = f"The result has {len(answered.body):,} bytes, and this door answers {MAX_DIRECT_RESULT:,}"
        raise _elsewhere("result-too-large", said, instead, "ask for less of it")
    return answered


def _instead(caller: Caller, entry: Entry) -> str | None:
    """Return the door where an operation can be asked for as a job, if it is served at one."""
    door = next((door for door in ("async", "hybrid") if door in entry.doors), None)
    return door and f"{caller.base}/{door}/{entry.name}"


def _timed_out(services: Services, entry: Entry, seconds: float, instead: str | None) -> Problem:
    """Return the problem of a run whose time was up: this door's, which others exceed, or its own."""
    said = f"{entry.name} did not answer within {seconds:.3g} s"
    if min(entry.timeout, services.settings.longest_attempt_s) <= seconds:
        said, instead = f"{said}, and may run no longer at any door", None
    return _elsewhere("timed-out", said, instead, "ask for less at once")


def _elsewhere(problem: ProblemName, said: str, instead: str | None, advice: str) -> Problem:
    """Return a problem that another door does not have, or (None) every other door has too."""
    if instead is None:
        return Problem(problem, f"{said}: {advice}.")
    return Problem(problem, f"{said}; ask at {instead} instead.", instead=instead)


def _problem(fault: BaseException, operation: str, base: str) -> Problem:
    """Return what the caller is told of a run that did not return."""
    match fault:
        case InputMismatch():
            sentence = f"does not fit the operation: {fault}"
            return catalogue.invalid_input(operation, base, pointer="", sentence=sentence)
        case Refused():
            return Problem("refused", str(fault) or "The operation refused this input.")
        case Unavailable():
            wait = str(max(1, round(fault.retry_after)))
            return Problem("unavailable", str(fault), headers={"Retry-After": wait})
    operation_failed(fault)
    return Problem("operation-failed", f"{operation} failed; its log names the cause.")


def _only_input(body: Any, entry: Entry) -> Any:
    asked = envelope.envelope(body)
    for name in body:
        if name != "input":
            raise Problem(
                "malformed-request",
                f"/{name} is not for the sync door, which answers now and keeps nothing: "
                f"{_leave_out(entry)}.",
                pointer=f"/{name}",
            )
    return asked.input


def _leave_out(entry: Entry) -> str:
    if "async" in entry.doors:
        return f"leave it out, or send it to /async/{entry.name}"
    return "leave it out"
