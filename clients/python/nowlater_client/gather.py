"""Many jobs at once: submitted over few connections, and watched by lists, not by a poll for each."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Union

from nowlater_client import core as calls
from nowlater_client import errors, models
from nowlater_client.core import Terms
from nowlater_client.exchange import Core, exchange
from nowlater_client.files import Content, Upload, is_file
from nowlater_client.loop import END, Conversation, Emit, Fork, Join, Pause, Pull
from nowlater_client.models import JobState

if TYPE_CHECKING:
    from typing_extensions import Unpack

#: A prefix, or a function of an input's index and the input.
Key = Union[str, Callable[[int, Any], str], None]  # noqa: UP007
Action = Literal["cancel", "retry", "erase"]

#: Requests at the same time, whatever the number of jobs.
CONNECTIONS = 10
#: Seconds between two looks at the list: at least, and at most; between, a tenth of the time since one ended.
_LEAST_PAUSE_S, _MAX_PAUSE_S = 0.5, 10.0
_PAGE = 100


@dataclass
class Outcome:
    """How one input of `as_completed` ended."""

    #: The place of the input, from 0.
    index: int
    input: Any
    #: None if the submit failed.
    job: JobState | None = None
    #: The result; None if `error` has the reason.
    value: Any = None
    error: Exception | None = None
    has_ended: bool = False

    def result(self) -> Any:
        """Return the result, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value


def map(
    core: Core,
    operation: str,
    inputs: Any,
    *,
    concurrency: int = 100,
    key: Key = None,
    return_exceptions: bool = False,
    timeout: float | None = None,
    **terms: Unpack[Terms],
) -> Conversation[None]:
    """Run an operation on each input, and yield the results in the order of the inputs.

    `inputs` may be a generator: it is read as results are taken, and at most `concurrency` jobs are
    unfinished or wait for their turn. With `key`, a later run with the same inputs finds the same jobs,
    for 24 hours: as a prefix, equal inputs share one job. The first failure is raised, unless
    `return_exceptions`; the other jobs continue.
    """
    batch = _Batch(core, operation, inputs, concurrency, key, timeout, terms)
    yield from batch.run(return_exceptions)


def as_completed(
    core: Core,
    operation: str,
    inputs: Any,
    *,
    concurrency: int = 100,
    key: Key = None,
    timeout: float | None = None,
    **terms: Unpack[Terms],
) -> Conversation[None]:
    """Run an operation on each input as `map` does, and yield an `Outcome` whenever a job has ended."""
    batch = _Batch(core, operation, inputs, concurrency, key, timeout, terms)
    yield from batch.run(None)


