"""Many jobs at once: submitted over few connections, and watched by lists, not by a poll for each."""

from __future__ import annotations

import copy
import functools
import hashlib
import itertools
import json
import math
import os
import time
import uuid
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Callable,
    Coroutine,
    Iterable,
    Mapping,
)
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Union

from nowlater_client import core, errors
from nowlater_client.core import Action, Api, J, JobHandle
from nowlater_client.exchange import LEAST_S, Timeout, sleep, until
from nowlater_client.files import Content, Upload, in_time, is_file, is_seekable
from nowlater_client.portal import calling
from nowlater_client.results import fetch
from nowlater_client.terms import Terms, whole
from nowlater_client.transfer import ends

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
    async with aclosing(batch.outcomes(inputs, concurrency, in_order=True)) as outcomes:
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
    async with aclosing(batch.outcomes(inputs, concurrency)) as outcomes:
        async for one in outcomes:
            yield one


async def for_each(
    client: Api[J, Any], action: Action, jobs: Inputs, *, concurrency: int = CONNECTIONS
) -> AsyncGenerator[Outcome[J], None]:
    """Cancel, retry or erase jobs, or those with these ids; yield an `Outcome` of each, in order.

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

    async with aclosing(_Each(run, concurrency, in_order=True).outcomes(jobs)) as outcomes:
        async for one in outcomes:
            yield one


class _Each(Generic[J]):
    """Runs a coroutine for each input; at most `concurrency` outcomes are not yet taken."""

    def __init__(
        self,
        run: Callable[[Outcome[J]], Coroutine[Any, Any, None]],
        concurrency: int,
        *,
        in_order: bool = False,
        end: float = math.inf,
    ) -> None:
        import asyncio

        whole(concurrency, "concurrency", 1)
        self._run, self._in_order, self._end = run, in_order, end
        self._room = asyncio.Semaphore(concurrency)
        self._tasks = set[asyncio.Task[Any]]()
        #: Attempts, as their outcomes are to be yielded; at last the task that has started them.
        self._ready = asyncio.Queue[Any]()

    async def outcomes(self, inputs: Inputs) -> AsyncGenerator[Outcome[J], None]:
        """Yield an outcome of each input; the next input is awaited meanwhile.

        Raises what the inputs raise, once all before are done, or WaitTimeout if the time was up.
        """
        import asyncio

        self.start(self._feed(inputs)).add_done_callback(self._ready.put_nowait)
        try:
            while (outcome := await (await self._ready.get())) is not None:
                yield outcome
                self._room.release()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run a coroutine, at the longest until the outcomes are closed."""
        import asyncio

        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _feed(self, inputs: Inputs) -> None:
        """Start an attempt for each input, whenever there is room; wait until all have ended."""
        import asyncio

        pull, attempts = _pulling(inputs), set[asyncio.Task[Any]]()
        try:
            for index in itertools.count():
                item = await self._pull(pull, index)
                if item is _END:
                    return
                await self._room.acquire()
                attempt = self.start(self._attempt(Outcome(index, item)))
                attempts.add(attempt)
                attempt.add_done_callback(attempts.discard)
                if self._in_order:
                    self._ready.put_nowait(attempt)
                else:
                    attempt.add_done_callback(self._ready.put_nowait)
        finally:
            await asyncio.gather(*attempts)

    async def _pull(self, pull: Callable[[], Coroutine[Any, Any, Any]], count: int) -> Any:
        pulling = self.start(pull())
        if await ends(pulling, self._end):
            return pulling.result()
        raise errors.WaitTimeout(f"The time was up after {count} inputs; their jobs continue.")

    async def _attempt(self, outcome: Outcome[J]) -> Outcome[J]:
        try:
            await self._run(outcome)
        except Exception as error:
            outcome.error = error
        return outcome


def _pulling(inputs: Inputs) -> Callable[[], Coroutine[Any, Any, Any]]:
    """Return what gets the next input, or _END."""
    if isinstance(inputs, (Mapping, str, bytes)):
        raise TypeError(f"The inputs are a list or another iterable of inputs, not {inputs!r:.50}.")
    if isinstance(inputs, AsyncIterable):
        return functools.partial(calling, anext, aiter(inputs), _END)
    return functools.partial(calling, next, iter(inputs), _END)


