"""The client for asyncio: it runs the conversations of `core` with tasks."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from nowlater_client import core, gather, loop
from nowlater_client.exchange import Core
from nowlater_client.http import Body, Connected, lost, to_httpx
from nowlater_client.loop import Conversation, Request
from nowlater_client.models import JobState

if TYPE_CHECKING:
    from typing import Concatenate

    from typing_extensions import ParamSpec, Self

    P = ParamSpec("P")
T = TypeVar("T")


# A conversation of `core` becomes a method with its parameters and its docstring.
def _method(
    call: Callable[Concatenate[Core, P], Conversation[T]],
) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    @functools.wraps(call)
    async def method(self: AsyncClient, /, *args: P.args, **options: P.kwargs) -> T:
        return await self._run(call(self._core, *args, **options))

    return method


def _job_method(
    call: Callable[Concatenate[Core, P], Conversation[JobState]],
) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, AsyncJob]]:
    @functools.wraps(call)
    async def method(self: AsyncClient, /, *args: P.args, **options: P.kwargs) -> AsyncJob:
        return AsyncJob(self, await self._run(call(self._core, *args, **options)))

    return method


def _iterator(
    call: Callable[Concatenate[Core, P], Conversation[Any]], of: Callable[[AsyncClient, Any], T]
) -> Callable[Concatenate[AsyncClient, P], AsyncIterator[T]]:
    @functools.wraps(call)
    async def method(self: AsyncClient, /, *args: P.args, **options: P.kwargs) -> AsyncIterator[T]:
        async for value in self._iterate(call(self._core, *args, **options), []):
            yield of(self, value)

    return method


def _of_job(
    call: Callable[Concatenate[Core, JobState, P], Conversation[T]],
) -> Callable[Concatenate[AsyncJob, P], Coroutine[Any, Any, T]]:
    @functools.wraps(call)
    async def method(self: AsyncJob, /, *args: P.args, **options: P.kwargs) -> T:
        return await self._client._run(call(self._client._core, self, *args, **options))

    return method


def _updates_job(
    call: Callable[Concatenate[Core, JobState, P], Conversation[JobState]],
) -> Callable[Concatenate[AsyncJob, P], Coroutine[Any, Any, AsyncJob]]:
    @functools.wraps(call)
    async def method(self: AsyncJob, /, *args: P.args, **options: P.kwargs) -> AsyncJob:
        call_ = call(self._client._core, self, *args, **options)
        return self._update(await self._client._run(call_))

    return method


class AsyncJob(JobState):
    """A job, and what can be done with it, as `Job` with coroutines."""

    def __init__(self, client: AsyncClient, state: JobState) -> None:
        self._client = client
        self._update(state)

    def _update(self, state: JobState) -> AsyncJob:
        self.__dict__.update(vars(state) | {"_client": self._client})
        return self

    refresh = _updates_job(core.refresh)
    wait = _updates_job(core.wait)
    result = _of_job(core.result)
    download = _of_job(core.download)
    cancel = _updates_job(core.cancel)
    erase = _of_job(core.erase)
    deliveries = _of_job(core.deliveries)
    replay = _of_job(core.replay)

    async def retry(self, *, key: str | None = None) -> AsyncJob:
        """Submit the ended job again, with the same input; return the new job."""
        client = self._client
        return AsyncJob(client, await client._run(core.retry(client._core, self, key=key)))

    async def events(self, timeout: float | None = None) -> AsyncIterator[AsyncJob]:
        """Iterate over the job's changes of status and progress, until it has ended."""
        states = core.events(self._client._core, self, timeout)
        async for state in self._client._iterate(states, []):
            yield self._update(state)


class AsyncOutcome(gather.Outcome):
    """How one input of `as_completed`, or one job of `for_each`, ended."""

    job: AsyncJob | None

    @classmethod
    def of(cls, client: AsyncClient, outcome: gather.Outcome) -> AsyncOutcome:
        job = None if outcome.job is None else AsyncJob(client, outcome.job)
        return cls(**{**vars(outcome), "job": job})


class AsyncClient(Connected[httpx.AsyncClient]):
    """`Client` for asyncio: the same methods, to be awaited or iterated with `async for`."""

    _new_http = httpx.AsyncClient

    call = _method(core.call)
    submit = _job_method(core.submit)
    job = _job_method(core.read_job)
    jobs = _iterator(core.jobs, AsyncJob)
    map = _iterator(gather.map, core.second)
    as_completed = _iterator(gather.as_completed, AsyncOutcome.of)
    for_each = _iterator(gather.for_each, AsyncOutcome.of)
    counts = _method(core.counts)
    lanes = _method(core.lanes)
    deliveries = _iterator(core.all_deliveries, core.second)
    operations = _method(core.operations)
    operation = _method(core.operation)
    upload = _method(core.upload)
    secret = _method(core.secret)
    rotate_secret = _method(core.rotate_secret)
    request = _method(core.request)

    async def close(self) -> None:
        """Close the connections."""
        if self._owns_http:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _run(self, conversation: Conversation[T]) -> T:
        results: list[T] = []
        async for _ in self._iterate(conversation, results):
            pass
        return results[0]

    async def _iterate(self, conversation: Conversation[T], results: list[T]) -> AsyncIterator[Any]:
        """Run a conversation: yield what it emits, and append its result to `results`."""
        steps, outcomes = loop.run(conversation), asyncio.Queue[Any]()
        tasks: dict[int, asyncio.Task[None]] = {}
        value: Any = None
        try:
            while True:
                try:
                    step = steps.send(value)
                except StopIteration as end:
                    results.append(end.value)
                    return
                if isinstance(step, loop.Emit):
                    value = yield step.value
                else:
                    value = await self._take(step, outcomes, tasks)
        finally:
            for task in tasks.values():
                task.cancel()
            await asyncio.gather(*tasks.values(), return_exceptions=True)

    async def _take(
        self, step: Any, outcomes: asyncio.Queue[Any], tasks: dict[int, asyncio.Task[None]]
    ) -> Any:
        """Do one step of the loop."""
        if isinstance(step, loop.Begin):
            tasks[step.number] = asyncio.create_task(self._send(step, outcomes))
        elif isinstance(step, loop.Drop):
            tasks.pop(step.number).cancel()
        elif isinstance(step, loop.Pull):
            if hasattr(step.items, "__anext__"):
                return await anext(step.items, loop.END)
            return next(step.items, loop.END)
        else:
            try:
                outcome = await asyncio.wait_for(outcomes.get(), step.seconds)
            except asyncio.TimeoutError:
                return None
            tasks.pop(outcome[0], None)
            return loop.checked(outcome)
        return None

    async def _send(self, begun: loop.Begin, outcomes: asyncio.Queue[Any]) -> None:
        """Send a request, and put its number and outcome into the queue."""
        try:
            outcomes.put_nowait((begun.number, await self._exchange(begun.request)))
        except Exception as error:
            outcomes.put_nowait((begun.number, lost(error)))

    async def _exchange(self, request: Request) -> loop.Reply:
        sent = to_httpx(request, is_async=True)
        response = await self._http.send(sent, auth=None, follow_redirects=False, stream=True)
        try:
            body = Body(request, response)
            async for chunk in response.aiter_bytes():
                body.take(chunk)
            return body.reply()
        finally:
            await response.aclose()
