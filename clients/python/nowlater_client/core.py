"""What a client does: coroutines that `AsyncClient` has as methods, and `Client` runs in a thread."""

from __future__ import annotations

import contextlib
import copy
import math
import os
import sys
import time
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any, Generic, Literal, TypeVar
from urllib.parse import quote, urlencode

import httpx

from nowlater_client import errors, models, uploads
from nowlater_client.exchange import (
    LEAST_S,
    Connection,
    Reply,
    Timeout,
    retry_after_s,
    sleep,
    until,
)
from nowlater_client.files import Content, Source, Upload, in_time, writer
from nowlater_client.models import JobState
from nowlater_client.portal import Portal, calling
from nowlater_client.results import fetch, pieces, result_of
from nowlater_client.sender import Sender
from nowlater_client.terms import (
    Filters,
    Seconds,
    Terms,
    choices,
    instant,
    members,
    seconds,
    text,
    texts,
    whole,
)
from nowlater_client.uploads import prepare

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

#: The longest wait of the hybrid door, and of a status request.
MAX_HYBRID_S, MAX_POLL_S = 25, 20
#: Someone who looks at progress wants to see it at least so often, in seconds.
CLOSELY_S = 1.0
#: Between two looks at a job, even if the API asks for none.
_LEAST_PAUSE_S = 0.05
_PAGE = 100
#: What each job has.
JOB = ("id", "operation", "status")

H = TypeVar("H")
J = TypeVar("J", bound="JobHandle")
Action = Literal["cancel", "retry", "erase"]


class Api(Generic[J, H]):
    """What both clients are made of: URL, key, options, and connections."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        timeout: Seconds = 60.0,
        max_retries: int = 1000,
        http_client: H | None = None,
        on_reply: Callable[[Reply], object] | None = None,
    ) -> None:
        url, key = (url or "").strip().rstrip("/"), (key or "").strip()
        if not is_url(url):
            raise errors.Misconfigured(f"The URL must be like https://api.example.com: {url!r}.")
        if not key or not key.isascii() or not key.isprintable():
            raise errors.Misconfigured("The API key is empty, or has characters that no key has.")
        self._is_copy, sender = False, Sender(http_client)
        self._portal = Portal(sender)  # which `Client` alone starts
        self._connection = Connection(url, key, timeout, max_retries, on_reply, sender)
        self._doors: dict[str, str] = {}  # operation → the door that `call` found to serve it

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"

    @property
    def url(self) -> str:
        """The URL of the API."""
        return self._connection.url

    def _new_job(self, raw: dict[str, Any]) -> J:
        """Return a job of this client."""
        raise NotImplementedError

    @classmethod
    def from_env(cls, **options: Any) -> Self:
        """Return a client for NOWLATER_URL and NOWLATER_KEY; raises Misconfigured."""
        url, key = os.environ.get("NOWLATER_URL"), os.environ.get("NOWLATER_KEY")
        missing = [n for n, v in (("NOWLATER_URL", url), ("NOWLATER_KEY", key)) if not v]
        if not url or not key:
            raise errors.Misconfigured(f"The environment has no {' and no '.join(missing)}.")
        return cls(url, key, **options)

    def with_options(
        self,
        *,
        timeout: Seconds | None = None,
        max_retries: int | None = None,
        on_reply: Callable[[Reply], object] | None = None,
    ) -> Self:
        """Return a client with other options, which shares this one's connections."""
        given = {"timeout": timeout, "max_retries": max_retries, "on_reply": on_reply}
        changed: Any = {name: value for name, value in given.items() if value is not None}
        other = copy.copy(self)
        other._is_copy, other._connection = True, replace(self._connection, **changed)
        return other


