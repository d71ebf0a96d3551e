"""The thread of a blocking client: an event loop, in which the coroutines of `core` run."""

from __future__ import annotations

import inspect
import os
import sys
import threading
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from concurrent import futures
from contextvars import ContextVar
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar, Union

from nowlater_client.errors import ClientClosed

if TYPE_CHECKING:
    import asyncio

    from nowlater_client.sender import Sender

T = TypeVar("T")

#: Seconds in which what was interrupted may close its connections.
_CLOSING_S = 2.0
_END = object()

#: What the thread that called `Client` is to run meanwhile; None ends it.
Calls = SimpleQueue[Union[Callable[[], object], None]]  # noqa: UP007 - for Python 3.10
#: Those whose locks a forked process makes anew.
_portals = weakref.WeakSet["Portal"]()
#: Those of the running coroutine; None: `AsyncClient` runs it, and calls by itself.
_calls: ContextVar[Calls | None] = ContextVar("calls", default=None)


async def calling(function: Callable[..., Any], *values: Any) -> Any:
    """Call a user's function in the thread that called the client; await what it returns, if it asks so."""
    import asyncio

    calls, called = _calls.get(), futures.Future[Any]()
    if calls is None:
        value = function(*values)
    else:
        calls.put(lambda: answer(called, function, *values))
        value = await asyncio.wrap_future(called)
    return await value if inspect.isawaitable(value) else value


def answer(called: futures.Future[Any], function: Callable[..., Any], *values: Any) -> None:
    """Call a function, and put its result or exception into a future."""
    if called.set_running_or_notify_cancel():
        try:
            called.set_result(function(*values))
        except (StopIteration, futures.CancelledError) as error:  # which asyncio takes for its own
            text = f"{getattr(function, '__qualname__', function)} raised {error!r}."
            called.set_exception(_caused(RuntimeError(text), error))
        except Exception as error:
            called.set_exception(error)


def _caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


class Portal:
    """Runs coroutines in its thread, and what they call of the user's code in the calling thread.

    It starts with the first one, and again in a forked process; the sender is closed with it.
    """

    def __init__(self, sender: Sender) -> None:
        self._sender, self._pid, self._is_closed = sender, 0, False
        self._loop: asyncio.AbstractEventLoop
        self._make_lock()
        _portals.add(self)

    def _make_lock(self) -> None:
        #: Held while a coroutine is begun, so that none begins once the loop is to end. A signal handler
        #: may interrupt a thread that holds it, and call the client too.
        self._beginning = threading.RLock()

    def _begin(self, coroutine: Coroutine[Any, Any, T]) -> futures.Future[T]:
        with self._beginning:
            is_started = self._pid == os.getpid()
            if self._is_closed or sys.is_finalizing():  # when threads stand still
                raise ClientClosed("The client is closed.")
            if is_started and threading.current_thread() is self._thread:
                text = (
                    "This runs in the client's own thread (on_reply, hooks, logging), which cannot "
                )
                raise RuntimeError(f"{text}wait for the client: call it in another thread.")
            if not is_started:
                self._start()
            import asyncio  # here, as importing it takes half as long as httpx

            return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def _start(self) -> None:
        started = SimpleQueue[Any]()
        arguments = (started, self._sender)
        self._thread = threading.Thread(
            target=_serve, args=arguments, name="nowlater-client", daemon=True
        )
        self._thread.start()
        if isinstance(served := started.get(), Exception):
            raise served
        self._loop, stop = served
        self._stop = weakref.finalize(self, _stop, self._loop, stop, self._thread)
        self._stop.atexit = False  # calls of daemon threads end silently then, with their threads
        self._pid = os.getpid()

    def close(self) -> None:
        """End the thread, its requests and their connections."""
        with self._beginning:
            self._is_closed = True
        if self._pid == os.getpid():
            self._stop()

    def run(self, coroutine: Coroutine[Any, Any, T], calls: Calls | None = None) -> T:
        """Return the result of a coroutine; Ctrl-C cancels it."""
        calls, has_ended = calls or Calls(), threading.Event()

        async def main() -> T:
            _calls.set(calls)
            try:
                return await coroutine
            finally:
                has_ended.set()

        beginning = main()
        try:
            running = self._begin(beginning)
        except BaseException:  # ClientClosed, Ctrl-C, or no thread or event loop can be started
            beginning.close()
            coroutine.close()
            raise
        running.add_done_callback(lambda _: calls.put(None))
        try:
            while call := calls.get():
                call()
        except BaseException:
            running.cancel()
            has_ended.wait(_CLOSING_S)
            raise
        try:
            return running.result()
        except futures.CancelledError:
            raise ClientClosed("The client was closed meanwhile.") from None

    def iterate(self, values: AsyncGenerator[T, None]) -> Generator[T, None, None]:
        """Yield what an asynchronous generator yields; it is closed with this one."""
        calls = Calls()  # also of the tasks that one step starts, and another awaits

        async def step() -> Any:
            return await anext(values, _END)

        try:
            while (value := self.run(step(), calls)) is not _END:
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


def _serve(started: SimpleQueue[Any], sender: Sender) -> None:
    import asyncio

    async def main() -> None:
        stop = asyncio.Event()
        started.put((asyncio.get_running_loop(), stop))
        await stop.wait()
        await sender.close()

    try:
        asyncio.run(main())
    except OSError as error:  # there is no file descriptor left
        started.put(error)


def _stop(loop: asyncio.AbstractEventLoop, stop: asyncio.Event, thread: threading.Thread) -> None:
    loop.call_soon_threadsafe(stop.set)
    if threading.current_thread() is not thread:
        thread.join(_CLOSING_S)


def _make_locks() -> None:
    for portal in list(_portals):
        portal._make_lock()


if hasattr(os, "register_at_fork"):  # Windows has no fork
    os.register_at_fork(after_in_child=_make_locks)