class _Batch:
    """The jobs of one `map`. Their number is bounded, and that of requests at the same time."""

    def __init__(
        self,
        core: Core,
        operation: str,
        inputs: Any,
        concurrency: int,
        key: Key,
        timeout: float | None,
        terms: Terms,
    ) -> None:
        self._core, self._operation, self._terms = core, operation, terms
        self._inputs, self._concurrency = iterator(inputs), concurrency
        self._key: Key = key or f"{calls.new_key()}-{{}}".format
        self._until = core.until(timeout)
        self._next, self._first, self._is_over, self._is_watching = 0, 0, False, False
        self._open: dict[int, Outcome] = {}  # not yet passed to the caller
        self._done: list[Outcome] = []  # ended since the last pass
        self._waiting: dict[str, list[int]] = {}  # job id → indexes: equal keys share a job
        self._fetches: deque[Outcome] = deque()
        self._busy, self._changed, self._look_s = 0, time.monotonic(), 0.0

    def run(self, return_exceptions: bool | None) -> Conversation[None]:
        """Emit results in order, or, with None, outcomes as they come."""
        while True:
            yield from self._start()
            if not self._busy and not self._is_watching:
                break
            (kind, index), value, error = yield Join()
            self._take(kind, index, value, error)
            done, self._done = self._done, []
            if return_exceptions is None:
                for outcome in done:
                    del self._open[outcome.index]
                    yield Emit(outcome)
                continue
            while (first := self._open.get(self._first)) and first.has_ended:
                del self._open[self._first]
                self._first += 1
                yield Emit(first.error if return_exceptions and first.error else first.result())
        if not self._is_over:
            raise errors.WaitTimeout(
                f"The time was up after {self._next} inputs; their jobs continue."
            )

    def _start(self) -> Conversation[None]:
        """Start what there is to do, while connections are free."""
        if self._waiting and not self._is_watching:
            self._is_watching = True
            yield Fork(("watch", 0), self._watch())
        while self._fetches and self._has_connection:
            outcome = self._fetches.popleft()
            if outcome.job is not None:
                fetch = calls.fetch(self._core, outcome.job, self._until)
                yield self._fork("fetch", outcome.index, fetch)
        while self._has_connection and len(self._open) < self._concurrency and not self._is_over:
            if time.monotonic() >= self._until:
                break
            item = yield Pull(self._inputs)
            if item is END:
                self._is_over = True
                break
            self._open[self._next] = Outcome(self._next, item)
            yield self._fork("submit", self._next, self._submit(self._next, item))
            self._next += 1

    @property
    def _has_connection(self) -> bool:
        return self._busy + self._is_watching < CONNECTIONS

    def _fork(self, kind: str, index: int, conversation: Conversation[Any]) -> Fork:
        self._busy += 1
        return Fork((kind, index), conversation)

    def _submit(self, index: int, item: Any) -> Conversation[JobState]:
        key = self._key
        if isinstance(key, str):
            key = f"{key}/{digest(self._operation, item)}"
        elif key is not None:
            key = key(index, item)
        left = None if math.isinf(self._until) else self._until - time.monotonic()
        return (
            yield from calls.submit(
                self._core, self._operation, item, key=key, timeout=left, **self._terms
            )
        )

    def _take(self, kind: str, index: int, value: Any, error: Exception | None) -> None:
        """Note what a forked conversation has returned."""
        if kind == "watch":
            self._is_watching = False
            self._changed = time.monotonic() if value or error else self._changed
            for job, fault in value if error is None else self._all_lost(error):
                for waiting in self._waiting.pop(job.id):
                    self._has_ended(self._open[waiting], job, fault)
            return
        self._busy -= 1
        outcome = self._open[index]
        if kind == "submit" and error is None:
            outcome.job = value
            if value.has_ended:
                self._has_ended(outcome, value, None)
            else:
                self._waiting.setdefault(value.id, []).append(index)
        else:
            outcome.value, outcome.error, outcome.has_ended = value, error, True
            self._done.append(outcome)

    def _all_lost(self, error: Exception) -> list[tuple[JobState, Exception | None]]:
        jobs = [self._open[indexes[0]].job for indexes in self._waiting.values()]
        return [(job, named(error, job)) for job in jobs if job]

    def _has_ended(self, outcome: Outcome, job: JobState | None, error: Exception | None) -> None:
        outcome.job = job or outcome.job
        if error is None:
            self._fetches.append(outcome)
        else:
            outcome.error, outcome.has_ended = error, True
            self._done.append(outcome)

    def _watch(self) -> Conversation[list[tuple[JobState, Exception | None]]]:
        """Return jobs that have ended, or of which we know no more, after a pause."""
        jobs = [self._open[indexes[0]].job for indexes in self._waiting.values()]
        left_s = self._until - time.monotonic()
        if self._is_over and not self._busy and not self._fetches and len(jobs) == 1 and jobs[0]:
            timeout = None if math.isinf(left_s) else max(0.0, left_s)
            return (yield from _told(jobs[0], calls.wait(self._core, jobs[0], timeout)))
        # Longer than a look takes, so that a busy API is not made busier.
        pause_s = max((time.monotonic() - self._changed) / 10, 2 * self._look_s, _LEAST_PAUSE_S)
        yield Pause(max(0.0, min(pause_s, _MAX_PAUSE_S, left_s)))
        began = time.monotonic()
        found = yield from look(self._core, [job for job in jobs if job])
        self._look_s = time.monotonic() - began
        if time.monotonic() >= self._until:
            known = {job.id for job, _ in found}
            late = errors.WaitTimeout("The time is up.")
            found += [(job, named(late, job)) for job in jobs if job and job.id not in known]
        return found


