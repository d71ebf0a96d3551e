"""Settles jobs: writes what came of an attempt, and decides what becomes of the job's message."""

import base64
import random
from dataclasses import dataclass
from typing import Any

from nowlater.aws import payload_keys, session
from nowlater.instants import DAY_S, LONGEST_POSTPONEMENT_S, after, backoff, whole_seconds_until
from nowlater.jobs import attempts, model, protocol, store, transitions
from nowlater.jobs.attempts import Outcome
from nowlater.jobs.model import Job
from nowlater.jobs.store import Written
from nowlater.log import logger
from nowlater.problems import Problem
from nowlater.runtime.exceptions import TimedOut, Unavailable
from nowlater.runtime.executor import InputMismatch, Result
from nowlater.services import Services
from nowlater.sqs_batch import DONE, MessageOutcome, RetryIn

#: Results up to this many bytes of text are stored in the record, and sent in events.
INLINE_RESULT = 16 * 1024
#: A job whose operation stays unavailable fails after this long.
UNAVAILABLE_FOR_S = 3 * DAY_S


@dataclass(frozen=True)
class Settlement:
    """A job as the worker settled it (None: no such job), and what becomes of its message.

    The message is done if the job has ended, or if the sweep will send another.
    """

    job: Job | None
    message: MessageOutcome = DONE


def succeed(services: Services, claimed: Job, result: Result) -> Settlement:
    """End the job with its operation's result; a result that comes too late is deleted.

    If the result cannot be stored, the operation did not fail: it runs again later.
    """
    try:
        attributes = _store_result(services, claimed, result)
    except session.FAILURES:
        logger.exception("result_not_stored")
        return postpone(services, claimed, Unavailable("The result could not be stored."))
    settlement = _finish(services, claimed, "succeeded", **attributes)
    key = attributes.get("result_key")
    if key is not None and (settlement.job is None or settlement.job.result_key != key):
        services.bucket.delete(key)
    return settlement


def refuse(services: Services, claimed: Job, fault: Exception) -> Settlement:
    """End the job because the operation can never accept its input."""
    if isinstance(fault, InputMismatch):
        problem = Problem("invalid-input", f"The input does not fit the operation: {fault}")
    else:
        problem = Problem("refused", str(fault) or "The operation refused this input.")
    return _finish(services, claimed, "failed", error=problem.record())


def _finish(services: Services, claimed: Job, status: model.Status, **outcome: Any) -> Settlement:
    now = services.clock()
    changes = protocol.end(claimed, status, now, **outcome)
    written = transitions.write(services, claimed, "finish", now, changes, token=claimed.attempt)
    return Settlement(written.job) if written.done else reconcile(services, written.job)


def _store_result(services: Services, claimed: Job, result: Result) -> dict[str, Any]:
    """Store a large result in the bucket; return the job's attributes for the result."""
    media_type = result.media_type
    text = (result.body if media_type is None else base64.b64encode(result.body)).decode()
    if len(text.encode()) <= INLINE_RESULT:
        return {"result": text, "media_type": media_type}
    key = payload_keys.result_key(claimed.owner, claimed.id, claimed.attempt)
    services.bucket.put(key, result.body, media_type or "application/json")
    return {"result_key": key, "result_size": len(result.body), "media_type": media_type}


def retry_or_fail(services: Services, claimed: Job, fault: BaseException) -> Settlement:
    """Have a failed job retried after a growing wait, or end it after its last attempt."""
    if claimed.attempts_left > 0:
        wait_s = backoff(1, claimed.attempt - 1, LONGEST_POSTPONEMENT_S) * random.uniform(0.5, 1)
        outcome: Outcome = "timed-out" if isinstance(fault, TimedOut) else "failed"
        return _release(services, claimed, outcome, wait_s)
    count = "1 attempt" if claimed.attempt == 1 else f"{claimed.attempt} attempts"
    if isinstance(fault, TimedOut):
        timeout_s = claimed.timeout_ms / 1000
        detail = f"The last attempt was stopped at its time limit of {timeout_s:g} s."
        problem = Problem("timed-out", detail)
    else:
        detail = f"The operation failed after {count}; its log names the cause."
        problem = Problem("operation-failed", detail)
    return _finish(services, claimed, "failed", error=problem.record())


def postpone(services: Services, claimed: Job, fault: Unavailable) -> Settlement:
    """Have a job retried later without using up an attempt, for three days at most."""
    first_start = claimed.start_at or claimed.created
    if services.clock() >= after(first_start, UNAVAILABLE_FOR_S):
        problem = Problem("unavailable", str(fault))
        return _finish(services, claimed, "failed", error=problem.record())
    wait_s = backoff(max(fault.retry_after, 1), claimed.waits, LONGEST_POSTPONEMENT_S)
    restored = {"attempts_left": claimed.attempts_left + 1, "waits": claimed.waits + 1}
    return _release(services, claimed, "unavailable", wait_s, str(fault), **restored)


def _release(
    services: Services,
    claimed: Job,
    outcome: Outcome,
    wait_s: float,
    detail: str | None = None,
    **changes: Any,
) -> Settlement:
    """Return a job to its lane until its next attempt, or end it if its deadline has passed.

    `outcome` and `detail` are those of the attempt that has ended.
    """
    now = services.clock()
    if claimed.deadline <= now:
        return _after_ending(transitions.expire(services, claimed))
    not_before = after(now, wait_s)
    changes |= {"status": "queued", "not_before": not_before, "updated": now}
    changes |= {"lease_until": None, "lease_holder": None, "progress": None}
    changes |= {"attempts": attempts.ended(claimed, outcome, now, detail)}
    changes |= store.due(
        claimed.id, protocol.due_at(claimed.has_deadline, not_before, claimed.deadline, now)
    )
    written = services.store.write(claimed.ref, "release", now, changes, token=claimed.attempt)
    if not written.done:
        return reconcile(services, written.job)
    is_sent_by_sweep = wait_s > LONGEST_POSTPONEMENT_S
    return Settlement(written.job, DONE if is_sent_by_sweep else RetryIn(wait_s))


def reconcile(services: Services, job: Job | None) -> Settlement:
    """Settle a job that this worker may not run or finish, by the state that it has.

    The job may have ended, run elsewhere, wait for its start, or be ended here: at its deadline, or
    because it has no attempts left.
    """
    now = services.clock()
    if job is None or job.is_ended:
        return Settlement(job)
    if job.deadline <= now:
        return _after_ending(transitions.expire(services, job))
    if job.status == "running" and (job.lease_until or 0) >= now:
        return Settlement(job, RetryIn(whole_seconds_until(job.lease_until or 0, now) + 1))
    if (job.not_before or 0) > now:
        wait_s = whole_seconds_until(job.not_before or 0, now)
        is_sent_by_sweep = job.due_at is not None and wait_s > LONGEST_POSTPONEMENT_S
        return Settlement(job, DONE if is_sent_by_sweep else RetryIn(wait_s))
    if job.attempts_left <= 0:
        detail = "Every attempt at this job stopped before its end."
        return _after_ending(transitions.exhaust(services, job, detail))
    return Settlement(job, RetryIn(1))  # a claim may succeed by then


def _after_ending(written: Written) -> Settlement:
    """Return the settlement after an ending write: a refused one is retried."""
    is_unfinished = written.job is not None and not written.job.is_ended
    return Settlement(written.job, RetryIn(1) if is_unfinished else DONE)