def is_url(text: str) -> bool:
    """Return whether this is the URL of an API: scheme, host, and at most a path."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    rest = url.query or url.fragment or url.userinfo or " " in text
    return url.scheme in ("http", "https") and bool(url.host) and not rest


class JobHandle(JobState):
    """A job, with the client that follows it; its fields are as the API returned them last."""

    _client: Api[Any, Any]

    def __init__(self, client: Api[Any, Any], raw: dict[str, Any]) -> None:
        self.__dict__["_client"] = client
        self._update(raw)

    def _update(self, raw: dict[str, Any]) -> Self:
        self.__dict__.update(vars(JobState(raw)))
        return self

    async def _read(self, method: str, path: str = "", until: float = math.inf) -> Self:
        return self._update((await self._send(method, path, until)).object(*JOB))

    async def _send(
        self, method: str, path: str = "", until: float = math.inf, **options: Any
    ) -> Reply:
        path = f"/jobs/{quote(self.id, safe='')}{path}"
        return await self._client._connection.send(
            method, path, until=until, job_id=self.id, **options
        )


async def call(
    client: Api[J, Any],
    operation: str,
    input: Mapping[str, Any] | None = None,
    *,
    wait: float | None = None,
    strict: bool = False,
    timeout: Timeout = None,
    key: str | None = None,
    on_progress: Callable[[J], object] | None = None,
    **terms: Unpack[Terms],
) -> Any:
    """Run an operation and return its result: JSON, or `File` (bytes).

    It goes to the sync door. With `wait` (seconds that the hybrid door waits) or any option of a job,
    or if the sync door does not serve the operation or is too small for it, it is a job: `call` then
    waits for its end. With `strict`, a job that has not ended after `wait` is canceled: TimedOut.
    `timeout` bounds all of it; None waits until the job has ended.
    """
    end, options, operation = until(timeout), members(**terms), text(operation, "operation")
    is_job = bool(options) or strict or any(one is not None for one in (wait, key, on_progress))
    wait_s, key = MAX_HYBRID_S if wait is None else seconds(wait, "wait"), checked(key)
    body = {"input": await prepare(client._connection, input, end, key), **options}
    if not is_job and client._doors.get(operation, "sync") == "sync":
        try:
            return result_of(await _post(client, "sync", operation, end, body))
        except (errors.UnknownOperation, errors.ResultTooLarge, errors.TimedOut) as error:
            if not isinstance(error, errors.UnknownOperation) and "instead" not in error.problem:
                raise
            client._doors[operation] = "hybrid"
    reply = await _hybrid(client, operation, end, body, wait_s, strict, key)
    if reply.status == 200:
        return result_of(reply)
    job = client._new_job(reply.object(*JOB))
    await _wait(job, end, on_progress)
    return await fetch(job, end)


async def _post(
    client: Api[Any, Any], door: str, operation: str, end: float, body: Any, **options: Any
) -> Reply:
    path = f"/{door}/{quote(operation, safe='')}"
    return await client._connection.send("POST", path, until=end, json=body, **options)


async def _hybrid(
    client: Api[Any, Any],
    operation: str,
    end: float,
    body: Any,
    longest_s: float,
    strict: bool,
    key: str,
) -> Reply:
    """Send a job to the hybrid door, or to the async one if only that serves the operation."""
    patience_s = client._connection.timeout_s
    if strict:  # to wait longer than the client's timeout is wished
        end = min(end, time.monotonic() + longest_s + patience_s)
    else:
        longest_s = min(longest_s, patience_s / 2)
    wait_s = max(int(strict), int(min(longest_s, MAX_HYBRID_S, end - time.monotonic() - LEAST_S)))
    prefer = f"wait={wait_s}" + ", handling=strict" * strict if wait_s else "respond-async"
    if strict or client._doors.get(operation) != "async":
        try:
            headers = {"prefer": prefer}
            return await _post(client, "hybrid", operation, end, body, headers=headers, key=key)
        except errors.UnknownOperation:
            if strict:
                raise
    reply = await _post(client, "async", operation, end, body, key=key)
    client._doors[operation] = "async"
    return reply


async def submit(
    client: Api[J, Any],
    operation: str,
    input: Mapping[str, Any] | None = None,
    *,
    key: str | None = None,
    timeout: Timeout = None,
    **terms: Unpack[Terms],
) -> J:
    """Submit a job and return it.

    `terms`: `start`, `deadline`, `retention`, `callback`, `tags`; see `Terms`. `key`: the idempotency key; the
    same key, operation, input (large files too) and terms give the same job for 24 hours. Without one, a
    new key is used for all repetitions; an exception has it as `key`.
    """
    end, key, operation = until(timeout), checked(key), text(operation, "operation")
    options = members(**terms)
    body = {"input": await prepare(client._connection, input, end, key), **options}
    reply = await _post(client, "async", operation, end, body, key=key)
    return client._new_job(reply.object(*JOB))


def new_key() -> str:
    """Return a new idempotency key."""
    return uuid.uuid4().hex


def checked(key: str | None) -> str:
    """Return an idempotency key, or a new one for None; raises ValueError if no header can have it."""
    if key is None:
        return new_key()
    if not isinstance(key, str) or not key.strip() or not key.isascii() or not key.isprintable():
        raise ValueError(f"An idempotency key has printable ASCII characters: key={key!r}.")
    return key


async def job(client: Api[J, Any], job_id: str, *, timeout: Timeout = None) -> J:
    """Return the job with this id, such as one that an earlier process submitted."""
    if not isinstance(job_id, str) or not job_id:
        raise ValueError(f"The id of the job is no text, or empty: {job_id!r}.")
    path = f"/jobs/{quote(job_id, safe='')}"
    reply = await client._connection.send("GET", path, until=until(timeout), job_id=job_id)
    return client._new_job(reply.object(*JOB))


async def refresh(job: J, *, timeout: Timeout = None) -> J:
    """Read the job again."""
    return await job._read("GET", until=until(timeout))


async def wait(
    job: J, timeout: Timeout = None, on_progress: Callable[[J], object] | None = None
) -> J:
    """Return the job once it has ended; raises WaitTimeout after `timeout` seconds.

    None waits until its end, which comes at its deadline at the latest. `on_progress` is called with the
    job whenever its status or progress has changed.
    """
    return await _wait(job, until(timeout), on_progress)


async def _wait(job: J, end: float, on_progress: Callable[[J], object] | None = None) -> J:
    with job._client._connection.naming(job.id):
        async for _ in _follow(job, end, is_watched=on_progress is not None):
            if on_progress is not None:
                await calling(on_progress, job)
    return job


async def events(job: J, timeout: Timeout = None) -> AsyncGenerator[J, None]:
    """Yield the job as it is now, and whenever its status or progress changes, until it has ended."""
    async for _ in _follow(job, until(timeout), is_watched=True):
        yield job


async def _follow(job: JobHandle, end: float, *, is_watched: bool) -> AsyncGenerator[None, None]:
    """Read a job until it has ended, by long polls, or often if it is watched; yield at changes."""
    began, seen = time.monotonic(), None
    while True:
        if (job.status, job.updated) != seen:
            seen = job.status, job.updated
            yield
        if job.has_ended:
            return
        left_s = end - time.monotonic()
        longest_s = min(left_s - 0.5, MAX_POLL_S, job._client._connection.timeout_s / 2)
        poll_s = 0 if is_watched else max(0, int(longest_s))
        headers = {"prefer": f"wait={poll_s}"} if poll_s else {}
        try:
            reply = await job._send("GET", until=max(end, began + LEAST_S), headers=headers)
        except errors.RequestTimeout as error:
            raise _too_late(job, began) from error
        job._update(reply.object(*JOB))
        if job.has_ended or "preference-applied" in reply.headers:
            continue  # the API has waited already
        left_s = end - time.monotonic()
        if left_s <= 0:
            raise _too_late(job, began)
        wished_s = retry_after_s(reply)
        wait_s = max(_LEAST_PAUSE_S, min(MAX_POLL_S, 1.0 if wished_s is None else wished_s))
        await sleep(min(wait_s, left_s, CLOSELY_S if is_watched else wait_s))


def _too_late(job: JobHandle, began: float) -> errors.WaitTimeout:
    waited_s = round(time.monotonic() - began, 1)
    text = f"The job {job.operation} is {job.status} after {waited_s:g} s."
    return errors.WaitTimeout(text, job_id=job.id)


async def result(
    job: J, timeout: Timeout = None, on_progress: Callable[[J], object] | None = None
) -> Any:
    """Wait for the job's end, and return its result: JSON, or `File` (bytes).

    Raises the job's error if it failed or was canceled, and WaitTimeout after `timeout` seconds.
    """
    end = until(timeout)
    await _wait(job, end, on_progress)
    return await fetch(job, end)


async def stream(job: JobHandle, timeout: Timeout = None) -> AsyncGenerator[bytes, None]:
    """Wait for the job's end, and yield the bytes of its result, piece by piece.

    A broken stream continues where it ended, or raises Unreachable. To close the iterator frees the
    connection.
    """
    end = until(timeout)
    await _wait(job, end)
    async with contextlib.aclosing(pieces(job, end, {})) as read:
        async for piece in read:
            yield piece


async def download(
    job: JobHandle, to: str | os.PathLike[str] | IO[bytes], timeout: Timeout = None
) -> None:
    """Wait for the job's end, and write its result to a path or a binary file, as `stream` reads it.

    At a path, the file appears when it is whole; a link, a pipe or a device stays one.
    """
    end = until(timeout)
    async with writer(to, end) as write:
        left = contextlib.aclosing(stream(job, end - time.monotonic()))
        async with left as pieces:
            async for piece in pieces:
                await write(piece)


async def cancel(job: J, *, timeout: Timeout = None) -> J:
    """Cancel an unfinished job; a running attempt stops at its next progress report."""
    return await job._read("POST", "/cancel", until(timeout))


async def retry(job: J, *, key: str | None = None, timeout: Timeout = None) -> J:
    """Submit an ended job again, with the same input; return the new job."""
    reply = await job._send("POST", "/retry", until(timeout), key=checked(key))
    return type(job)(job._client, reply.object(*JOB))


async def erase(job: JobHandle, *, timeout: Timeout = None) -> None:
    """Erase an ended job: input, result, error, tags and deliveries. To do it twice is no error."""
    with contextlib.suppress(errors.JobExpired):
        await job._send("DELETE", until=until(timeout))


async def deliveries(job: JobHandle) -> list[models.Delivery]:
    """Return the deliveries of the job's webhook."""
    found = (await job._send("GET", "/deliveries")).json()["deliveries"]
    return [models.Delivery(raw) for raw in found]