class _Batch(Generic[J]):
    """The jobs of one `map`, and who looks for their ends; the number of requests is bounded."""

    def __init__(
        self, client: Api[J, Any], operation: str, key: Key, timeout: Timeout, terms: Terms
    ) -> None:
        import asyncio

        if key is not None and not callable(key):
            core.checked(key)
        self._client, self._operation, self._terms = client, operation, terms
        self._key, self._prefix, self._end = key, core.new_key(), until(timeout)
        self._connections = asyncio.Semaphore(CONNECTIONS - 1)
        self._waiting: dict[str, J] = {}
        self._faults: dict[str, Exception] = {}  # of the latest look
        self._looked = asyncio.Event()
        self._watcher: asyncio.Task[None] | None = None

    def outcomes(
        self, inputs: Inputs, concurrency: int, *, in_order: bool = False
    ) -> AsyncGenerator[Outcome[J], None]:
        """Yield an outcome of each input."""
        self._each = _Each(self._run, concurrency, in_order=in_order, end=self._end)
        return self._each.outcomes(inputs)

    async def _run(self, outcome: Outcome[J]) -> None:
        """Submit a job, wait for its end, and get its result."""
        if callable(self._key):
            key = await calling(self._key, outcome.index, outcome.input)
            if not isinstance(key, str):
                raise TypeError(f"The key of input {outcome.index} is no text: {key!r}.")
        else:
            part: Any = outcome.index
            if self._key:
                part = await in_time(self._end, digest, self._operation, outcome.input)
            key = f"{self._key or self._prefix}/{part}"
        async with self._connections:
            left_s = self._end - time.monotonic()
            outcome.job = job = await core.submit(
                self._client, self._operation, outcome.input, key=key, timeout=left_s, **self._terms
            )
        if not job.has_ended:
            await self._wait(job)
        async with self._connections:
            outcome.value = await fetch(job, self._patience(job))

    def _patience(self, job: J) -> float:
        """Return until when a result is asked for: while the network is away, until the deadline."""
        left_s = (job.deadline - datetime.now(timezone.utc)).total_seconds()
        return min(self._end, time.monotonic() + max(left_s, self._client._connection.timeout_s))

    async def _wait(self, job: J) -> None:
        """Wait until the watcher has seen the job's end; raises why no more is known of it."""
        seen = self._waiting.setdefault(job.id, job)  # equal keys share a job
        if self._watcher is None or self._watcher.done():
            self._watcher = self._each.start(self._watch())
        try:
            await self._looked.wait()
            while not seen.has_ended:
                fault = self._faults.get(job.id)
                if fault is not None and not self._is_passing(job, fault):
                    raise named(fault, job)
                if time.monotonic() >= self._end:
                    raise errors.WaitTimeout("The time is up.", job_id=job.id)
                await self._looked.wait()
        finally:
            self._waiting.pop(job.id, None)
        job._update(seen.raw)

    async def _watch(self) -> None:
        """Look for jobs that have ended, as long as one is waited for."""
        last_end, look_s = time.monotonic(), 0.0
        while self._waiting:
            # Longer than a look takes, so that a busy API is not made busier.
            pause_s = max((time.monotonic() - last_end) / 10, 2 * look_s, _LEAST_PAUSE_S)
            await sleep(max(0.0, min(pause_s, _MAX_PAUSE_S, self._end - time.monotonic())))
            began, jobs = time.monotonic(), list(self._waiting.values())
            try:
                self._faults = await look(self._client, jobs, max(self._end, began + LEAST_S))
            except Exception as error:  # each job is waited for: none may wait for ever
                self._faults = dict.fromkeys(self._waiting, error)
            look_s = time.monotonic() - began
            last_end = time.monotonic() if any(job.has_ended for job in jobs) else last_end
            self._looked.set()
            self._looked.clear()

    def _is_passing(self, job: J, fault: Exception) -> bool:
        """Return whether a job could not be read, but may be later: its end may have come, or will."""
        is_away = isinstance(fault, errors.Unreachable) or getattr(fault, "status", 0) in _AWAY
        is_late = time.monotonic() >= self._end or datetime.now(timezone.utc) >= job.deadline
        return is_away and not is_late


async def look(client: Api[J, Any], jobs: list[J], until: float) -> dict[str, Exception]:
    """Read these jobs again, until an instant; return the reason for each, by id, that cannot be read.

    One request shows up to 100 jobs: pages of the list that start at the newest job not yet seen.
    (Without filters, with which the API would read more than a page.)
    """
    left, unlisted = sorted(jobs, key=_order, reverse=True), list[J]()
    while len(left) > 2:
        query = f"limit={min(_PAGE, 2 * len(left) + 10)}&cursor={_just_after(left[0].id)}"
        page = await core._get(client, f"/jobs?{query}", "jobs", "next", until=until)
        listed = {raw["id"]: raw for raw in page["jobs"]}
        bottom = "" if page["next"] is None else page["next"].rpartition("cursor=")[2][1:]
        covered = [job for job in left if job is left[0] or _order(job) >= bottom]
        for job in covered:
            if job.id in listed:
                job._update(listed[job.id])
        # Too new for the list, or gone.
        unlisted += [job for job in covered if job.id not in listed][:CONNECTIONS]
        left = left[len(covered) :]
    faults: dict[str, Exception] = {}
    for job in unlisted + left:
        try:
            await job._read("GET", until=until)
        except errors.NowlaterError as error:
            faults[job.id] = error
    return faults


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
        is_path = isinstance(value, os.PathLike)
        if (is_path and Path(value).is_fifo()) or not (
            is_path or isinstance(value, bytes) or is_seekable(value)
        ):
            raise ValueError(
                "A key needs a file that can seek: pass its bytes, or a function as key."
            )
        file = Content(value)
        return [file.media_type, file.digest()]

    text = json.dumps([operation, item], sort_keys=True, default=of_file)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
