"""Works on a job: claim it, run its operation, finish it."""

import math
import time
from collections.abc import Callable
from typing import Any

import msgspec

from nowlater.aws import session
from nowlater.instants import HOUR_S, after, seconds_until
from nowlater.jobs.model import Job, Ref
from nowlater.log import logger, operation_failed
from nowlater.runtime import executor
from nowlater.runtime.catalogue import Entry
from nowlater.runtime.context import Context
from nowlater.runtime.exceptions import Canceled, Refused, TimedOut, Unavailable
from nowlater.runtime.executor import InputMismatch, Result
from nowlater.runtime.uploaded_files import UploadedFiles
from nowlater.services import Services
from nowlater.worker import settle
from nowlater.worker.settle import Left

#: A submit that has not put its record this long after its message never will.
SUBMIT_LIFE_S = 60
#: A worker may be older than the door that took a job for so long: while a deployment is under way.
DEPLOYMENT_S = HOUR_S
#: The Lambda needs this much of its own time after a run, to store what came of it.
_TO_FINISH_S = 8

#: What the owner is told of a job that waits for somebody to mend the stack.
_OUR_FAULT = "The job cannot be run now, by a fault of the service; who runs the API was told."

type Remaining = Callable[[], float]


def work(
    services: Services,
    ref: Ref,
    holder: str,
    *,
    age_s: float,
    remaining: Remaining,
    or_exit: bool = False,
) -> Left:
    """Try to run a job to its end, as the Lambda request `holder`.

    `age_s` is how long ago it was sent, `remaining` what is left of the Lambda's time.
    """
    logger.append_keys(owner=ref.owner, job_id=ref.id)
    claim = services.store.claim(ref, holder, services.clock())
    if claim.job is None:
        time.sleep(0.1)
        claim = services.store.claim(ref, holder, services.clock())
    if claim.job is None:
        return Left(None, 5 if age_s < SUBMIT_LIFE_S else None)
    if not claim.done:
        return settle.leave(services, claim.job)
    return _attempt(services, claim.job, remaining, or_exit)


def direct(services: Services, ref: Ref, holder: str, *, remaining: Remaining) -> Job | None:
    """Try to run a job while a caller waits; return it as it then is.

    Its message comes too late for another try, so one is sent where that is what it needs.
    """
    left = work(services, ref, holder, age_s=0, remaining=remaining, or_exit=True)
    if left.job is not None and left.again_s is not None:
        services.queues.send(left.job.lane, ref, math.ceil(left.again_s))
    return left.job


def _attempt(services: Services, claimed: Job, remaining: Remaining, or_exit: bool) -> Left:
    """Run a claimed job's operation, and write what comes of it."""
    logger.append_keys(operation=claimed.operation, attempt=claimed.attempt)
    began = time.monotonic()
    try:
        ran: Result | BaseException = _run(services, claimed, remaining, or_exit)
    except BaseException as fault:  # asyncio's CancelledError and a panic in Rust are no Exception
        ran = fault
    # Not while it is handled: what fails now would be logged with what the operation's fault says.
    outcome, left = _left(services, claimed, ran)
    logger.info("attempt_ended", extra={"outcome": outcome, "seconds": time.monotonic() - began})
    return left


def _left(services: Services, claimed: Job, ran: Result | BaseException) -> tuple[str, Left]:
    """Write what came of a run; return its name for the log, and how it leaves the job."""
    match ran:
        case Result():
            return "returned", settle.succeed(services, claimed, ran)
        case Canceled():
            return "canceled", settle.leave(services, services.store.get(claimed.ref))
        case Unavailable():
            return "unavailable", settle.wait(services, claimed, ran)
        case Refused() | InputMismatch():
            return "refused", settle.refuse(services, claimed, ran)
        case _:
            operation_failed(ran)
            outcome = "timed-out" if isinstance(ran, TimedOut) else "failed"
            return outcome, settle.fail(services, claimed, ran)


def _run(services: Services, claimed: Job, remaining: Remaining, or_exit: bool) -> Result:
    entry, given = _entry(services, claimed), _input(services, claimed)
    now = services.clock()
    seconds = min(claimed.timeout_ms / 1000, seconds_until(claimed.deadline, now))
    if seconds <= 0:  # the claim took that long
        raise TimedOut
    if (left_s := remaining() - _TO_FINISH_S) <= 0:
        raise Unavailable("The worker had no time left for this job.", retry_after=1)
    seconds = min(seconds, left_s)
    context = Context(
        job_id=claimed.id,
        attempt=claimed.attempt,
        deadline=after(now, seconds),
        idempotency_key=claimed.id,
        report=lambda said: _report(services, claimed, said),
    )
    return executor.run(
        entry,
        given,
        context,
        seconds=seconds,
        open_upload=UploadedFiles(services, claimed.owner).open,
        or_exit=or_exit,
    )


def _entry(services: Services, claimed: Job) -> Entry:
    """Return the job's operation; raises Refused where it is no longer served.

    A catalogue that cannot be read says nothing of that, nor does one that may be older than the job:
    then it raises Unavailable.
    """
    try:
        entry = services.catalogue.find(claimed.operation)
    except Exception as fault:
        logger.exception("catalogue_unreadable")
        raise Unavailable(_OUR_FAULT) from fault
    if entry is not None:
        return entry
    if services.clock() < after(claimed.created, DEPLOYMENT_S):
        raise Unavailable(f"The operation {claimed.operation} is not served just now.")
    raise Refused(f"The operation {claimed.operation} is no longer served.")


def _input(services: Services, claimed: Job) -> Any:
    """Return the job's input; raises Unavailable where what was accepted is not to be had."""
    try:
        text = claimed.input or services.bucket.get(claimed.input_key or "")
        return msgspec.json.decode(text)
    except (*session.FAILURES, msgspec.DecodeError) as fault:
        logger.exception("input_unreadable")
        raise Unavailable(_OUR_FAULT) from fault


def _report(services: Services, claimed: Job, said: dict[str, Any]) -> None:
    now = services.clock()
    changes = {"progress": said, "updated": now}
    try:
        written = services.store.write(claimed.ref, "progress", now, changes, token=claimed.attempt)
    except session.FAILURES as failure:  # not its traceback: the operation may be handling its own
        logger.warning("progress_not_written", extra={"failure": str(failure)})
        return
    if not written.done:
        raise Canceled
