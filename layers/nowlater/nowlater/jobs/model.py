"""A job: its record, its statuses, and its id, a UUID that sorts by time and starts with its shard."""

import re
import secrets
import uuid
from typing import Annotated, Any, Literal

import msgspec

from nowlater.instants import DAY_S, Instant, StoredInstant
from nowlater.jobs.callback import Callback
from nowlater.lane import Lane

type Status = Literal["scheduled", "queued", "running", "succeeded", "failed", "canceled"]

#: Statuses of a job that has not ended, in the order in which it can have them.
UNFINISHED: tuple[Status, ...] = ("scheduled", "queued", "running")
#: Statuses of an ended job; they never change.
ENDED: tuple[Status, ...] = ("succeeded", "failed", "canceled")

#: Ids name instants below this one, in the year 2527.
_END: Instant = 1 << 44
#: The form of a job's id.
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")

#: Tags per job.
MAX_TAGS = 10

#: Bounds of a record's numbers, far beyond any that is written; a job outside them is unreadable.
type _Count = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
type _Attempts = Annotated[int, msgspec.Meta(ge=-10_000, le=10_000)]
type _Duration = Annotated[int, msgspec.Meta(ge=0, le=1000 * DAY_S)]


class Ref(msgspec.Struct, frozen=True):
    """The key of a job, which is the whole content of a message."""

    owner: str
    id: str

    @property
    def group(self) -> str:
        """The SQS message group: one owner's backlog does not delay other owners' jobs."""
        return self.owner


class Attempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One run of a job's operation; without `ended` and `outcome` while it runs."""

    number: _Count
    started: StoredInstant | None = None
    ended: StoredInstant | None = None
    #: An `attempts.Outcome`; a newer version may write others.
    outcome: str | None = None
    #: What was unavailable.
    detail: str | None = None


class Job(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One accepted request for an operation, as the table stores it."""

    owner: str
    id: str
    operation: str
    lane: Lane
    status: Status
    #: The API's URL when it accepted the job; the job's links start with it.
    base: str
    created: StoredInstant
    updated: StoredInstant
    #: No attempt starts, and the job does not succeed, after this.
    deadline: StoredInstant
    #: Whether the caller set the deadline; otherwise it is the default of flexible jobs.
    has_deadline: bool = False
    #: The longest run of one attempt.
    timeout_ms: _Duration
    retention_s: _Duration
    attempts_left: _Attempts
    #: The number of attempts so far; the current one is the token of that attempt's writes.
    attempt: _Count = 0
    #: The attempts that ended before the job did; none for a job that its first attempt ends.
    attempts: tuple[Attempt, ...] = ()
    #: The number of attempts that found the operation unavailable.
    waits: _Count = 0
    start_at: StoredInstant | None = None
    #: No attempt starts before this: the requested start, later the end of a wait between attempts.
    not_before: StoredInstant | None = None
    started: StoredInstant | None = None
    ended: StoredInstant | None = None
    expires: StoredInstant | None = None
    #: Until then, only the attempt that holds the lease may finish the job.
    lease_until: StoredInstant | None = None
    #: The request id of the Lambda that holds the lease.
    lease_holder: str | None = None
    #: When the sweep must handle the job, if ever; `due_shard` is the partition of that index.
    due_at: StoredInstant | None = None
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
    #: The media type of a result of bytes; inline bytes are stored as base64.
    media_type: str | None = None
    #: A problem, as `problems.Problem.record` returns it.
    error: dict[str, Any] | None = None
    erased: bool = False
    #: When DynamoDB may delete the record, in seconds since the epoch.
    ttl: int | None = None

    @property
    def ref(self) -> Ref:
        return Ref(self.owner, self.id)

    @property
    def is_ended(self) -> bool:
        return self.status in ENDED


def new_id(now: Instant, shards: int = 1) -> str:
    """Return a new job id: the layout of a UUIDv7 (RFC 9562 §5.7).

    The first of its twelve digits of time is 0 until the year 2527, and holds the shard instead.
    """
    shard_and_time = secrets.randbelow(shards) << 44 | now & _END - 1
    high = shard_and_time << 16 | 7 << 12 | secrets.randbits(12)
    return str(uuid.UUID(int=high << 64 | 2 << 62 | secrets.randbits(62)))


def is_id(text: str) -> bool:
    """Tell whether a text has the form of a job's id."""
    return _ID.fullmatch(text) is not None


def shard_of(job_id: str) -> str:
    """Return the shard, a hexadecimal digit, that stores the job with this id."""
    return job_id[0]


def time_of(job_id: str) -> Instant:
    """Return the instant in a job's id: when its first request was accepted."""
    return int(job_id[1:8] + job_id[9:13], 16)


def from_time(shard: str, instant: Instant) -> str:
    """Return the text from which on the ids of a shard are of this instant or later."""
    digits = f"{min(max(instant, 0), _END - 1):011x}"
    return f"{shard}{digits[:7]}-{digits[7:]}"
