"""One request and its repetitions: the one place that decides what is sent again, and when.

| answer                                             | is it sent again?                        |
|----------------------------------------------------|------------------------------------------|
| none, or only a part of one                        | yes                                      |
| 429                                                | yes                                      |
| 500, 502, 503, 504 that is no problem of the API's | yes: the gateway's, or a proxy's         |
| problem `try-again`, `unavailable`                 | yes, unless it is the outcome of a job   |
| any other                                          | no                                       |

The wait is `Retry-After`, else random between 0 and 1, 2, 4 and at most 8 s ("full jitter"). It ends
when the time is up, or would be up before the next try. A submit always has an idempotency key, so
that a repeated one finds the same job; the sync door may run the operation again.
"""

from __future__ import annotations

import contextlib
import json as json_
import math
import platform
import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Union

import httpx

from nowlater_client import errors
from nowlater_client.terms import Seconds, seconds, whole
from nowlater_client.transfer import TRY_S, Transfer, transfer
from nowlater_client.version import __version__

if TYPE_CHECKING:
    from nowlater_client.sender import Sender

Timeout = Union[float, timedelta, None]  # noqa: UP007 - evaluated by Python 3.10

#: With no time left, one look is still worth a second.
LEAST_S = 1.0
#: Seconds in which a URL that has never answered is tried: a wrong one should be told soon.
FIRST_CONTACT_S = 5.0
#: How often S3 may refuse in a row; each time, the API is asked for a new URL.
MOST_REFUSALS = 4
_MAX_JITTER_S = 8.0
_PROBLEM = "application/problem+json"
_AGENT = f"nowlater-client/{__version__} python/{platform.python_version()}"
#: What happened before the request was sent.
_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
#: What no repetition changes.
_FINAL = (httpx.UnsupportedProtocol, httpx.LocalProtocolError)


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    #: By names in lower case.
    headers: Mapping[str, str]
    body: bytes = b""
    #: What an error about this answer names: job and idempotency key.
    known: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def json(self) -> Any:
        return json_.loads(self.body)

    def object(self, *names: str) -> dict[str, Any]:
        """Return the JSON object with these members; raises NotNowlater if it is none."""
        found = self.json() if _is_json(self) else None
        if not isinstance(found, dict) or not found.keys() >= set(names):
            raise self.foreign()
        return found

    def foreign(self) -> errors.NowlaterError:
        """Return the error that this answer is not the API's."""
        to = f" to {self.headers['location']}" if "location" in self.headers else ""
        text = f"This answer is not from a nowlater API: {self.status}{to}, {self.body[:80]!r}."
        return errors.NotNowlater(text, status=self.status, **self.known)


def until(timeout: Timeout) -> float:
    """Return the instant (of `time.monotonic`) after so many seconds; None: no end."""
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if seconds is None:
        return math.inf
    is_number = isinstance(seconds, (int, float)) and not isinstance(seconds, bool)
    if not is_number or math.isnan(seconds):
        raise ValueError(f"A timeout is a number of seconds, a timedelta or None: {timeout!r}.")
    return time.monotonic() + seconds


class Refused(httpx.ReadError):
    """S3 refused a URL, such as one that became too old."""


class Tries:
    """The tries of one request: how many there are, and until when."""

    def __init__(self, until: float, patience_s: float, max_retries: int) -> None:
        self._until, self._patience_s, self._left = until, patience_s, max_retries
        self.are_over = False
        self.renew()

    def renew(self) -> None:
        """Begin again with short waits and the whole patience: something has arrived."""
        self._jitter_s, is_limited = 1.0, math.isfinite(self._until)
        self._last = self._until if is_limited else time.monotonic() + self._patience_s

    def extend(self, seconds: float) -> None:
        """Have more patience, unless the end is fixed: it took so long to send a file."""
        if not math.isfinite(self._until):
            self._last += seconds

    def end_of_next(self) -> float:
        """Return until when the next try may last."""
        return min(self._last, time.monotonic() + TRY_S)

    async def pause(self, fault: errors.NowlaterError, wait_s: float | None = None) -> None:
        """Wait until the next try; raises the fault if there is none."""
        wait_s = wait_s or random.uniform(0, self._jitter_s)
        if self.are_over or self._left <= 0:
            raise fault
        if time.monotonic() + wait_s >= self._last:
            if self._last == self._until and isinstance(fault, errors.Unreachable):
                raise errors.RequestTimeout(*fault.args, job_id=fault.job_id, key=fault.key)
            raise fault
        self._left, self._jitter_s = self._left - 1, min(_MAX_JITTER_S, 2 * self._jitter_s)
        await sleep(wait_s)


