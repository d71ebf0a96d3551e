"""Many jobs at once: submitted over few connections, and watched by lists, not by a poll for each."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import os
import time
import uuid
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
)
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Generic, Union

from nowlater_client import core, errors
from nowlater_client.core import Action, Api, J, JobHandle
from nowlater_client.exchange import Timeout, sleep, until
from nowlater_client.files import Content, Upload, is_file
from nowlater_client.portal import calling
from nowlater_client.results import fetch
from nowlater_client.terms import Terms

if TYPE_CHECKING:
    import asyncio

    from typing_extensions import Unpack

#: A prefix, or a function of an input's index and the input.
Key = Union[str, Callable[[int, Any], str], None]  # noqa: UP007
Inputs = Union[Iterable[Any], AsyncIterable[Any]]  # noqa: UP007

#: Requests at the same time, whatever the number of jobs; one of them looks at the list.
CONNECTIONS = 10
#: Seconds between two looks at the list: at least, and at most; between, a tenth of the time since one ended.
_LEAST_PAUSE_S, _MAX_PAUSE_S = 0.5, 10.0
_PAGE = 100
#: Statuses of an API that is away, or busy, for a while.
_AWAY = (429, 502, 503, 504)
_END = object()


@dataclass
class Outcome(Generic[J]):
    """How one input of `as_completed`, or one job of `for_each`, ended."""

    #: The place of the input, from 0.
    index: int
    input: Any
    #: None if the submit failed.
    job: J | None = None
    #: The result; None if `error` has the reason.
    value: Any = None
    error: Exception | None = None

    def result(self) -> Any:
        """Return the result, or raise the error."""
        if self.error is not None:
            raise self.error
        return self.value


async def map(
    client: Api[J, Any],
    operation: str,
    inputs: Inputs,
    *,
    concurrency: int = 100,
    key: Key = None,
    return_exceptions: bool = False,
    timeout: Timeout = None,
    **terms: Unpack[Terms],
) -> AsyncGenerator[Any, None]:
    """Run an operation on each input, and yield the results in the order of the inputs.

    `inputs` may be a generator: it is read as results are taken, and at most `concurrency` jobs are
    unfinished or wait for their turn. With `key`, a later run with the same inputs finds the same jobs,
    for 24 hours: as a prefix, equal inputs share one job. The first failure is raised, unless
    `return_exceptions`; the other jobs continue.
    """
    batch = _Batch(client, operation, key, timeout, terms)
    async with aclosing(batch.run(inputs, concurrency, in_order=True)) as outcomes:
        async for one in outcomes:
            yield one.error if return_exceptions and one.error else one.result()


async def as_completed(
    client: Api[J, Any],
    operation: str,
    inputs: Inputs,
    *,
    concurrency: int = 100,
    key: Key = None,
    timeout: Timeout = None,
    **terms: Unpack[Terms],
) -> AsyncGenerator[Outcome[J], None]:
    """Run an operation on each input as `map` does, and yield an `Outcome` whenever a job has ended."""
    batch = _Batch(client, operation, key, timeout, terms)
    async with aclosing(batch.run(inputs, concurrency, in_order=False)) as outcomes:
        async for one in outcomes:
            yield one


async def for_each(
    client: Api[J, Any], action: Action, jobs: Inputs, *, concurrency: int = CONNECTIONS
) -> AsyncGenerator[Outcome[J], None]:
    """Cancel, retry or erase jobs, or those with these ids; yield an `Outcome` of each.

    `jobs` is an iterable, such as `client.jobs(status="failed")`.
    """
    acts: dict[str, Any] = {"cancel": core.cancel, "retry": core.retry, "erase": core.erase}
    if action not in acts:
        raise ValueError(f"The action is one of {', '.join(acts)}: {action!r}.")

    async def run(outcome: Outcome[J]) -> None:
        is_job = isinstance(outcome.input, JobHandle)
        outcome.job = job = outcome.input if is_job else await core.job(client, outcome.input)
        outcome.value = await acts[action](job)
        outcome.job = outcome.value or job

    async with aclosing(_Each(jobs, run, concurrency).outcomes(in_order=False)) as outcomes:
        async for one in outcomes:
            yield one


class _Each(Generic[J]):
    """Runs a coroutine for each input; at most `concurrency` outcomes are not yet taken."""

    def __init__(
        self,
        inputs: Inputs,
        run: Callable[[Outcome[J]], Coroutine[Any, Any, None]],
        concurrency: int,
        end: float = math.inf,
    ) -> None:
        if concurrency < 1:
            raise ValueError(f"The concurrency is at least 1: {concurrency}.")
        if isinstance(inputs, (Mapping, str, bytes)):
            raise TypeError(
                f"The inputs are a list or another iterable of inputs, not {inputs!r:.50}."
            )
        self._pull: tuple[Any, ...] = (
            (anext, aiter(inputs), _END)
            if isinstance(inputs, AsyncIterable)
            else (next, iter(inputs), _END)
        )
        self._run, self._concurrency, self._end = run, concurrency, end
        self._started, self._taken, self._is_over = 0, 0, False
        self._failure: Exception | None = None  # of the inputs
        self._tasks = set[Any]()
        self._pulling: Any = None  # the task that awaits the next input
        self._done: dict[int, Outcome[J]] = {}

    async def outcomes(self, *, in_order: bool) -> AsyncGenerator[Outcome[J], None]:
        """Yield an outcome of each input; the next input is awaited meanwhile.

        Raises what the inputs raise, once all before are done, or WaitTimeout if the time was up.
        """
        import asyncio

        self._ended = asyncio.Queue[Any]()
        try:
            while self._pull_next():
                is_idle = self._tasks == {self._pulling} and math.isfinite(self._end)
                left_s = self._end - time.monotonic() if is_idle else None
                try:
                    self._take(await asyncio.wait_for(self._ended.get(), left_s))
                except asyncio.TimeoutError:
                    break
                while self._done and (not in_order or self._taken in self._done):
                    index = self._taken if in_order else next(iter(self._done))
                    self._taken += 1
                    yield self._done.pop(index)
            if self._failure is not None:
                raise self._failure
            if not self._is_over:
                text = f"The time was up after {self._started} inputs; their jobs continue."
                raise errors.WaitTimeout(text)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _pull_next(self) -> bool:
        """Ask for the next input, if there is room for it; return whether anything runs."""
        has_room = self._started - self._taken < self._concurrency
        if has_room and not (self._pulling or self._is_over) and time.monotonic() < self._end:
            self._pulling = self._start(calling(*self._pull))
        return bool(self._tasks)

    def _start(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        import asyncio

        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._ended.put_nowait)
        return task

    def _take(self, task: Any) -> None:
        """Take the next input, or the outcome of one."""
        self._tasks.discard(task)
        if task is not self._pulling:
            self._done[task.result().index] = task.result()
            return
        self._pulling = None
        self._failure = task.exception()
        self._is_over = self._failure is not None or task.result() is _END
        if not self._is_over:
            self._start(self._attempt(Outcome(self._started, task.result())))
            self._started += 1

    async def _attempt(self, outcome: Outcome[J]) -> Outcome[J]:
        try:
            await self._run(outcome)
        except Exception as error:
            outcome.error = error
        return outcome


class _Batch(Generic[J]):
    """The jobs of one `map`, and who looks for their ends; the number of requests is bounded."""

    def __init__(
        self, client: Api[J, Any], operation: str, key: Key, timeout: Timeout, terms: Terms
    ) -> None:
        import asyncio

        self._client, self._operation, self._terms = client, operation, terms
        self._key, self._prefix = key, core.new_key()
        self._timeout, self._end = timeout, until(timeout)
        self._connections = asyncio.Semaphore(CONNECTIONS - 1)
        self._waiting: dict[str, tuple[J, asyncio.Future[None]]] = {}  # equal keys share a job
        self._watcher: asyncio.Task[None] | None = None

    async def run(
        self, inputs: Inputs, concurrency: int, *, in_order: bool
    ) -> AsyncGenerator[Outcome[J], None]:
        """Yield an outcome of each input."""
        import asyncio

        each = _Each(inputs, self._run, concurrency, self._end)
        try:
            async with aclosing(each.outcomes(in_order=in_order)) as outcomes:
                async for one in outcomes:
                    yield one
        finally:
            if self._watcher is not None:
                self._watcher.cancel()
                await asyncio.gather(self._watcher, return_exceptions=True)

    async def _run(self, outcome: Outcome[J]) -> None:
        """Submit a job, wait for its end, and get its result."""
        if callable(self._key):
            key = await calling(self._key, outcome.index, outcome.input)
        else:
            part = digest(self._operation, outcome.input) if self._key else outcome.index
            key = f"{self._key or self._prefix}/{part}"
        async with self._connections:
            left_s = None if math.isinf(self._end) else self._end - time.monotonic()
            outcome.job = job = await core.submit(
                self._client, self._operation, outcome.input, key=key, timeout=left_s, **self._terms
            )
        if not job.has_ended:
            await self._wait(job)
        outcome.value = await self._fetch(job)

    async def _fetch(self, job: J) -> Any:
        while True:
            try:
                async with self._connections:
                    return await fetch(job, self._end)
            except errors.Unreachable as error:
                if not self._is_passing(job, error):
                    raise
            await sleep(_LEAST_PAUSE_S)

    async def _wait(self, job: J) -> None:
        """Wait for a job's end, which the watcher sees."""
        import asyncio

        is_new, is_second = job.id not in self._waiting, len(self._waiting) == 1
        if is_new:
            self._waiting[job.id] = job, asyncio.get_running_loop().create_future()
        if is_new and is_second and self._watcher is not None:
            self._watcher.cancel()  # it may wait long for the first one
        if self._watcher is None or (is_new and is_second) or self._watcher.done():
            self._watcher = asyncio.create_task(self._watch())
        first, ended = self._waiting[job.id]
        await asyncio.shield(ended)
        job._update(first.raw)

    async def _watch(self) -> None:
        """Look for jobs that have ended, or of which we know no more, as long as one is waited for."""
        try:
            await self._look_again()
        except Exception as error:  # each job is waited for: none may wait for ever
            for job, ended in self._waiting.values():
                ended.set_exception(named(error, job))
            self._waiting.clear()

    async def _look_again(self) -> None:
        changed, look_s = time.monotonic(), 0.0
        while self._waiting:
            # Longer than a look takes, so that a busy API is not made busier.
            pause_s = max((time.monotonic() - changed) / 10, 2 * look_s, _LEAST_PAUSE_S)
            await sleep(max(0.0, min(pause_s, _MAX_PAUSE_S, self._end - time.monotonic())))
            began, jobs = time.monotonic(), [job for job, _ in self._waiting.values()]
            try:
                found = await self._look(jobs)
            except errors.NowlaterError as error:
                found = [(job, named(error, job)) for job in jobs]
            found = [(job, fault) for job, fault in found if not self._is_passing(job, fault)]
            look_s = time.monotonic() - began
            changed = time.monotonic() if found else changed
            for job, fault in found:
                _, future = self._waiting.pop(job.id)
                if fault is None:
                    future.set_result(None)
                else:
                    future.set_exception(fault)

    def _is_passing(self, job: J, fault: Exception | None) -> bool:
        """Return whether a job could not be read, but may be later: its end may have come, or will."""
        is_away = isinstance(fault, errors.Unreachable) or getattr(fault, "status", 0) in _AWAY
        is_late = time.monotonic() >= self._end or datetime.now(timezone.utc) >= job.deadline
        return is_away and not is_late

    async def _look(self, jobs: list[J]) -> list[tuple[J, Exception | None]]:
        if len(jobs) == 1:
            job = jobs[0]
            return await _told(job, core._wait(job, self._end, self._timeout, None))
        found = await look(self._client, jobs)
        if time.monotonic() >= self._end:
            known = {job.id for job, _ in found}
            late = errors.WaitTimeout("The time is up.")
            found += [(job, named(late, job)) for job in jobs if job.id not in known]
        return found


