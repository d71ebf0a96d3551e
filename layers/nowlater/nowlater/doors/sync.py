"""The sync door: runs an operation while its caller waits, and stores nothing."""

import secrets
from typing import Any

from nowlater.access.caller import Caller
from nowlater.doors import envelope
from nowlater.instants import after
from nowlater.log import logger, operation_failed
from nowlater.problems import Problem, ProblemName
from nowlater.result_size import MAX_DIRECT_RESULT
from nowlater.runtime import catalogue, executor
from nowlater.runtime.catalogue import Entry
from nowlater.runtime.context import Context
from nowlater.runtime.exceptions import Refused, TimedOut, Unavailable
from nowlater.runtime.executor import InputMismatch, Result
from nowlater.runtime.uploaded_files import UploadedFiles
from nowlater.services import Services

#: Counted from when the request came in: API Gateway itself times out after 30 s.
LONGEST_S = 28


def run_now(
    services: Services,
    caller: Caller,
    operation: str,
    body: Any,
    *,
    limit_s: float = LONGEST_S,
    or_exit: bool = False,
) -> Result:
    """Run the operation on a request's input, for at most that long.

    Raises the Problem of a run that does not return a result.
    """
    entry = services.catalogue.get_served("sync", operation)
    raw_input = _input_only(body, entry)
    catalogue.validate_input(entry, raw_input, caller.base)
    seconds = min(entry.timeout, limit_s)
    other_door = _other_door(caller, entry)
    context = Context(
        deadline=after(services.clock(), seconds), idempotency_key=secrets.token_hex(16)
    )
    try:
        result = executor.run(
            entry,
            raw_input,
            context,
            seconds=seconds,
            open_upload=UploadedFiles(services, caller.owner).open,
            or_exit=or_exit,
        )
    except BaseException as fault:  # asyncio's CancelledError and a Rust panic are no Exception
        if isinstance(fault, TimedOut):
            logger.info("run_timed_out", extra={"operation": entry.name, "seconds": seconds})
            raise _timed_out(services, entry, seconds, other_door) from fault
        raise _problem(fault, operation, caller.base) from fault
    _check_size(result, other_door)
    return result


def _check_size(result: Result, other_door: str | None) -> None:
    """Raise Problem `result-too-large` where a response cannot have this result."""
    size = len(result.body)
    if size > MAX_DIRECT_RESULT:
        sentence = f"The result has {size:,} bytes, and this door returns {MAX_DIRECT_RESULT:,}"
        raise _refer("result-too-large", sentence, other_door, "ask for less of it")


def _other_door(caller: Caller, entry: Entry) -> str | None:
    """Return the URL of a door that serves the operation as a job, if there is one."""
    door = next((door for door in ("async", "hybrid") if door in entry.doors), None)
    return door and f"{caller.base}/{door}/{entry.name}"


def _timed_out(services: Services, entry: Entry, seconds: float, other_door: str | None) -> Problem:
    """Return the problem of a run whose time was up, by this door's limit or its own."""
    sentence = f"{entry.name} did not finish within {seconds:.3g} s"
    work_timeout_s = services.settings.work_timeout_s
    if catalogue.attempt_timeout_s(entry.timeout, work_timeout_s) <= seconds:
        sentence, other_door = f"{sentence}, and may run no longer at any door", None
    return _refer("timed-out", sentence, other_door, "ask for less at once")


def _refer(name: ProblemName, sentence: str, other_door: str | None, advice: str) -> Problem:
    """Return a problem that refers to another door or, where no door would help, gives advice."""
    if other_door is None:
        return Problem(name, f"{sentence}: {advice}.")
    return Problem(name, f"{sentence}; use {other_door} instead.", instead=other_door)


def _problem(fault: BaseException, operation: str, base: str) -> Problem:
    """Return the problem of a run that did not return a result."""
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


def _input_only(body: Any, entry: Entry) -> Any:
    """Return the input of a body; raises Problem where the body has options for jobs."""
    parsed = envelope.parse_envelope(body)
    for name in body:
        if name != "input":
            raise Problem(
                "malformed-request",
                f"/{name} is not for the sync door, which responds at once and stores nothing: "
                f"{_advice(entry)}.",
                pointer=f"/{name}",
            )
    return parsed.input


def _advice(entry: Entry) -> str:
    if "async" in entry.doors:
        return f"omit it, or send it to /async/{entry.name}"
    return "omit it"