async def replay(job: JobHandle, number: int = 1) -> models.Delivery:
    """Send a webhook again, with the same id."""
    reply = await job._send("POST", f"/deliveries/{number}/replay")
    return models.Delivery(reply.json())


async def jobs(
    client: Api[J, Any], *, limit: int | None = None, **filters: Unpack[Filters]
) -> AsyncGenerator[J, None]:
    """Yield your jobs, newest first: those that match all filters, at most `limit`.

    `filters`: `status`, `operation`, `tags`, `since`, `until`; see `Filters`. The list can be a second
    behind.
    """
    query = [pair for pair in _query(**filters) if pair[0] not in ("since", "until")]
    since, end = filters.get("since"), filters.get("until")
    query += [("cursor", _id_at(end))] if end else []
    async for raw in _list(client, "jobs", query, limit):
        job = client._new_job(raw)
        if since and job.created < since:
            return
        yield job


async def _list(
    client: Api[Any, Any], name: str, query: list[tuple[str, str]], limit: int | None
) -> AsyncGenerator[dict[str, Any], None]:
    """Yield the members of a list, page after page."""
    left = sys.maxsize if limit is None else whole(limit, "limit")
    path = f"/{name}?{urlencode([*query, ('limit', min(left, _PAGE))])}"
    while path and left:
        page = await _get(client, path, name, "next")
        for raw in page[name][:left]:
            yield raw
            left -= 1
        path = page["next"]