@dataclass
class Connection:
    """URL, key and options of a client, and what sends its requests."""

    url: str
    key: str = field(repr=False)
    timeout: Seconds
    max_retries: int
    #: Called with each answer of the API, also with those after which the request is repeated.
    on_reply: Callable[[Reply], object] | None
    sender: Sender
    has_answered: bool = False

    def __post_init__(self) -> None:
        self.timeout_s = seconds(self.timeout, "timeout")
        whole(self.max_retries, "max_retries")

    async def send(
        self,
        method: str,
        path: str,
        *,
        until: float,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        job_id: str | None = None,
        key: str | None = None,
    ) -> Reply:
        """Send a request to the API until it is answered; raises the error of a problem, or Unreachable.

        `path` may be a URL of this API, such as a link of a job: only its path counts, and the key goes to
        no other host.
        """
        began, tries = time.monotonic(), Tries(until, self.timeout_s, self.max_retries)
        known: dict[str, Any] = {"job_id": job_id, "key": key}
        content = None if json is None else to_json(json)
        sent = self._head(headers, key, content)
        url = self._url(path)
        with self.naming(job_id, key):
            while True:
                fault: errors.NowlaterError
                wait_s = None
                try:
                    reply = await self.read(method, url, sent, content, tries.end_of_next())
                except httpx.RequestError as error:
                    text = f"{method} {url.partition('?')[0]}: {reason(error)}."
                    fault = errors.Unreachable(text, **known)
                    tries.are_over = self._is_final(error, began)
                else:
                    reply = replace(reply, known=known)
                    self.has_answered = True
                    if self.on_reply is not None:
                        self.on_reply(reply)
                    if not is_sent_again(reply, method):
                        break
                    fault, wait_s = error_of(reply, **known), retry_after_s(reply)
                await tries.pause(fault, wait_s)
        if reply.status >= 400:
            raise error_of(reply, **known)
        return reply

    @contextlib.contextmanager
    def naming(self, job_id: str | None, key: str | None = None) -> Iterator[None]:
        """Name the job and the key in the error, if the client is closed meanwhile."""
        import asyncio  # here, as importing it takes half as long as httpx

        try:
            yield
        except errors.ClientClosed as error:
            error.job_id, error.key = error.job_id or job_id, error.key or key
            raise
        except asyncio.CancelledError:
            if not self.sender.is_closed:
                raise
            text = "The client was closed meanwhile."
            raise errors.ClientClosed(text, job_id=job_id, key=key) from None

    def _url(self, path: str) -> str:
        """Return the URL of a path, which may be a whole URL of this API."""
        if "://" in path:
            base = httpx.URL(self.url).path.rstrip("/")
            path = path.partition("://")[2].partition("/")[2]
            path = f"/{path}".removeprefix(f"{base}/") if base else path
        return f"{self.url}/{path.lstrip('/')}"

    def _is_final(self, error: httpx.RequestError, began: float) -> bool:
        """Return whether a failure is reported at once, as it shows that the URL is wrong."""
        if self.has_answered or not isinstance(error, _UNSENT):
            return is_hopeless(error)
        is_old = time.monotonic() - began > FIRST_CONTACT_S
        return is_old or is_hopeless(error) or is_wrong_url(error)

    def _head(
        self, headers: Mapping[str, str] | None, key: str | None, content: bytes | None
    ) -> httpx.Headers:
        """Return the headers; their repr hides the key of the API."""
        sent = httpx.Headers({"authorization": f"Bearer {self.key}", "user-agent": _AGENT})
        if content is not None:
            sent["content-type"] = "application/json"
        sent.update(headers)
        if key is not None:
            sent["idempotency-key"] = key
        return sent

    async def read(
        self, method: str, url: str, headers: Mapping[str, str], content: Any, until: float
    ) -> Reply:
        """Return the whole answer to a request that is sent once; raises httpx.RequestError."""

        async with self.open(method, url, headers, content, until) as response:
            return Reply(response.status, response.headers, await response.body())

    def open(
        self, method: str, url: str, headers: Mapping[str, str], content: Any, until: float
    ) -> AbstractAsyncContextManager[Transfer]:
        """Send a request once, to read its response in pieces; raises httpx.RequestError."""
        return transfer(self.sender, method, url, headers, content, until)


