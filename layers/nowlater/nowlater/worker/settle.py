"""What comes of an attempt: a result, a failure, another try; and of a job that is not ours to write."""

import base64
import random
from dataclasses import dataclass
from typing import Any

from nowlater.aws import payload_keys, session
from nowlater.instants import DAY_S, LONGEST_POSTPONEMENT_S, after, backoff, whole_seconds_until
from nowlater.jobs import model, protocol, store, transitions
from nowlater.jobs.model import Job
from nowlater.jobs.store import Written
from nowlater.log import logger
from nowlater.problems import Problem, ProblemName
from nowlater.runtime.exceptions import TimedOut, Unavailable
from nowlater.runtime.executor import InputMismatch, Result
from nowlater.services import Services

#: Results up to this many bytes of text are kept in the record, and told in events.
INLINE_RESULT = 16 * 1024
#: A job whose operation stays unavailable is given up after this long.
UNAVAILABLE_FOR_S = 3 * DAY_S


@dataclass(frozen=True)
class Left:
    """How a worker leaves a job: as it then was (None: there is none), and its message.

    `again_s` is when the message is to be looked at again, in seconds; None: it has served,
    because the job has ended or the sweep will send another.
    """

    job: Job | None
    again_s: float | None = None


def succeed(services: Services, claimed: Job, answer: Result) -> Left:
    """End the job with what its operation returned; a result that comes too late is taken away.

    One that the bucket does not take is no failure of the operation: it runs again, later.
    """
    try:
        stored = _stored(services, claimed, answer)
    except session.FAILURES:
        logger.exception("result_not_stored")
        return wait(services, claimed, Unavailable("The result could not be stored."))
    left = _finish(services, claimed, "succeeded", **stored)
    key = stored.get("result_key")
    if key is not None and (left.job is None or left.job.result_key != key):
        services.bucket.delete(key)
    return left


def refuse(services: Services, claimed: Job, final: Exception) -> Left:
    """End the job because its input will never do."""
    if isinstance(final, InputMismatch):
        problem = Problem("invalid-input", f"The input does not fit the operation: {final}")
    else:
        problem = Problem("refused", str(final) or "The operation refused this input.")
    return _finish(services, claimed, "failed", error=problem.record())


def _finish(services: Services, claimed: Job, status: model.Status, **outcome: Any) -> Left:
    now = services.clock()
    changes = protocol.end(claimed, status, now, **outcome)
    written = transitions.write(services, claimed, "finish", now, changes, token=claimed.attempt)
    return Left(written.job) if written.done else leave(services, written.job)


def _stored(services: Services, claimed: Job, answer: Result) -> dict[str, Any]:
    """Put a result away, and return the attributes by which the job finds it again."""
    media_type = answer.media_type
    text = (answer.body if media_type is None else base64.b64encode(answer.body)).decode()
    if len(text.encode()) <= INLINE_RESULT:
        return {"result": text, "media_type": media_type}
    key = payload_keys.result_key(claimed.owner, claimed.id, claimed.attempt)
    services.bucket.put(key, answer.body, media_type or "application/json")
    return {"result_key": key, "result_size": len(answer.body), "media_type": media_type}


def fail(services: Services, claimed: Job, fault: BaseException) -> Left:
    """Try again after a growing wait, or end the job with its last failure."""
    if claimed.attempts_left > 0:
        wait_s = backoff(1, claimed.attempt - 1, LONGEST_POSTPONEMENT_S) * random.uniform(0.5, 1)
        return _give_back(services, claimed, wait_s, {})
    name: ProblemName = "timed-out" if isinstance(fault, TimedOut) else "operation-failed"
    tries = "attempt" if claimed.attempt == 1 else f"{claimed.attempt} attempts"
    detail = {
        "timed-out": f"The operation was stopped after {claimed.timeout_ms / 1000:g} s; it was the last try.",
        "operation-failed": f"The operation failed, after {tries}; its log names the cause.",
    }[name]
    return _finish(services, claimed, "failed", error=Problem(name, detail).record())


def wait(services: Services, claimed: Job, missing: Unavailable) -> Left:
    """Wait, without using up a try, but not for ever."""
    first = claimed.start_at or claimed.created
    if services.clock() >= after(first, UNAVAILABLE_FOR_S):
        return _finish(
            services, claimed, "failed", error=Problem("unavailable", str(missing)).record()
        )
    wait_s = backoff(max(missing.retry_after, 1), claimed.waits, LONGEST_POSTPONEMENT_S)
    restored = {"attempts_left": claimed.attempts_left + 1, "waits": claimed.waits + 1}
    return _give_back(services, claimed, wait_s, restored)


def _give_back(services: Services, claimed: Job, wait_s: float, changes: dict[str, Any]) -> Left:
    now = services.clock()
    if claimed.deadline <= now:
        return _ended(transitions.expire(services, claimed))
    then = after(now, wait_s)
    changes |= {"status": "queued", "not_before": then, "updated": now}
    changes |= {"lease_until": None, "lease_holder": None, "progress": None}
    changes |= store.due(
        claimed.id, protocol.due_at(claimed.has_deadline, then, claimed.deadline, now)
    )
    written = services.store.write(claimed.ref, "release", now, changes, token=claimed.attempt)
    if not written.done:
        return leave(services, written.job)
    return Left(written.job, None if wait_s > LONGEST_POSTPONEMENT_S else wait_s)


def leave(services: Services, there: Job | None) -> Left:
    """Let go of a job that is not ours to write, doing what it needs, by what it was just now."""
    now = services.clock()
    if there is None or there.is_ended:
        return Left(there)
    if there.deadline <= now:
        return _ended(transitions.expire(services, there))
    if there.status == "running" and (there.lease_until or 0) >= now:
        return Left(there, whole_seconds_until(there.lease_until or 0, now) + 1)
    if (there.not_before or 0) > now:
        wait_s = whole_seconds_until(there.not_before or 0, now)
        waits_in_index = there.due_at is not None and wait_s > LONGEST_POSTPONEMENT_S
        return Left(there, None if waits_in_index else wait_s)
    if there.attempts_left <= 0:
        return _ended(
            transitions.exhaust(services, there, "Every attempt at this job was cut short.")
        )
    return Left(there, 1)  # it could be claimed by now


def _ended(written: Written) -> Left:
    return Left(written.job, 1 if written.job is not None and not written.job.is_ended else None)