async def _get(
    client: Api[Any, Any], path: str, *names: str, until: float = math.inf
) -> dict[str, Any]:
    """Return the JSON object at a path, which has these members."""
    return (await client._connection.send("GET", path, until=until)).object(*names)


def _query(
    *,
    status: str | Sequence[str] | None = None,
    operation: str | None = None,
    tags: Mapping[str, str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    state: str | list[str] | None = None,
) -> list[tuple[str, str]]:
    """Return filters as they are in a URL."""
    several = {"status": status, "state": state, "operation": operation}
    pairs = [(name, one) for name, value in several.items() for one in choices(value, name)]
    pairs += [("tag", f"{name}:{value}") for name, value in (texts(tags, "tags") or {}).items()]
    return pairs + [(n, instant(t, n)) for n, t in (("since", since), ("until", until)) if t]


def _id_at(instant: datetime) -> str:
    """Return the smallest id of a job that was accepted then: ids sort by time."""
    milliseconds = math.ceil(instant.timestamp() * 1000)
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62))


async def counts(
    client: Api[Any, Any], *, interval: int | None = None, **filters: Unpack[Filters]
) -> list[dict[str, Any]]:
    """Return the numbers of your jobs by operation and status, and for each `interval` of seconds.

    Each is `{"from": …, "operation": …, "status": …, "jobs": …}`. It reads all these jobs: ask seldom.
    """
    query = _query(**filters) + (
        [("interval", f"{whole(interval, 'interval', 1)}")] if interval is not None else []
    )
    names, sums = ("from", "operation", "status"), Counter[tuple[Any, ...]]()
    while True:
        page = await _get(client, f"/jobs/counts?{urlencode(query)}", "counts", "complete")
        for one in page["counts"]:
            sums[tuple(one[name] for name in names)] += one["jobs"]
        if page["complete"]:
            groups = sorted(sums.items(), key=lambda item: [f"{part}" for part in item[0]])
            return [dict(zip((*names, "jobs"), (*group, n), strict=True)) for group, n in groups]
        query = [pair for pair in query if pair[0] != "until"] + [("until", page["since"])]


