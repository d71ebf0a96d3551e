"""A job: what is kept of it, which states it can be in, and who may write it when.

The two tables at the end are the whole protocol: each write of a job is allowed while all of its
clauses hold. A clause says the same thing twice, to DynamoDB and to Python; a test holds them equal.
"""

from typing import Annotated, Any, Literal

import msgspec

from nowlater.callback import Callback
from nowlater.clause import Clause, either
from nowlater.timing import DAY_S, HOUR_S, LONGEST_POSTPONEMENT_S, Instant, Kept, after

type Status = Literal["scheduled", "queued", "running", "succeeded", "failed", "canceled"]
type Lane = Literal["on-time", "flexible"]

#: Statuses of a job that will still change, in the order in which it can have them.
UNFINISHED = ("scheduled", "queued", "running")
#: Statuses that never change again.
ENDED = ("succeeded", "failed", "canceled")

#: An idempotency key names its job for this long.
KEY_LIFE_S = 24 * HOUR_S
#: How much longer than its run a lease lasts, so that the run can store its result.
LEASE_GRACE_S = 10
#: A job's record outlives all that points to it by this much, so that "gone" means gone.
STUB_S = HOUR_S
#: The sweep sends a message this long before the start, with the exact delay that is left.
SWEEP_AHEAD_S = 600
#: Readers show a deadline as missed from this long after it; nobody's write is under way by then.
READER_GRACE_S = 2

#: Numbers of a record, far beyond what is ever written: a job that has others cannot be read.
type _Count = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
type _Tries = Annotated[int, msgspec.Meta(ge=-10_000, le=10_000)]
type _Duration = Annotated[int, msgspec.Meta(ge=0, le=1000 * DAY_S)]


class Ref(msgspec.Struct, frozen=True):
    """Where a job is: all that a message carries."""

    owner: str
    id: str


class Job(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One accepted request for an operation, as the table keeps it."""

    owner: str
    id: str
    operation: str
    lane: Lane
    status: Status
    #: Where the API was when the job was accepted; its links start with it.
    base: str
    created: Kept
    updated: Kept
    #: The end of the promise: nothing starts or succeeds after it.
    deliver_by: Kept
    #: Whether the caller set that deadline; else it is what flexible jobs are given.
    promised: bool = False
    #: The longest that one attempt may run.
    timeout_ms: _Duration
    keep_s: _Duration
    tries_left: _Tries
    #: How often it was started; also the token that an attempt's writes must show.
    attempt: _Count = 0
    #: How often its operation was unavailable.
    waits: _Count = 0
    start_at: Kept | None = None
    #: No attempt starts before this: the start that was asked for, later the end of a wait.
    not_before: Kept | None = None
    started: Kept | None = None
    ended: Kept | None = None
    expires: Kept | None = None
    #: Until then, only the attempt that holds the lease may finish the job.
    lease_until: Kept | None = None
    #: The request id of the Lambda that holds the lease.
    holder: str | None = None
    #: When the sweep has to look at it, if ever; `due_shard` is the partition of that index.
    due_at: Kept | None = None
    due_shard: int | None = None
    progress: dict[str, Any] | None = None
    tags: dict[str, str] = {}
    retry_of: str | None = None
    callback: Callback | None = None
    #: The W3C `traceparent` of the request.
    trace: str | None = None
    #: The input as JSON, or the key of the object that holds it.
    input: str | None = None
    input_key: str | None = None
    #: The result as text, or the key of the object that holds it.
    result: str | None = None
    result_key: str | None = None
    result_size: int | None = None
    #: The result's media type where it is bytes; inline bytes are kept as base64.
    media_type: str | None = None
    #: A problem, as `problems.Problem.record` gives it.
    error: dict[str, Any] | None = None
    erased: bool = False
    #: When DynamoDB may forget it, in seconds since the epoch.
    ttl: int | None = None

    @property
    def ref(self) -> Ref:
        return Ref(self.owner, self.id)

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED


def end(job: Job, status: Status, now: Instant, **outcome: Any) -> dict[str, Any]:
    """Return the attributes that an ending write sets; `None` takes an attribute away."""
    expires = after(now, job.keep_s)
    last_use = max(expires, after(job.created, KEY_LIFE_S))
    return outcome | {
        "status": status,
        "ended": now,
        "updated": now,
        "expires": expires,
        "ttl": after(last_use, STUB_S) // 1000,
        "lease_until": None,
        "holder": None,
        "due_at": None,
        "due_shard": None,
    }


def due_at(
    promised: bool, not_before: Instant | None, deliver_by: Instant, now: Instant
) -> Instant | None:
    """Return when the sweep has to look at a job that waits, if it has to.

    That is at a promised deadline, and ahead of a start that no message can wait for, or at the
    bound of a job that comes before it; else that bound is seen to by the job's message.
    """
    looks = [deliver_by] if promised else []
    if not_before is not None and not_before > after(now, LONGEST_POSTPONEMENT_S):
        looks += [deliver_by, after(not_before, -SWEEP_AHEAD_S)]
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
MAY_TRY = Clause("#tries_left > :zero", lambda job, _, __: job.tries_left > 0)
#: Its deadline has not passed.
IN_TIME = Clause("#deliver_by > :now", lambda job, now, _: job.deliver_by > now)
LATE = Clause("#deliver_by <= :now", lambda job, now, _: job.deliver_by <= now)
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
    "claim": (either(WAITING, ABANDONED), MAY_TRY, IN_TIME),
    "progress": (MINE,),
    "finish": (MINE, IN_TIME),
    "give_back": (MINE,),
    "cancel": (WAITS_OR_RUNS, IN_TIME),
    "expire": (WAITS_OR_RUNS, LATE),
    "bury": (WAITS_OR_RUNS, UNLEASED, IN_TIME),
    "move_on": (WAITS_OR_RUNS, UNMOVED),
    "erase": (FINISHED,),
}


def may(write: str, job: Job, now: Instant, token: int = 0) -> bool:
    """Tell whether the job, as it is, allows this write."""
    return all(clause.holds(job, now, token) for clause in WRITES[write])
