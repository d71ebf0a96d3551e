"""The rules of writing a job: which write is allowed when, and what it sets.

`WRITES` is the whole state machine: each write is allowed while all of its clauses hold. A clause
is written twice, as a DynamoDB condition and in Python; a test holds the two equal.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nowlater.instants import HOUR_S, LONGEST_POSTPONEMENT_S, Instant, after
from nowlater.jobs.model import ENDED, UNFINISHED, Job, Status

#: An idempotency key names its job for this long.
KEY_LIFE_S = 24 * HOUR_S
#: How much longer than its run a lease lasts, so that the run can store its result.
LEASE_GRACE_S = 10
#: A job's record outlives all that points to it by this much, so that "gone" means gone.
TOMBSTONE_S = HOUR_S
#: The sweep sends a message this long before the start, with the exact delay that is left.
SWEEP_AHEAD_S = 600
#: Readers show a deadline as missed from this long after it; nobody's write is under way by then.
READER_GRACE_S = 2


@dataclass(frozen=True)
class Clause:
    """A condition of a write: in DynamoDB's words (`#attribute`, `:value`) and in Python's.

    `holds` is given the job, the time, and the token of the attempt that writes.
    """

    expression: str
    holds: Callable[[Job, Instant, int], bool]


def either(one: Clause, other: Clause) -> Clause:
    """Return the clause that holds where at least one of two does."""
    return Clause(
        f"({one.expression} OR {other.expression})",
        lambda job, now, token: one.holds(job, now, token) or other.holds(job, now, token),
    )


def end(job: Job, status: Status, now: Instant, **outcome: Any) -> dict[str, Any]:
    """Return the attributes that an ending write sets; `None` takes an attribute away."""
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
    """Return when the sweep has to look at a job that waits, if it has to.

    That is at a deadline that the caller set, and ahead of a start that no message can wait for, or at the
    bound of a job that comes before it; else that bound is seen to by the job's message.
    """
    looks = [deadline] if has_deadline else []
    if not_before is not None and not_before > after(now, LONGEST_POSTPONEMENT_S):
        looks += [deadline, after(not_before, -SWEEP_AHEAD_S)]
    return min(looks, default=None)


def _lease_ran_out(job: Job, now: Instant) -> bool:
    return job.lease_until is not None and job.lease_until < now


#: It waits for a run, and the time before which it must not run has come.
WAITING = Clause(
    "(#status IN (:scheduled, :queued) AND (attribute_not_exists(#not_before) OR #not_before <= :now))",
    lambda job, now, _: job.status in ("scheduled", "queued") and (job.not_before or 0) <= now,
)
#: Its attempt died: the lease ran out, and nobody finished it.
ABANDONED = Clause(
    "(#status = :running AND #lease_until < :now)",
    lambda job, now, _: job.status == "running" and _lease_ran_out(job, now),
)
#: Not all of its tries are used up.
HAS_ATTEMPTS_LEFT = Clause("#attempts_left > :zero", lambda job, _, __: job.attempts_left > 0)
#: Its deadline has not passed.
IN_TIME = Clause("#deadline > :now", lambda job, now, _: job.deadline > now)
LATE = Clause("#deadline <= :now", lambda job, now, _: job.deadline <= now)
#: The attempt that writes is the one that runs it.
MINE = Clause(
    "(#status = :running AND #attempt = :token)",
    lambda job, _, token: job.status == "running" and 0 < job.attempt == token,
)
FINISHED = Clause(
    "#status IN (:succeeded, :failed, :canceled)", lambda job, _, __: job.status in ENDED
)
WAITS_OR_RUNS = Clause(
    "#status IN (:scheduled, :queued, :running)", lambda job, _, __: job.status in UNFINISHED
)
#: The sweep's next look is still the one that the sweep came for; `:token` is that instant.
UNMOVED = Clause("#due_at = :token", lambda job, _, token: job.due_at == token)
#: No attempt is at work on it.
UNLEASED = Clause(
    "(#status <> :running OR #lease_until < :now)",
    lambda job, now, _: job.status != "running" or _lease_ran_out(job, now),
)

#: The state machine: what each write needs. docs/http-api.md shows the same table.
WRITES: dict[str, tuple[Clause, ...]] = {
    "claim": (either(WAITING, ABANDONED), HAS_ATTEMPTS_LEFT, IN_TIME),
    "progress": (MINE,),
    "finish": (MINE, IN_TIME),
    "release": (MINE,),
    "cancel": (WAITS_OR_RUNS, IN_TIME),
    "expire": (WAITS_OR_RUNS, LATE),
    "exhaust": (WAITS_OR_RUNS, UNLEASED, IN_TIME),
    "reschedule": (WAITS_OR_RUNS, UNMOVED),
    "erase": (FINISHED,),
}


def may(write: str, job: Job, now: Instant, token: int = 0) -> bool:
    """Tell whether the job, as it is, allows this write."""
    return all(clause.holds(job, now, token) for clause in WRITES[write])