async def look(client: Api[J, Any], jobs: list[J]) -> list[tuple[J, Exception | None]]:
    """Return those of these jobs that have ended, and those that cannot be read, with the reason.

    One request shows up to 100 jobs: pages of the list that start at the newest job not yet seen.
    (Without filters, with which the API would read more than a page.)
    """
    found: list[tuple[J, Exception | None]] = []
    left = sorted(jobs, key=_order, reverse=True)
    while len(left) > 2:
        query = f"limit={min(_PAGE, 2 * len(left) + 10)}&cursor={_just_after(left[0].id)}"
        page = await core._get(client, f"/jobs?{query}", "jobs", "next")
        listed = {raw["id"]: raw for raw in page["jobs"]}
        bottom = "" if page["next"] is None else page["next"].rpartition("cursor=")[2][1:]
        covered = [job for job in left if _order(job) >= bottom]
        shown = [job._update(listed[job.id]) for job in covered if job.id in listed]
        found += [(job, None) for job in shown if job.has_ended]
        for job in [job for job in covered if job.id not in listed][:CONNECTIONS]:
            found += await _told(job, core.refresh(job))  # too new for the list, or gone
        if not covered:
            return found
        left = left[len(covered) :]
    for job in left:
        found += await _told(job, core.refresh(job))
    return found


