"""The thread of a blocking client: an event loop, in which the coroutines of `core` run."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
import weakref
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Generator
from concurrent import futures
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from nowlater_client.core import answer, caller

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")

#: Seconds in which what was interrupted may close its connections.
_CLOSING_S = 2.0
_END = object()


class Portal:
    """Runs coroutines in its thread, and what they ask of the user's code in the calling thread.

    It starts with the first one, and again in a forked process. `http`: the client to send requests with.
    """

    def __init__(self, http: httpx.Client | httpx.AsyncClient | None) -> None:
        self._given, self._pid, self._starting = http, 0, threading.Lock()
        self._http: httpx.Client | httpx.AsyncClient
        self._loop: asyncio.AbstractEventLoop

    def _start(self) -> asyncio.AbstractEventLoop:
        with self._starting:
            if self._pid != os.getpid():
                own = None if self._given else httpx.AsyncClient()
                self._http = self._given or own  # type: ignore[assignment]
                started = SimpleQueue[Any]()
                self._thread = threading.Thread(target=_serve, args=(started, own), daemon=True)
                self._thread.start()
                self._loop, stop = started.get()
                self._stop = weakref.finalize(self, _stop, self._loop, stop, self._thread)
                self._pid = os.getpid()
        if not self._stop.alive:
            raise RuntimeError("This client is closed.")
        return self._loop

    def close(self) -> None:
        """End the thread and its requests; close the connections, unless the httpx client was given."""
        if self._pid == os.getpid():
            self._stop()

    def run(self, coroutine: Coroutine[Any, Any, T], asked: SimpleQueue[Any] | None = None) -> T:
        """Return the result of a coroutine; Ctrl-C cancels it."""
        import asyncio

        asked, tasks = asked or SimpleQueue(), list[asyncio.Task[T]]()

        async def main() -> T:
            caller.set(asked)
            return await coroutine

        def begin() -> None:
            tasks.append(loop.create_task(main()))
            tasks[0].add_done_callback(asked.put)

        try:
            loop = self._start()
            loop.call_soon_threadsafe(begin)
        except RuntimeError:
            coroutine.close()
            raise
        try:
            while not isinstance(one := asked.get(), asyncio.Task):
                one()
        except BaseException:
            loop.call_soon_threadsafe(lambda: tasks[0].cancel())
            with contextlib.suppress(Empty):
                while not isinstance(asked.get(timeout=_CLOSING_S), asyncio.Task):
                    pass
            raise
        try:
            return tasks[0].result()
        except asyncio.CancelledError:
            raise RuntimeError("This client was closed.") from None

    def iterate(self, values: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        """Yield what an asynchronous generator yields; it is closed with this one."""
        asked = SimpleQueue[Any]()

        async def step() -> Any:
            return await anext(values, _END)

        try:
            while (value := self.run(step(), asked)) is not _END:
                yield value
        finally:
            self._close(values)

    def _close(self, values: AsyncGenerator[Any, None]) -> None:
        import asyncio

        async def close() -> None:
            await values.aclose()

        if not self._loop.is_closed():
            closing = asyncio.run_coroutine_threadsafe(close(), self._loop)
            if threading.current_thread() is not self._thread:  # where garbage may be collected
                futures.wait([closing], _CLOSING_S)

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request, as `httpx.AsyncClient` does; a blocking client that was given, in a thread."""
        if isinstance(self._http, httpx.AsyncClient):
            return await self._http.send(request, **options)
        response = await _in_thread(functools.partial(self._http.send, request, **options))
        headers = [item for item in response.headers.multi_items() if item[0] != "content-encoding"]
        return httpx.Response(response.status_code, headers=headers, stream=_Chunks(response))


class _Chunks(httpx.AsyncByteStream):
    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = self._response.iter_bytes()
        while chunk := await _in_thread(functools.partial(next, chunks, b"")):
            yield chunk

    async def aclose(self) -> None:
        self._response.close()


async def _in_thread(function: Callable[[], T]) -> T:
    """Return what a function returns, in a thread that does not keep the program alive."""
    import asyncio

    called = futures.Future[T]()
    threading.Thread(target=answer, args=(called, function), daemon=True).start()
    try:
        return await asyncio.wrap_future(called)
    except asyncio.CancelledError:
        called.add_done_callback(_close_late)
        raise


def _close_late(called: futures.Future[Any]) -> None:
    """Close the response of a request that was canceled."""
    if not called.cancelled() and not called.exception() and hasattr(called.result(), "close"):
        called.result().close()


def _serve(started: SimpleQueue[Any], http: httpx.AsyncClient | None) -> None:
    import asyncio

    async def main() -> None:
        stop = asyncio.Event()
        started.put((asyncio.get_running_loop(), stop))
        async with http or contextlib.nullcontext():
            await stop.wait()

    asyncio.run(main())


def _stop(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(stop.set)
    if threading.current_thread() is not thread:
        thread.join(_CLOSING_S)
