"""A job: its record, and its statuses."""

from typing import Annotated, Any, Literal

import msgspec

from nowlater.instants import DAY_S, Kept
from nowlater.jobs.callback import Callback
from nowlater.lanes import Lane

type Status = Literal["scheduled", "queued", "running", "succeeded", "failed", "canceled"]

#: Statuses of a job that has not ended, in the order in which it can have them.
UNFINISHED = ("scheduled", "queued", "running")
#: Statuses of an ended job; they never change.
ENDED = ("succeeded", "failed", "canceled")

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
    started: Kept | None = None
    ended: Kept | None = None
    #: One of `attempts.OUTCOMES`; a newer version may write others.
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
    created: Kept
    updated: Kept
    #: No attempt starts, and the job does not succeed, after this.
    deadline: Kept
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
    start_at: Kept | None = None
    #: No attempt starts before this: the requested start, later the end of a wait between attempts.
    not_before: Kept | None = None
    started: Kept | None = None
    ended: Kept | None = None
    expires: Kept | None = None
    #: Until then, only the attempt that holds the lease may finish the job.
    lease_until: Kept | None = None
    #: The request id of the Lambda that holds the lease.
    lease_holder: str | None = None
    #: When the sweep must handle the job, if ever; `due_shard` is the partition of that index.
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
