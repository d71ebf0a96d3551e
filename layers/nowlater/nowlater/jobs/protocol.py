"""The rules for writing a job: when each write is allowed, and what it sets.

`WRITES` is the whole state machine: a write is allowed while all of its clauses hold. Each clause
is stated twice, as a DynamoDB condition and in Python; a test proves that the two are equal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from nowlater.instants import HOUR_S, LONGEST_POSTPONEMENT_S, Instant, after
from nowlater.jobs.model import ENDED, UNFINISHED, Job, Status

#: The writes of a job after its first.
type Write = Literal[
    "claim",
    "reclaim",
    "progress",
    "finish",
    "release",
    "cancel",
    "expire",
    "exhaust",
    "reschedule",
    "erase",
]
#: The writes that end a job.
type EndingWrite = Literal["finish", "cancel", "expire", "exhaust"]

#: How long an idempotency key refers to its job.
KEY_LIFE_S = 24 * HOUR_S
#: How much longer than the run a lease lasts, so that the worker can store the result.
LEASE_GRACE_S = 10
#: How much longer than everything that refers to it a job's record is retained.
TOMBSTONE_S = HOUR_S
#: How long before a job's start the sweep sends its message, with the remaining delay.
SWEEP_AHEAD_S = 600
#: How long after a deadline readers see it as missed; by then no write of a worker is under way.
READER_GRACE_S = 2


@dataclass(frozen=True)
class Clause:
    """A condition of a write, as a DynamoDB expression (`#attribute`, `:value`) and in Python.

    `holds` takes the job, the time, and the token of the attempt that writes.
    """

    expression: str
    holds: Callable[[Job, Instant, int], bool]


def end(job: Job, status: Status, now: Instant, **outcome: Any) -> dict[str, Any]:
    """Return the attributes that an ending write sets; `None` removes an attribute."""
    expires = after(now, job.retention_s)
    last_use = max(expires, after(job.created, KEY_LIFE_S))
    return outcome | {
        "status": status,
        "ended": now,
        "updated": now,
        "expires": expires,
        "ttl": after(last_use, TOMBSTONE_S) // 1000,
        "lease_until": None,
        "lease_holder": None,
        "due_at": None,
        "due_shard": None,
    }


def due_at(
    has_deadline: bool, not_before: Instant | None, deadline: Instant, now: Instant
) -> Instant | None:
    """Return when the sweep must handle a waiting job; None if it need not.

    It must at a deadline that the caller set, and before a start that is too far ahead for a delayed
    message. The default deadline of a flexible job counts only in the latter case: otherwise the
    worker checks it when it receives the job's message.
    """
    times = [deadline] if has_deadline else []
    if not_before is not None and not_before > after(now, LONGEST_POSTPONEMENT_S):
        times += [deadline, after(not_before, -SWEEP_AHEAD_S)]
    return min(times, default=None)


def _has_expired_lease(job: Job, now: Instant) -> bool:
    return job.lease_until is not None and job.lease_until < now


#: The job waits for an attempt, and may start now.
WAITING = Clause(
    "(#status IN (:scheduled, :queued) AND (attribute_not_exists(#not_before) OR #not_before <= :now))",
    lambda job, now, _: job.status in ("scheduled", "queued") and (job.not_before or 0) <= now,
)
#: The job's attempt died: its lease expired before the worker finished the job.
ABANDONED = Clause(
    "(#status = :running AND #lease_until < :now)",
    lambda job, now, _: job.status == "running" and _has_expired_lease(job, now),
)
#: The job has attempts left.
HAS_ATTEMPTS_LEFT = Clause("#attempts_left > :zero", lambda job, _, __: job.attempts_left > 0)
#: The deadline has not passed.
IN_TIME = Clause("#deadline > :now", lambda job, now, _: job.deadline > now)
#: The deadline has passed.
LATE = Clause("#deadline <= :now", lambda job, now, _: job.deadline <= now)
#: The attempt that writes is the job's current attempt.
MINE = Clause(
    "(#status = :running AND #attempt = :token)",
    lambda job, _, token: job.status == "running" and 0 < job.attempt == token,
)
#: The job has ended.
FINISHED = Clause(
    "#status IN (:succeeded, :failed, :canceled)", lambda job, _, __: job.status in ENDED
)
#: The job has not ended.
WAITS_OR_RUNS = Clause(
    "#status IN (:scheduled, :queued, :running)", lambda job, _, __: job.status in UNFINISHED
)
#: The job is still due at the instant for which the sweep handles it; `:token` is that instant.
UNMOVED = Clause("#due_at = :token", lambda job, _, token: job.due_at == token)
#: No attempt has a lease on the job.
UNLEASED = Clause(
    "(#status <> :running OR #lease_until < :now)",
    lambda job, now, _: job.status != "running" or _has_expired_lease(job, now),
)

#: The state machine: the clauses of each write. ARCHITECTURE.md shows the same table.
WRITES: dict[Write, tuple[Clause, ...]] = {
    "claim": (WAITING, IN_TIME),  # a job waits only while it has attempts left
    "reclaim": (ABANDONED, HAS_ATTEMPTS_LEFT, IN_TIME),
    "progress": (MINE,),
    "finish": (MINE, IN_TIME),
    "release": (MINE,),
    "cancel": (WAITS_OR_RUNS, IN_TIME),
    "expire": (WAITS_OR_RUNS, LATE),
    "exhaust": (WAITS_OR_RUNS, UNLEASED, IN_TIME),
    "reschedule": (WAITS_OR_RUNS, UNMOVED),
    "erase": (FINISHED,),
}


def may(write: Write, job: Job, now: Instant, token: int = 0) -> bool:
    """Tell whether a write of the job is allowed."""
    return all(clause.holds(job, now, token) for clause in WRITES[write])