async def _told(job: J, read: Awaitable[J]) -> list[tuple[J, Exception | None]]:
    """Return the job if it has ended, or with the error if it cannot be read."""
    try:
        await read
    except errors.NowlaterError as error:
        return [(job, error)]
    return [(job, None)] if job.has_ended else []


def named(error: Exception, job: JobHandle) -> Exception:
    """Return an error that concerns many jobs as one that names this job."""
    one = copy.copy(error)
    if isinstance(one, errors.NowlaterError):
        one.job_id = job.id
    return one


def _order(job: JobHandle) -> str:
    """Return an id's part by which the list is sorted: its first digit is a shard."""
    return job.id[1:]


def _just_after(job_id: str) -> str:
    """Return the next larger id: a cursor before this job."""
    return str(uuid.UUID(int=uuid.UUID(job_id).int + 1))


def digest(operation: str, item: Any) -> str:
    """Return what identifies an input, its files by their content."""

    def of_file(value: Any) -> Any:
        if isinstance(value, Upload):
            return value.id
        if not is_file(value):
            raise TypeError(f"{type(value).__name__} cannot be part of an input")
        if not isinstance(value, (bytes, os.PathLike)) and not value.seekable():
            raise ValueError(
                "A key needs a file that can seek: pass its bytes, or a function as key."
            )
        file, content = Content(value), hashlib.sha256()
        for chunk in file:
            content.update(chunk)
        return [file.media_type, content.hexdigest()]

    text = json.dumps([operation, item], sort_keys=True, default=of_file)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