def look(core: Core, jobs: list[JobState]) -> Conversation[list[tuple[JobState, Exception | None]]]:
    """Return those of these jobs that have ended, and those that cannot be read, with the reason.

    One request shows up to 100 jobs: pages of the list that start at the newest job not yet seen.
    (Without filters, with which the API would read more than a page.)
    """
    found: list[tuple[JobState, Exception | None]] = []
    left = sorted(jobs, key=_order, reverse=True)
    while len(left) > 2:
        query = f"limit={min(_PAGE, 2 * len(left) + 10)}&cursor={_just_after(left[0].id)}"
        page = (yield from exchange(core, "GET", f"/jobs?{query}", until=core.until(None))).json()
        listed = {raw["id"]: raw for raw in page["jobs"]}
        bottom = "" if page["next"] is None else page["next"].rpartition("cursor=")[2][1:]
        covered = [job for job in left if _order(job) >= bottom]
        states = [models.read(JobState, listed[job.id]) for job in covered if job.id in listed]
        found += [(state, None) for state in states if state.has_ended]
        for job in [job for job in covered if job.id not in listed][:CONNECTIONS]:
            found += yield from _told(
                job, calls.read_job(core, job.id)
            )  # too new for the list, or gone
        if not covered:
            return found
        left = left[len(covered) :]
    for job in left:
        found += yield from _told(job, calls.read_job(core, job.id))
    return found


def _told(
    job: JobState, conversation: Conversation[JobState]
) -> Conversation[list[tuple[JobState, Exception | None]]]:
    """Return the job if it has ended, or with the error if it cannot be read."""
    try:
        state = yield from conversation
    except errors.NowlaterError as error:
        return [(job, error)]
    return [(state, None)] if state.has_ended else []


def named(error: Exception, job: JobState) -> Exception:
    """Return an error that concerns many jobs as one that names this job."""
    one = copy.copy(error)
    if isinstance(one, errors.NowlaterError):
        one.job_id = job.id
    return one


def _order(job: JobState) -> str:
    """Return an id's part by which the list is sorted: its first digit is a shard."""
    return job.id[1:]


def _just_after(job_id: str) -> str:
    """Return the next larger id: a cursor before this job."""
    return str(uuid.UUID(int=uuid.UUID(job_id).int + 1))


def for_each(
    core: Core, action: Action, jobs: Any, *, concurrency: int = CONNECTIONS
) -> Conversation[None]:
    """Cancel, retry or erase jobs, such as `client.jobs(status="failed")`; yield an `Outcome` of each."""
    run = {"cancel": calls.cancel, "retry": calls.retry, "erase": calls.erase}[action]
    items, running, index, is_over = iterator(jobs), 0, 0, False
    while True:
        while running < concurrency and not is_over:
            job = yield Pull(items)
            is_over = job is END
            if not is_over:
                yield Fork((index, job), run(core, job))
                running, index = running + 1, index + 1
        if not running:
            return
        (at, job), value, error = yield Join()
        running -= 1
        yield Emit(Outcome(at, job, value or job, value, error, has_ended=True))


def iterator(items: Any) -> Any:
    """Return the iterator of an iterable, or of an asynchronous one."""
    return items.__aiter__() if hasattr(items, "__aiter__") else iter(items)


def digest(operation: str, item: Any) -> str:
    """Return what identifies an input, its files by their content."""

    def of_file(value: Any) -> Any:
        if isinstance(value, Upload):
            return value.id
        if not is_file(value):
            raise TypeError(f"{type(value).__name__} cannot be part of an input")
        content = hashlib.sha256()
        for chunk in Content(value).chunks():
            content.update(chunk)
        return content.hexdigest()

    text = json.dumps([operation, item], sort_keys=True, default=of_file)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
