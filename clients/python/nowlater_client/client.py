"""The two clients: `AsyncClient` has the coroutines of `core`, and `Client` runs them in a thread."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import TYPE_CHECKING, Any, TypeVar, Union

import httpx

from nowlater_client import core, gather
from nowlater_client.core import Api, JobHandle
from nowlater_client.errors import ClientClosed
from nowlater_client.gather import Outcome
from nowlater_client.portal import Portal

if TYPE_CHECKING:
    from typing import Concatenate

    from typing_extensions import ParamSpec, Self

    P = ParamSpec("P")
T = TypeVar("T")
S = TypeVar("S")


def _blocking(
    method: Callable[Concatenate[S, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[S, P], T]:
    @functools.wraps(method)
    def run(self: S, /, *args: P.args, **options: P.kwargs) -> T:
        portal: Portal = self._portal  # type: ignore[attr-defined]
        try:
            return portal.run(method(self, *args, **options))
        except ClientClosed as error:
            error.job_id = error.job_id or getattr(self, "id", None)
            raise

    return run


def _iterating(
    method: Callable[Concatenate[S, P], AsyncGenerator[T, None]],
) -> Callable[Concatenate[S, P], Generator[T, None, None]]:
    @functools.wraps(method)
    def run(self: S, /, *args: P.args, **options: P.kwargs) -> Generator[T, None, None]:
        portal: Portal = self._portal  # type: ignore[attr-defined]
        return portal.iterate(method(self, *args, **options))

    return run


class AsyncJob(JobHandle):
    """A job, and what can be done with it, as `Job` with coroutines."""

    refresh = core.refresh
    wait = core.wait
    result = core.result
    stream = core.stream
    download = core.download
    events = core.events
    cancel = core.cancel
    retry = core.retry
    erase = core.erase
    deliveries = core.deliveries
    replay = core.replay


class Job(JobHandle):
    """A job, and what can be done with it; its fields are as the API returned them last."""

    @property
    def _portal(self) -> Portal:
        return self._client._portal

    refresh = _blocking(core.refresh)
    wait = _blocking(core.wait)
    result = _blocking(core.result)
    stream = _iterating(core.stream)
    download = _blocking(core.download)
    events = _iterating(core.events)
    cancel = _blocking(core.cancel)
    retry = _blocking(core.retry)
    erase = _blocking(core.erase)
    deliveries = _blocking(core.deliveries)
    replay = _blocking(core.replay)


class AsyncClient(Api[AsyncJob, httpx.AsyncClient]):
    """`Client` for asyncio: the same methods, to be awaited or iterated with `async for`."""

    call = core.call
    submit = core.submit
    job = core.job
    jobs = core.jobs
    map = gather.map
    as_completed = gather.as_completed
    for_each = gather.for_each
    counts = core.counts
    lanes = core.lanes
    deliveries = core.all_deliveries
    operations = core.operations
    operation = core.operation
    upload = core.upload
    secret = core.secret
    rotate_secret = core.rotate_secret
    request = core.request

    def _new_job(self, raw: dict[str, Any]) -> AsyncJob:
        return AsyncJob(self, raw)

    async def close(self) -> None:
        """Close the connections."""
        if not self._is_copy:
            await self._connection.sender.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Client(Api[Job, Union[httpx.Client, httpx.AsyncClient]]):  # noqa: UP007
    """A client of one nowlater API; use it as a context manager, from any number of threads.

    `timeout`: seconds for each request with its repetitions, where a method has no timeout of its own.
    `max_retries`: repetitions of a request. `http_client`: your own `httpx.Client`, which you close.
    `on_reply`: called with each answer (`Reply`) of the API, from any thread.
    """

    call = _blocking(core.call)
    submit = _blocking(core.submit)
    job = _blocking(core.job)
    jobs = _iterating(core.jobs)
    map = _iterating(gather.map)
    as_completed = _iterating(gather.as_completed)
    for_each = _iterating(gather.for_each)
    counts = _blocking(core.counts)
    lanes = _blocking(core.lanes)
    deliveries = _iterating(core.all_deliveries)
    operations = _blocking(core.operations)
    operation = _blocking(core.operation)
    upload = _blocking(core.upload)
    secret = _blocking(core.secret)
    rotate_secret = _blocking(core.rotate_secret)
    request = _blocking(core.request)

    def _new_job(self, raw: dict[str, Any]) -> Job:
        return Job(self, raw)

    def close(self) -> None:
        """Close the connections, and end the thread."""
        if not self._is_copy:
            self._portal.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


AsyncOutcome = Outcome[AsyncJob]
