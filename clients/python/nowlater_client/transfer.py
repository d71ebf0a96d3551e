"""One request that is sent once, and its response, within a time limit.

However a transfer ends, its connection is returned to the pool or closed. httpcore loses a connection if
the request is canceled while it takes the connection from the pool or returns it. So each step runs in a
task of its own, which is canceled only while bytes are sent or received.
"""

from __future__ import annotations

import math
import time
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from nowlater_client.errors import Misconfigured

if TYPE_CHECKING:
    import asyncio

    from nowlater_client.sender import Sender

T = TypeVar("T")

#: Seconds for one try: API Gateway answers within 30, at the latest. Also those without a byte.
TRY_S = 40.0
_CONNECT_S = 10.0
#: Seconds in which a connection is taken or returned; and those in which a response is closed.
_GRACE_S, _CLOSING_S = 0.1, 2.0
#: asyncio itself holds tasks by weak references.
_ending = set["asyncio.Task[None]"]()


class Transfer:
    """A request under way; `status` and `headers` are those of its response."""

    def __init__(self, sender: Sender, until: float) -> None:
        self._sender, self._until = sender, until
        self._may_be_canceled, self._is_ending = not sender.is_traced, False
        self._response: httpx.Response

    @property
    def status(self) -> int:
        return self._response.status_code

    @property
    def headers(self) -> dict[str, str]:
        return dict(self._response.headers)

    async def begin(self, method: str, url: str, headers: Mapping[str, str], content: Any) -> None:
        """Send a request that has nothing from the httpx client: no header, no credentials."""
        left_s = max(0.1, self._until - time.monotonic())
        timeout = httpx.Timeout(min(TRY_S, left_s), connect=min(_CONNECT_S, left_s))
        sent = httpx.Headers(headers)  # a copy, whose repr hides the key
        sent["accept-encoding"] = "identity"
        extensions: dict[str, Any] = {"timeout": timeout.as_dict()}
        if self._sender.is_traced:
            extensions["trace"] = self._trace
        try:
            request = httpx.Request(
                method, url, headers=sent, content=content, extensions=extensions
            )
        except httpx.InvalidURL as error:
            raise Misconfigured(f"The URL {url!r} is wrong: {error}.") from error
        if isinstance(content, httpx.AsyncByteStream):
            request.stream = content
        sending = self._sender.send(request, auth=None, follow_redirects=False, stream=True)
        self._response = await self._run(sending, self._until)

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body."""
        read = self._response.aiter_bytes()
        while chunk := await self._run(anext(read, b""), self._until):
            yield chunk

    async def body(self) -> bytes:
        """Return the whole body."""

        async def joined() -> bytes:
            return b"".join([chunk async for chunk in self._response.aiter_bytes()])

        return await self._run(joined(), self._until)

    async def close(self) -> None:
        """Close the response; its connection can be used again if the body was read."""
        if not self._response.is_closed:
            with suppress(httpx.RequestError):  # what was read is whole, or has failed before
                await self._run(self._response.aclose(), time.monotonic() + _CLOSING_S)

    async def _trace(self, event: str, _: Any) -> None:
        """Note what httpcore does; its events are named like `http11.receive_response_headers.started`."""
        import asyncio  # here, as importing it takes half as long as httpx

        self._may_be_canceled = event.endswith(".started") and "response_closed" not in event
        if self._may_be_canceled and self._is_ending:
            raise asyncio.CancelledError

    async def _run(self, step: Awaitable[T], until: float) -> T:
        """Return what a step returns; raises httpx.ReadTimeout if it does not end in time."""
        import asyncio

        task, is_late = asyncio.ensure_future(step), True
        try:
            is_late = not await ends(task, until)
        finally:
            if is_late:
                ending = asyncio.create_task(self._end(task))
                _ending.add(ending)
                ending.add_done_callback(_ending.discard)
                await asyncio.wait([ending])
        if is_late:
            raise httpx.ReadTimeout("no whole answer came in time")
        return task.result()

    async def _end(self, task: asyncio.Future[Any]) -> None:
        """Cancel a step where its connection is not lost; close the response that it has nevertheless."""
        import asyncio

        self._is_ending = True
        if not self._may_be_canceled:
            await asyncio.wait([task], timeout=_GRACE_S)
        task.cancel()
        await asyncio.wait([task])
        response = None if task.cancelled() or task.exception() else task.result()
        if isinstance(response, httpx.Response):
            await response.aclose()


async def ends(task: asyncio.Future[Any], until: float) -> bool:
    """Wait for a task, at the longest until an instant; return whether it has ended."""
    import asyncio

    left_s = until - time.monotonic()
    await asyncio.wait([task], timeout=None if math.isinf(left_s) else max(0.0, left_s))
    return task.done()


@asynccontextmanager
async def transfer(
    sender: Sender, method: str, url: str, headers: Mapping[str, str], content: Any, until: float
) -> AsyncIterator[Transfer]:
    """Send a request, and close its response in the end; raises httpx.RequestError."""
    one = Transfer(sender, until)
    await one.begin(method, url, headers, content)
    try:
        yield one
    finally:
        await one.close()