async def all_deliveries(
    client: Api[Any, Any],
    *,
    state: str | list[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> AsyncGenerator[models.Delivery, None]:
    """Yield the deliveries of your jobs' webhooks, newest job first, each with its last attempt.

    `state`: some of `waiting`, `delivered`, `given-up`. `since`, `until`: when the job was accepted.
    """
    query = _query(state=state, since=since, until=until)
    async for raw in _list(client, "deliveries", query, limit):
        yield models.Delivery(raw)


async def lanes(client: Api[Any, Any]) -> dict[str, Any]:
    """Return what waits and runs in the two lanes: of all owners, and of yours."""
    return await _get(client, "/lanes")


async def operations(client: Api[Any, Any]) -> list[models.Operation]:
    """Return all operations, without their schemas."""
    found = (await _get(client, "/operations", "operations"))["operations"]
    return [models.Operation(raw) for raw in found]


async def operation(client: Api[Any, Any], name: str) -> models.Operation:
    """Return an operation with its JSON Schemas, limits and run times."""
    path = f"/operations/{quote(text(name, 'name'), safe='')}"
    return models.Operation(await _get(client, path, "name"))


async def secret(client: Api[Any, Any], host: str) -> models.Secret:
    """Return the secret that signs your webhooks to a host."""
    path = f"/webhooks/secret?{urlencode({'host': text(host, 'host')})}"
    return models.Secret(await _get(client, path, "secret"))


async def rotate_secret(client: Api[Any, Any]) -> dict[str, str]:
    """Make new secrets for all hosts; the previous ones sign too, until `previous_until`.

    It is not repeated: after Unreachable, look at `client.secret(host)` first.
    """
    once = replace(client._connection, max_retries=0)  # a second rotation would drop a secret
    return (await once.send("POST", "/webhooks/secret/rotate", until=math.inf)).object()


async def request(
    client: Api[Any, Any],
    method: str,
    path: str,
    *,
    json: Any = None,
    headers: Mapping[str, str] | None = None,
    key: str | None = None,
    timeout: Timeout = None,
) -> Reply:
    """Send any request to the API, and return its answer: status, headers, body.

    It is repeated as all others; a problem raises its exception.
    """
    if key is not None or method.upper() == "POST":
        key = checked(key)  # a repeated submit finds its job
    return await client._connection.send(
        method, path, until=until(timeout), json=json, headers=headers, key=key
    )


async def upload(
    client: Api[Any, Any],
    source: Source,
    media_type: str | None = None,
    *,
    timeout: Timeout = None,
) -> Upload:
    """Upload a file (a path, bytes, or an open binary file) of up to 5 GiB, to use it in inputs.

    `call` and `submit` do this by themselves with a large file in the input.
    """
    end = until(timeout)
    content = await in_time(end, Content, source, media_type)
    return await uploads.send(client._connection, content, new_key(), end)
