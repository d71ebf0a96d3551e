"""What sends the requests of both clients: httpx's clients, which the users may bring."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import AsyncIterator, Callable
from concurrent import futures
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from nowlater_client.errors import ClientClosed, Misconfigured
from nowlater_client.portal import answer

if TYPE_CHECKING:
    import asyncio

T = TypeVar("T")


class _LoggedURL(httpx.URL):
    """A URL in httpx's log: without its query, which signs it where it is one of S3."""

    def __str__(self) -> str:
        return super().__str__().partition("?")[0]


class Sender:
    """Sends with the httpx client that was given, else with one for each event loop."""

    def __init__(self, given: Any) -> None:
        self._given: httpx.Client | httpx.AsyncClient | None = given
        self._own: dict[asyncio.AbstractEventLoop, httpx.AsyncClient] = {}
        self.is_closed, self._pid = False, 0

    @property
    def is_traced(self) -> bool:
        """Whether httpcore says what it does: a blocking client has no coroutine to tell."""
        return not isinstance(self._given, httpx.Client)

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """Send a request, as `httpx.AsyncClient` does; with a blocking client, in a thread."""
        if self.is_closed or (self._given is not None and self._given.is_closed):
            raise ClientClosed("The client is closed.")
        if self._given is not None and self._pid not in (0, os.getpid()):
            text = "The http_client was used before this process was forked: make one here."
            raise Misconfigured(text)
        self._pid = os.getpid()
        if isinstance(self._given, httpx.Client):
            response = await in_thread(functools.partial(self._given.send, request, **options))
            headers = response.headers.copy()
            headers.pop("content-encoding", None)  # `_Chunks` are decoded
            return httpx.Response(response.status_code, headers=headers, stream=_Chunks(response))
        if self._given is None:
            request.url = _LoggedURL(request.url)
        return await (self._given or self._of_loop()).send(request, **options)

    def _of_loop(self) -> httpx.AsyncClient:
        import asyncio

        loop = asyncio.get_running_loop()
        if loop not in self._own:
            self._own = {one: http for one, http in self._own.items() if not one.is_closed()}
            self._own[loop] = _new_client()
        return self._own[loop]

    async def close(self) -> None:
        """Close the connections of this event loop, unless the httpx client was given."""
        import asyncio

        self.is_closed = True
        own = self._own.get(asyncio.get_running_loop())
        if own is not None:
            await own.aclose()


def _new_client() -> httpx.AsyncClient:
    try:
        # Each thread may have a request; those of one `map` are bounded there.
        return httpx.AsyncClient(limits=httpx.Limits(max_connections=None))
    except (ImportError, ValueError, httpx.InvalidURL) as error:  # SOCKS without its package
        text = f"A proxy of the environment (HTTPS_PROXY, ALL_PROXY …) cannot be used: {error}"
        raise Misconfigured(text) from error


class _Chunks(httpx.AsyncByteStream):
    """The body of a blocking client's response."""

    def __init__(self, response: httpx.Response) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = self._response.iter_bytes()
        while chunk := await in_thread(functools.partial(next, chunks, b"")):
            yield chunk

    async def aclose(self) -> None:
        self._response.close()


async def in_thread(function: Callable[[], T]) -> T:
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
