"""A job: what is stored of it, and which statuses it can have."""

from typing import Annotated, Any, Literal

import msgspec

from nowlater.instants import DAY_S, Kept
from nowlater.jobs.callback import Callback
from nowlater.lanes import Lane

type Status = Literal["scheduled", "queued", "running", "succeeded", "failed", "canceled"]

#: Statuses of a job that will still change, in the order in which it can have them.
UNFINISHED = ("scheduled", "queued", "running")
#: Statuses that never change again.
ENDED = ("succeeded", "failed", "canceled")

#: Numbers of a record, far beyond what is ever written: a job that has others cannot be read.
type _Count = Annotated[int, msgspec.Meta(ge=0, le=10_000)]
type _Tries = Annotated[int, msgspec.Meta(ge=-10_000, le=10_000)]
type _Duration = Annotated[int, msgspec.Meta(ge=0, le=1000 * DAY_S)]


class Ref(msgspec.Struct, frozen=True):
    """Where a job is: all that a message carries."""

    owner: str
    id: str

    @property
    def group(self) -> str:
        """What SQS is fair between: an owner's jobs wait for no other's."""
        return self.owner


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
    deadline: Kept
    #: Whether the caller set that deadline; else it is what flexible jobs are given.
    has_deadline: bool = False
    #: The longest that one attempt may run.
    timeout_ms: _Duration
    retention_s: _Duration
    attempts_left: _Tries
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
    lease_holder: str | None = None
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