def to_json(value: Any) -> bytes:
    """Return JSON; raises ValueError for what JSON cannot have: NaN, lone surrogates, endless depth."""
    try:
        return json_.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise ValueError(f"This cannot be sent as JSON: {error}.") from error


async def sleep(seconds: float) -> None:
    """Wait."""
    import asyncio  # here, as importing it takes half as long as httpx

    await asyncio.sleep(seconds)


def reason(error: Exception) -> str:
    """Return what a failure of the connection says."""
    return f"{error}" or type(error).__name__


def is_hopeless(error: httpx.RequestError) -> bool:
    """Return whether no repetition changes this failure."""
    return isinstance(error, _FINAL) or "CERTIFICATE_VERIFY_FAILED" in f"{error}"


def is_wrong_url(error: httpx.RequestError) -> bool:
    """Return whether the host does not exist, or does not speak TLS as its URL says."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            return cause.reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE")
        if isinstance(cause, socket.gaierror):
            return cause.errno == socket.EAI_NONAME
        cause = cause.__cause__ or cause.__context__
    return False


def is_sent_again(reply: Reply, method: str = "GET") -> bool:
    """Tell whether the request is repeated after this answer: see the table above."""
    is_json = reply.media_type in ("application/json", _PROBLEM) and method.upper() != "HEAD"
    is_file = "content-security-policy" in reply.headers
    if is_json and not is_file and reply.status // 100 in (2, 4) and not _is_json(reply):
        return True  # something between cut it
    if reply.media_type == _PROBLEM:
        is_of_job = "content-location" in reply.headers
        code = _problem(reply).get("code")
        return reply.status == 429 or (code in ("try-again", "unavailable") and not is_of_job)
    return reply.status in (429, 500, 502, 503, 504)


def retry_after_s(reply: Reply) -> float | None:
    """Return the seconds of Retry-After (RFC 9110, 10.2.3); None without one that can be read."""
    value = reply.headers.get("retry-after", "")
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    with contextlib.suppress(ValueError, TypeError):
        at = parsedate_to_datetime(value).replace(tzinfo=timezone.utc)
        return max(0.0, (at - datetime.now(timezone.utc)).total_seconds())
    return None


def error_of(reply: Reply, **known: Any) -> errors.NowlaterError:
    """Return the exception of an answer with status 400 or more."""
    names = ("apigw-requestid", "x-amzn-requestid")
    known["request_id"] = next((reply.headers[n] for n in names if n in reply.headers), None)
    location = reply.headers.get("content-location")
    if location:
        known["job_id"] = location.rpartition("/")[2]
    if reply.media_type == _PROBLEM:
        return errors.from_problem(_problem(reply), **known | {"status": reply.status})
    kind = errors.Unauthorized if reply.status in (401, 403) else errors.NowlaterError
    kind = errors.TooLarge if reply.status == 413 else kind
    text = reply.body[:200].decode(errors="replace")
    return kind(f"The answer is {reply.status}: {text}", status=reply.status, **known)


def _problem(reply: Reply) -> dict[str, Any]:
    found = reply.json() if _is_json(reply) else None
    return found if isinstance(found, dict) else {}


def _is_json(reply: Reply) -> bool:
    try:
        reply.json()
    except ValueError:
        return False
    return True
