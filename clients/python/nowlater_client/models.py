"""The API's objects; `raw` has the JSON, with members of later versions."""

from __future__ import annotations

import copy
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Literal

from nowlater_client import errors

if TYPE_CHECKING:
    from typing_extensions import Self

Status = Literal["scheduled", "queued", "running", "succeeded", "failed", "canceled"]
ENDED = ("succeeded", "failed", "canceled")


class Model:
    """An object of the API, which does not change; a member that the API does not send is None.

    (No dataclass: generating ten of them takes a seventh of the time of importing httpx.)
    """

    raw: dict[str, Any]

    def __init__(self, raw: dict[str, Any]) -> None:
        kinds = members(type(self)).items()
        vars(self).update({name: _read(kind, raw.get(name)) for name, kind in kinds}, raw=raw)

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__}.{name} cannot be set.")

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and vars(other) == vars(self)

    def __repr__(self) -> str:
        known = ((name, value) for name, value in vars(self).items() if name not in _UNSHOWN)
        shown = [f"{name}={_shown(value)}" for name, value in known if value not in (None, {}, [])]
        return f"{type(self).__name__}({', '.join(shown)})"


def members(model: type[Model]) -> dict[str, str]:
    """Return the names of a model's members, and their types."""
    return model.__annotations__


class Progress(Model):
    """The operation's latest report."""

    fraction: float | None
    message: str


class RunTimes(Model):
    """What an operation's successful runs took, in seconds."""

    runs: int
    p50_s: float | None
    p90_s: float | None
    #: Estimates only: the jobs that wait for the same workers.
    waiting: int | None


class Estimate(Model):
    """When the job will probably end, and what this rests on."""

    finish: datetime
    rests_on: RunTimes


class Attempt(Model):
    """An attempt of a job; `ended` and `outcome` are None while it runs."""

    number: int
    started: datetime
    ended: datetime | None
    outcome: str | None
    detail: str | None


class JobState(Model):
    """A job as the API returned it last."""

    id: str
    operation: str
    status: Status
    attempt: int
    attempts_left: int
    #: The last 20, oldest first.
    attempts: list[Attempt]
    lane: Literal["on-time", "flexible"]
    #: No attempt of a waiting job starts before.
    not_before: datetime | None
    created: datetime
    updated: datetime
    started: datetime | None
    ended: datetime | None
    start_at: datetime | None
    deadline: datetime
    expires: datetime | None
    progress: Progress | None
    estimate: Estimate | None
    at_risk: bool
    tags: dict[str, str]
    retry_of: str | None
    links: dict[str, str]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobState) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __reduce__(self) -> tuple[Any, ...]:
        return JobState, (self.raw,)  # a pickled job is its state alone

    def __copy__(self) -> Self:
        other = object.__new__(type(self))
        vars(other).update(vars(self))
        return other

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        other = copy.copy(self)  # of the same client
        vars(other).update(vars(JobState(copy.deepcopy(self.raw, memo))))
        return other

    @property
    def has_ended(self) -> bool:
        """Whether the status is final."""
        return self.status in ENDED

    @property
    def error(self) -> errors.NowlaterError | None:
        """Why the job failed or was canceled, as the exception that `result()` raises."""
        problem = self.raw.get("error")
        return None if problem is None else errors.from_problem(problem, job_id=self.id)

    @property
    def slack(self) -> timedelta:
        """The time from the expected end, or else from now, to the deadline."""
        finish = self.estimate.finish if self.estimate else datetime.now(timezone.utc)
        return self.deadline - (self.ended or finish)


class Operation(Model):
    """An operation; a list has no schemas, limits and run times."""

    name: str
    description: str
    #: Names of its doors, or their URLs by name.
    doors: Any
    input: dict[str, Any] | None
    result: dict[str, Any] | None
    limits: dict[str, Any] | None
    run_time: RunTimes | None


class DeliveryAttempt(Model):
    """An attempt to send a webhook; without a `status`, `failure` has `name` and `detail`."""

    at: datetime
    status: int | None
    failure: dict[str, str] | None
    latency_ms: int
    size: int
    reply: str | None


class Delivery(Model):
    """A webhook of a job, and its attempts; `job` and `operation` if it is of a list of all jobs."""

    job: str | None
    operation: str | None
    number: int
    event: str
    url: str
    state: Literal["waiting", "delivered", "given-up"]
    count: int
    next: datetime | None
    attempts: list[DeliveryAttempt]
    links: dict[str, str]


class Secret(Model):
    """The secret that signs your webhooks to a host; `previous` ones still sign too."""

    host: str
    secret: str
    previous: list[dict[str, str]]


_UNSHOWN = ("raw", "links", "attempts", "secret", "previous", "_client", "input", "result")
_PARTS: dict[str, type[Model]] = {
    part.__name__: part for part in (Progress, Estimate, RunTimes, Attempt, DeliveryAttempt)
}


def _shown(value: Any) -> str:
    return f"{value}" if isinstance(value, datetime) else f"{value!r:.200}"


def _read(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind.startswith("datetime"):
        return read_time(value)
    if kind.startswith("list["):
        return [_read(kind[5:].partition("]")[0], item) for item in value]
    part = _PARTS.get(kind.partition(" ")[0])
    return value if part is None else part(value)


def read_time(text: str) -> datetime:
    """Return an instant of the API's JSON."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))
