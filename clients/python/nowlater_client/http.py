"""Requests and replies of the conversations in httpx's terms: the same for both clients."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import httpx

from nowlater_client import errors
from nowlater_client.exchange import Core
from nowlater_client.loop import Lost, Reply, Request

if TYPE_CHECKING:
    from typing_extensions import Self

H = TypeVar("H")

#: Seconds without a byte, after which a connection is given up.
_SILENCE_S = 40.0
_CONNECT_S = 10.0
#: What happened before the request was sent.
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
#: What no repetition changes.
_FINAL = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


class Connected(Generic[H]):
    """What both clients are made of: URL, key, options, and connections."""

    _new_http: Callable[[], H]

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: float = 60.0,
        max_retries: int = 1000,
        http_client: H | None = None,
    ) -> None:
        url, key = url.strip().rstrip("/"), key.strip()
        if not url.startswith(("http://", "https://")):
            raise errors.Misconfigured(f"The URL of the API must start with https://: {url!r}.")
        if not key or not key.isascii() or not key.isprintable():
            raise errors.Misconfigured("The API key is empty, or has characters that no key has.")
        self._core = Core(url, key, timeout, max_retries)
        self._owns_http = http_client is None
        self._http: H = type(self)._new_http() if http_client is None else http_client

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """Return a client for NOWLATER_URL and NOWLATER_KEY; raises Misconfigured."""
        url, key = os.environ.get("NOWLATER_URL"), os.environ.get("NOWLATER_KEY")
        if not url or not key:
            raise errors.Misconfigured("Set NOWLATER_URL and NOWLATER_KEY in the environment.")
        return cls(url, key, **options)

    def with_options(self, *, timeout: float | None = None, max_retries: int | None = None) -> Self:
        """Return a client with other options, which shares this one's connections."""
        other, core = copy.copy(self), self._core
        core = core if timeout is None else replace(core, timeout=timeout)
        core = core if max_retries is None else replace(core, max_retries=max_retries)
        other._core, other._owns_http = core, False
        return other


def to_httpx(request: Request, *, is_async: bool) -> httpx.Request:
    """Return a request that has nothing from the httpx client: no header, no credentials."""
    content: Any = request.content
    if callable(content):
        content = _asynchronous(content()) if is_async else content()
    left_s = max(0.1, request.until - time.monotonic())
    silence_s, connect_s = min(_SILENCE_S, left_s), min(_CONNECT_S, left_s)
    timeout = httpx.Timeout(silence_s, connect=connect_s).as_dict()
    sent = {"accept-encoding": "identity", **request.headers}
    try:
        return httpx.Request(
            request.method,
            request.url,
            headers=sent,
            content=content,
            extensions={"timeout": timeout},
        )
    except httpx.InvalidURL as error:
        raise errors.Misconfigured(f"The URL {request.url!r} is wrong: {error}.") from error


async def _asynchronous(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def lost(error: Exception) -> Exception:
    """Return a failure of the connection as `Lost`; another one, such as of a file, as it is."""
    if not isinstance(error, httpx.RequestError):
        return error
    text = f"{error}" or type(error).__name__
    is_certificate = "CERTIFICATE_VERIFY_FAILED" in text
    return Lost(
        text,
        is_unsent=isinstance(error, _UNSENT),
        is_final=is_certificate or isinstance(error, _FINAL),
    )


class Body:
    """Takes the pieces of an answer's body; the body of a success goes to the request's sink."""

    def __init__(self, request: Request, response: httpx.Response) -> None:
        self._sink = request.sink if response.status_code in (200, 206) else None
        self._chunks: list[bytes] = []
        self._response = response
        if self._sink is not None:
            self._sink.begin(response.status_code)

    def take(self, chunk: bytes) -> None:
        self._sink.write(chunk) if self._sink is not None else self._chunks.append(chunk)

    def reply(self) -> Reply:
        headers = {name.lower(): value for name, value in self._response.headers.items()}
        return Reply(self._response.status_code, headers, b"".join(self._chunks))
