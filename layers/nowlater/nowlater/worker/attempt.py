"""Makes an attempt at a job: claims it, runs its operation, and settles it."""

import math
import time
from collections.abc import Callable
from typing import Any

import msgspec

from nowlater.aws import session
from nowlater.instants import HOUR_S, after, seconds_until
from nowlater.jobs import protocol
from nowlater.jobs.model import Job, Ref
from nowlater.jobs.store import Written
from nowlater.log import logger, operation_failed
from nowlater.runtime import executor
from nowlater.runtime.catalogue import Entry
from nowlater.runtime.context import Context
from nowlater.runtime.exceptions import Canceled, Refused, TimedOut, Unavailable
from nowlater.runtime.executor import InputMismatch, Result
from nowlater.runtime.uploaded_files import UploadedFiles
from nowlater.services import Services
from nowlater.sqs_batch import DONE, RetryIn
from nowlater.worker import settle
from nowlater.worker.settle import Settlement

#: A submit sends a job's message first; after this long without a record, it failed in between.
SUBMIT_TIMEOUT_S = 60
#: For this long, while a deployment is under way, a worker may be older than the door that accepted a job.
DEPLOYMENT_S = HOUR_S
#: The time that the Lambda needs after a run, to store its outcome.
_TO_FINISH_S = 8

#: What the owner reads of a job that waits until the operator repairs the stack.
_SERVICE_FAULT = (
    "The job cannot run now because of a fault of the service. "
    "The fault was logged; contact the operator of this API."
)

type Remaining = Callable[[], float]


def work(
    services: Services,
    ref: Ref,
    holder: str,
    *,
    age_s: float,
    remaining: Remaining,
    or_exit: bool = False,
) -> Settlement:
    """Make an attempt at a job, as the Lambda request `holder`.

    `age_s` is the age of the job's message, `remaining` returns the seconds of Lambda's time limit
    that remain. With `or_exit`, a run that cannot be stopped ends the process.
    """
    logger.append_keys(owner=ref.owner, job_id=ref.id)
    claim = _claim(services, ref, holder)
    if claim.job is None:
        time.sleep(0.1)
        claim = _claim(services, ref, holder)
    if claim.job is None:
        return Settlement(None, RetryIn(5) if age_s < SUBMIT_TIMEOUT_S else DONE)
    if not claim.done:
        return settle.reconcile(services, claim.job)
    return _run_and_settle(services, claim.job, remaining, or_exit=or_exit)


def _claim(services: Services, ref: Ref, holder: str) -> Written:
    """Claim a job that waits, or whose attempt died."""
    claim = services.store.claim(ref, holder, services.clock())
    job, now = claim.job, services.clock()
    if claim.done or job is None or not protocol.may("reclaim", job, now):
        return claim
    return services.store.reclaim(job, holder, now)


def direct(services: Services, ref: Ref, holder: str, *, remaining: Remaining) -> Job | None:
    """Make an attempt at a job while a caller waits; return the job as it then is.

    The job's own message comes too late for a retry, so a retry sends another.
    """
    settlement = work(services, ref, holder, age_s=0, remaining=remaining, or_exit=True)
    job, message = settlement.job, settlement.message
    if job is not None and isinstance(message, RetryIn):
        services.queues.send(job.lane, ref, math.ceil(message.seconds))
    return job


def _run_and_settle(
    services: Services, claimed: Job, remaining: Remaining, *, or_exit: bool
) -> Settlement:
    """Run a claimed job's operation, and write the outcome."""
    logger.append_keys(operation=claimed.operation, attempt=claimed.attempt)
    began = time.monotonic()
    try:
        result: Result | BaseException = _run(services, claimed, remaining, or_exit=or_exit)
    except BaseException as fault:  # asyncio's CancelledError and a panic in Rust are no Exception
        result = fault
    # Outside the `except`: a failure to write must not be logged with the operation's exception.
    outcome, settlement = _settle(services, claimed, result)
    logger.info("attempt_ended", extra={"outcome": outcome, "seconds": time.monotonic() - began})
    return settlement


def _settle(
    services: Services, claimed: Job, result: Result | BaseException
) -> tuple[str, Settlement]:
    """Write the outcome of a run; return its name for the log, and the settlement."""
    match result:
        case Result():
            return "returned", settle.succeed(services, claimed, result)
        case Canceled():
            return "canceled", settle.reconcile(services, services.store.get(claimed.ref))
        case Unavailable():
            return "unavailable", settle.postpone(services, claimed, result)
        case Refused() | InputMismatch():
            return "refused", settle.refuse(services, claimed, result)
        case _:
            operation_failed(result)
            outcome = "timed-out" if isinstance(result, TimedOut) else "failed"
            return outcome, settle.retry_or_fail(services, claimed, result)


def _run(services: Services, claimed: Job, remaining: Remaining, *, or_exit: bool) -> Result:
    entry, operation_input = _find_entry(services, claimed), _read_input(services, claimed)
    now = services.clock()
    limit_s = min(claimed.timeout_ms / 1000, seconds_until(claimed.deadline, now))
    if limit_s <= 0:  # the deadline passed during the claim
        raise TimedOut
    if (remaining_s := remaining() - _TO_FINISH_S) <= 0:
        raise Unavailable("The worker has too little time for this job.", retry_after=1)
    limit_s = min(limit_s, remaining_s)
    context = Context(
        job_id=claimed.id,
        attempt=claimed.attempt,
        deadline=after(now, limit_s),
        idempotency_key=claimed.id,
        report=lambda progress: _report(services, claimed, progress),
    )
    return executor.run(
        entry,
        operation_input,
        context,
        seconds=limit_s,
        open_upload=UploadedFiles(services, claimed.owner).open,
        or_exit=or_exit,
    )


def _find_entry(services: Services, claimed: Job) -> Entry:
    """Return the job's operation; raises Refused if it is no longer served.

    Raises Unavailable where that is not certain: the catalogue cannot be read, or may be older than
    the job.
    """
    try:
        entry = services.catalogue.find(claimed.operation)
    except Exception as fault:
        logger.exception("catalogue_unreadable")
        raise Unavailable(_SERVICE_FAULT) from fault
    if entry is not None:
        return entry
    if services.clock() < after(claimed.created, DEPLOYMENT_S):
        raise Unavailable(f"The operation {claimed.operation} is not served at the moment.")
    raise Refused(f"The operation {claimed.operation} is no longer served.")


def _read_input(services: Services, claimed: Job) -> Any:
    """Return the job's input; raises Unavailable if the accepted input cannot be read."""
    try:
        text = claimed.input or services.bucket.get(claimed.input_key or "")
        return msgspec.json.decode(text)
    except (*session.FAILURES, msgspec.DecodeError) as fault:
        logger.exception("input_unreadable")
        raise Unavailable(_SERVICE_FAULT) from fault


def _report(services: Services, claimed: Job, progress: dict[str, Any]) -> None:
    """Write the operation's progress; raises Canceled if the job is no longer this attempt's."""
    now = services.clock()
    changes = {"progress": progress, "updated": now}
    try:
        written = services.store.write(claimed.ref, "progress", now, changes, token=claimed.attempt)
    except session.FAILURES as failure:  # no traceback: it could contain the operation's exception
        logger.warning("progress_not_written", extra={"failure": str(failure)})
        return
    if not written.done:
        raise Canceled
