"""What a client does, as conversations: `Client` and `AsyncClient` run them, and add nothing."""

from __future__ import annotations

import math
import os
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypedDict, Union
from urllib.parse import quote, urlencode

from nowlater_client import errors, models
from nowlater_client.exchange import Core, exchange
from nowlater_client.files import INLINE_BYTES, Content, File, Sink, Source, Upload, is_file
from nowlater_client.loop import Conversation, Emit, Lost, Pause, Reply, Request
from nowlater_client.models import JobState

if TYPE_CHECKING:
    from typing_extensions import Unpack

Seconds = Union[float, timedelta]  # noqa: UP007 - evaluated by Python 3.10
When = Union[Seconds, datetime, "dict[str, Any]"]
OnProgress = Callable[[JobState], object]

#: The longest wait of the hybrid door, and of a status request.
MAX_HYBRID_S, MAX_POLL_S = 25, 20
#: Someone who looks at progress wants to see it at least so often, in seconds.
CLOSELY_S = 1.0
#: With no time left, one look is still worth a second.
_LEAST_S = 1.0
_PAGE = 100


class Terms(TypedDict, total=False):
    """How a job is to be run."""

    #: Seconds or a timedelta from now, or a datetime: no attempt starts earlier.
    start: When
    #: The same: no attempt starts or succeeds later.
    deadline: When
    #: Seconds or a timedelta: how long the ended job can be read.
    retention: Seconds
    #: Where the completion event goes: a URL, or `{"url": …, "events": […]}`.
    callback: str | Mapping[str, Any]
    tags: Mapping[str, str]


def members(
    *,
    start: When | None = None,
    deadline: When | None = None,
    retention: Seconds | None = None,
    callback: Mapping[str, Any] | str | None = None,
    tags: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the terms of a job as members of the request, without those that are None."""
    found = {
        "start": _time(start, "after"),
        "deadline": _time(deadline, "within"),
        "retention": None if retention is None else math.ceil(_seconds(retention)),
        "callback": {"url": callback} if isinstance(callback, str) else callback,
        "tags": tags,
    }
    return {name: value for name, value in found.items() if value is not None}


def _seconds(value: Seconds) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _time(value: When | None, relative: str) -> dict[str, Any] | None:
    if value is None or isinstance(value, dict):
        return value
    if not isinstance(value, datetime):
        return {relative: _seconds(value)}
    if value.tzinfo is None:
        raise ValueError("The start or deadline needs a time zone: datetime.now(timezone.utc) + …")
    return {"at": value.isoformat()}


def call(
    core: Core,
    operation: str,
    input: Mapping[str, Any] | None = None,
    *,
    wait: float | None = None,
    timeout: float | None = None,
    key: str | None = None,
    on_progress: OnProgress | None = None,
    **terms: Unpack[Terms],
) -> Conversation[Any]:
    """Run an operation and return its result: JSON, or `File` (bytes).

    It goes to the sync door. With `wait` (seconds that the hybrid door waits) or any option of a job,
    or if the sync door does not serve the operation or is too small for it, it is a job: `call` then
    waits for its end. `timeout` bounds all of it; None waits until the job has ended.
    """
    until = core.until(timeout)
    asked = members(**terms)
    is_job = bool(asked) or any(one is not None for one in (wait, key, on_progress))
    body = {"input": (yield from prepare(core, input, until)), **asked}
    if not is_job and core.doors.get(operation, "sync") == "sync":
        try:
            return result_of(
                (
                    yield from exchange(
                        core, "POST", f"/sync/{quote(operation, safe='')}", until=until, json=body
                    )
                )
            )
        except (errors.UnknownOperation, errors.ResultTooLarge, errors.TimedOut) as error:
            if not isinstance(error, errors.UnknownOperation) and "instead" not in error.problem:
                raise
            core.doors[operation] = "hybrid"
    reply = yield from _hybrid(core, operation, body, wait, key or new_key(), until)
    if reply.status == 200:
        return result_of(reply)
    job = models.read(JobState, reply.json())
    left = None if timeout is None else until - time.monotonic()
    return (yield from result(core, job, left, on_progress))


def _hybrid(
    core: Core, operation: str, body: Any, wait: float | None, key: str, until: float
) -> Conversation[Reply]:
    """Send a job to the hybrid door, or to the async one if only that serves the operation."""
    left = MAX_HYBRID_S if wait is None else wait
    wait_s = max(0, int(min(left, MAX_HYBRID_S, until - time.monotonic() - _LEAST_S)))
    headers = {"prefer": f"wait={wait_s}" if wait_s else "respond-async"}
    door = "async" if core.doors.get(operation) == "async" else "hybrid"
    try:
        return (
            yield from exchange(
                core,
                "POST",
                f"/{door}/{quote(operation, safe='')}",
                until=until,
                json=body,
                headers=headers,
                key=key,
            )
        )
    except errors.UnknownOperation:
        if door == "async":
            raise
    path = f"/async/{quote(operation, safe='')}"
    reply = yield from exchange(core, "POST", path, until=until, json=body, key=key)
    core.doors[operation] = "async"
    return reply


def submit(
    core: Core,
    operation: str,
    input: Mapping[str, Any] | None = None,
    *,
    key: str | None = None,
    timeout: float | None = None,
    **terms: Unpack[Terms],
) -> Conversation[JobState]:
    """Submit a job and return it.

    `terms`: `start`, `deadline`, `retention`, `callback`, `tags`; see `Terms`. `key`: the idempotency key; the
    same key, operation and input give the same job for 24 hours. Without one, a new key is used for all
    repetitions; an exception has it as `key`.
    """
    until, key = core.until(timeout), key or new_key()
    body = {"input": (yield from prepare(core, input, until)), **members(**terms)}
    path = f"/async/{quote(operation, safe='')}"
    reply = yield from exchange(core, "POST", path, until=until, json=body, key=key)
    return models.read(JobState, reply.json())


def second(_: object, value: Any) -> Any:
    """Return a value as it is, whatever client it is for."""
    return value


def new_key() -> str:
    """Return a new idempotency key."""
    return uuid.uuid4().hex


def read_job(core: Core, job_id: str, *, timeout: float | None = None) -> Conversation[JobState]:
    """Return the job with this id, such as one that an earlier process submitted."""
    reply = yield from exchange(
        core, "GET", f"/jobs/{quote(job_id, safe='')}", until=core.until(timeout), job_id=job_id
    )
    return models.read(JobState, reply.json())


def refresh(core: Core, job: JobState, *, timeout: float | None = None) -> Conversation[JobState]:
    """Read the job again."""
    return (yield from read_job(core, job.id, timeout=timeout))


def wait(
    core: Core,
    job: JobState,
    timeout: float | None = None,
    on_progress: OnProgress | None = None,
) -> Conversation[JobState]:
    """Return the job once it has ended; raises WaitTimeout after `timeout` seconds.

    None waits until its end, which comes at its deadline at the latest. `on_progress` is called with the
    job whenever its status or progress has changed.
    """
    return (yield from _follow(core, job, timeout, on_progress, emits=False))


def events(core: Core, job: JobState, timeout: float | None = None) -> Conversation[JobState]:
    """Yield the job as it is now, and whenever its status or progress changes, until it has ended."""
    return (yield from _follow(core, job, timeout, None, emits=True))


def _follow(
    core: Core, job: JobState, timeout: float | None, tell: OnProgress | None, *, emits: bool
) -> Conversation[JobState]:
    """Read a job until it has ended: by long polls, or often if the caller takes its progress."""
    until = core.until(timeout)
    until_last = max(until, time.monotonic() + _LEAST_S)
    is_watched, seen = emits or tell is not None, None
    while True:
        if (job.status, job.updated) != seen and is_watched:
            seen = job.status, job.updated
            if tell:
                tell(job)
            if emits:
                yield Emit(job)
        if job.has_ended:
            return job
        left = until - time.monotonic()
        longest_s = min(left - 0.5, MAX_POLL_S, core.timeout / 2)
        poll_s = 0 if is_watched else max(0, int(longest_s))
        headers = {"prefer": f"wait={poll_s}"} if poll_s else {}
        try:
            reply = yield from exchange(
                core, "GET", f"/jobs/{job.id}", until=until_last, headers=headers, job_id=job.id
            )
        except errors.Unreachable as error:
            if time.monotonic() < until:
                raise
            raise _too_late(job, timeout) from error
        job = models.read(JobState, reply.json())
        if job.has_ended or "preference-applied" in reply.headers:
            continue  # the API has waited already
        left = until - time.monotonic()
        if left <= 0:
            raise _too_late(job, timeout)
        wait_s = float(reply.headers.get("retry-after", 1))
        yield Pause(min(wait_s, left, CLOSELY_S if is_watched else wait_s))


def _too_late(job: JobState, timeout: float | None) -> errors.WaitTimeout:
    text = f"The job {job.operation} is {job.status} after {timeout:g} s."
    return errors.WaitTimeout(text, job_id=job.id)


def result(
    core: Core,
    job: JobState,
    timeout: float | None = None,
    on_progress: OnProgress | None = None,
) -> Conversation[Any]:
    """Wait for the job's end, and return its result: JSON, or `File` (bytes).

    Raises the job's error if it failed or was canceled, and WaitTimeout after `timeout` seconds.
    """
    until = core.until(timeout)
    job = yield from wait(core, job, timeout, on_progress)
    return (yield from fetch(core, job, until))


def fetch(core: Core, job: JobState, until: float) -> Conversation[Any]:
    """Return the result of a job that has ended: the one inside the job, if that is certain."""
    if job.status != "succeeded":
        raise job.error or errors.NowlaterError("The job failed.", job_id=job.id)
    inline = job.raw.get("result")
    is_maybe_file = isinstance(inline, dict) and inline.keys() == {"base64", "media_type"}
    if inline is not None and not is_maybe_file:
        return inline
    return result_of((yield from _get_result(core, job, until, None)))


def _get_result(core: Core, job: JobState, until: float, sink: Sink | None) -> Conversation[Reply]:
    """Return the reply with the result: the API's, or S3's, which does not receive the key.

    A URL of S3 lives for minutes: after any failure, the API is asked for a new one.
    """
    until = max(until, time.monotonic() + _LEAST_S)
    patience, written = time.monotonic() + core.timeout, 0
    while True:
        path = f"/jobs/{job.id}/result"
        reply = yield from exchange(core, "GET", path, until=until, job_id=job.id)
        if reply.status != 303:
            if sink is not None:
                sink.begin(reply.status)
                sink.write(reply.body)
            return reply
        headers = {"range": f"bytes={sink.written}-"} if sink is not None and sink.written else {}
        to_s3 = Request("GET", reply.headers["location"], headers, None, until, sink)
        try:
            stored: Reply = yield to_s3
        except Lost as lost:
            fault = f"{lost}"
        else:
            if stored.status in (200, 206):
                return stored
            fault = f"S3 answered {stored.status}"
        if sink is not None and sink.written > written:
            patience, written = time.monotonic() + core.timeout, sink.written
        if time.monotonic() + 1 >= min(until, patience):
            raise errors.Unreachable(f"The result could not be read: {fault}.", job_id=job.id)
        yield Pause(1)


def result_of(reply: Reply) -> Any:
    """Return the result in an answer: a JSON value, or bytes with their media type."""
    if reply.media_type == "application/json" and "content-security-policy" not in reply.headers:
        return reply.json()
    return File(reply.body, reply.headers.get("content-type"))


def download(
    core: Core,
    job: JobState,
    to: str | os.PathLike[str] | IO[bytes],
    timeout: float | None = None,
) -> Conversation[None]:
    """Wait for the job's end, and write its result to a path or a binary file, piece by piece.

    A broken download continues where it ended. At a path, the file appears when it is whole.
    """
    until = core.until(timeout)
    ended = yield from wait(core, job, timeout)
    if ended.error is not None:
        raise ended.error
    if not isinstance(to, (str, os.PathLike)):
        yield from _get_result(core, ended, until, Sink(to))
        return
    part = Path(f"{os.fspath(to)}.{uuid.uuid4().hex[:8]}.part")
    try:
        with part.open("wb") as file:
            yield from _get_result(core, ended, until, Sink(file))
        part.replace(to)
    finally:
        part.unlink(missing_ok=True)


def cancel(core: Core, job: JobState, *, timeout: float | None = None) -> Conversation[JobState]:
    """Cancel an unfinished job; a running attempt stops at its next progress report."""
    path = f"/jobs/{job.id}/cancel"
    reply = yield from exchange(core, "POST", path, until=core.until(timeout), job_id=job.id)
    return models.read(JobState, reply.json())


def retry(
    core: Core, job: JobState, *, key: str | None = None, timeout: float | None = None
) -> Conversation[JobState]:
    """Submit an ended job again, with the same input; return the new job."""
    path, key = f"/jobs/{job.id}/retry", key or new_key()
    reply = yield from exchange(
        core, "POST", path, until=core.until(timeout), job_id=job.id, key=key
    )
    return models.read(JobState, reply.json())


def erase(core: Core, job: JobState, *, timeout: float | None = None) -> Conversation[None]:
    """Erase an ended job: input, result, error, tags and deliveries. To do it twice is no error."""
    path, until = f"/jobs/{job.id}", core.until(timeout)
    try:
        yield from exchange(core, "DELETE", path, until=until, job_id=job.id)
    except errors.JobExpired:
        return


def jobs(
    core: Core,
    *,
    status: str | list[str] | None = None,
    operation: str | None = None,
    tags: Mapping[str, str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> Conversation[None]:
    """Yield your jobs, newest first: those that match all filters, at most `limit`.

    `since` and `until` are times of acceptance. The list can be a second behind.
    """
    query = _filters(status, operation, tags)
    query += [("limit", str(min(limit or _PAGE, _PAGE)))]
    query += [("cursor", _id_at(until))] if until else []
    yield from _list(core, f"/jobs?{urlencode(query)}", "jobs", JobState, limit, since)


def _list(
    core: Core,
    path: str,
    name: str,
    model: type[Any],
    limit: int | None,
    since: datetime | None = None,
) -> Conversation[None]:
    """Emit the members of a list, page after page; until one that was created before `since`."""
    count = 0
    while path:
        page = (yield from exchange(core, "GET", path, until=core.until(None))).json()
        for found in (models.read(model, raw) for raw in page[name]):
            if since and found.created < since:
                return
            yield Emit(found)
            count += 1
            if count == limit:
                return
        path = page["next"]


def _filters(
    status: str | list[str] | None, operation: str | None, tags: Mapping[str, str] | None
) -> list[tuple[str, str]]:
    query = [("status", one) for one in ([status] if isinstance(status, str) else status or [])]
    query += [("operation", operation)] if operation else []
    return query + [("tag", f"{name}:{value}") for name, value in (tags or {}).items()]


def _id_at(instant: datetime) -> str:
    """Return the smallest id of a job that was accepted then: ids sort by time."""
    milliseconds = math.ceil(instant.timestamp() * 1000)
    return str(uuid.UUID(int=milliseconds << 80 | 7 << 76 | 2 << 62))


def counts(
    core: Core,
    *,
    status: str | list[str] | None = None,
    operation: str | None = None,
    tags: Mapping[str, str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    interval: int | None = None,
) -> Conversation[list[dict[str, Any]]]:
    """Return the numbers of your jobs by operation and status, and for each `interval` of seconds.

    Each is `{"from": …, "operation": …, "status": …, "jobs": …}`. It reads all these jobs: ask seldom.
    """
    query = _filters(status, operation, tags)
    query += [("since", since.isoformat())] if since else []
    query += [("interval", f"{interval}")] if interval else []
    end, sums = until.isoformat() if until else None, dict[tuple[Any, ...], int]()
    names = ("from", "operation", "status")
    while True:
        path = f"/jobs/counts?{urlencode([*query, *([('until', end)] if end else [])])}"
        page = (yield from exchange(core, "GET", path, until=core.until(None))).json()
        for one in page["counts"]:
            group = tuple(one[name] for name in names)
            sums[group] = sums.get(group, 0) + one["jobs"]
        if page["complete"]:
            groups = sorted(sums, key=lambda group: [f"{part}" for part in group])
            return [
                {**dict(zip(names, group, strict=True)), "jobs": sums[group]} for group in groups
            ]
        end = page["since"]


def lanes(core: Core) -> Conversation[dict[str, Any]]:
    """Return what waits and runs in the two lanes: of all owners, and of yours."""
    return dict((yield from exchange(core, "GET", "/lanes", until=core.until(None))).json())


def all_deliveries(
    core: Core,
    *,
    state: str | list[str] | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    limit: int | None = None,
) -> Conversation[None]:
    """Yield the deliveries of your jobs' webhooks, newest job first, each with its last attempt.

    `state`: some of `waiting`, `delivered`, `given-up`. `since`, `until`: when the job was accepted.
    """
    query = [("state", one) for one in ([state] if isinstance(state, str) else state or [])]
    query += [(n, t.isoformat()) for n, t in (("since", since), ("until", until)) if t]
    query += [("limit", str(min(limit or _PAGE, _PAGE)))]
    path = f"/deliveries?{urlencode(query)}"
    yield from _list(core, path, "deliveries", models.Delivery, limit)


def operations(core: Core) -> Conversation[list[models.Operation]]:
    """Return all operations, without their schemas."""
    reply = yield from exchange(core, "GET", "/operations", until=core.until(None))
    return [models.read(models.Operation, raw) for raw in reply.json()["operations"]]


def operation(core: Core, name: str) -> Conversation[models.Operation]:
    """Return an operation with its JSON Schemas, limits and run times."""
    reply = yield from exchange(
        core, "GET", f"/operations/{quote(name, safe='')}", until=core.until(None)
    )
    return models.read(models.Operation, reply.json())


def deliveries(core: Core, job: JobState) -> Conversation[list[models.Delivery]]:
    """Return the deliveries of the job's webhook."""
    path = f"/jobs/{job.id}/deliveries"
    reply = yield from exchange(core, "GET", path, until=core.until(None), job_id=job.id)
    return [models.read(models.Delivery, raw) for raw in reply.json()["deliveries"]]


def replay(core: Core, job: JobState, number: int = 1) -> Conversation[models.Delivery]:
    """Send a webhook again, with the same id."""
    path = f"/jobs/{job.id}/deliveries/{number}/replay"
    reply = yield from exchange(core, "POST", path, until=core.until(None), job_id=job.id)
    return models.read(models.Delivery, reply.json())


def secret(core: Core, host: str) -> Conversation[models.Secret]:
    """Return the secret that signs your webhooks to a host."""
    path = f"/webhooks/secret?{urlencode({'host': host})}"
    reply = yield from exchange(core, "GET", path, until=core.until(None))
    return models.read(models.Secret, reply.json())


def rotate_secret(core: Core) -> Conversation[dict[str, str]]:
    """Make new secrets for all hosts; the previous ones sign too, until `previous_until`."""
    reply = yield from exchange(core, "POST", "/webhooks/secret/rotate", until=core.until(None))
    return dict(reply.json())


def request(
    core: Core,
    method: str,
    path: str,
    *,
    json: Any = None,
    headers: Mapping[str, str] | None = None,
    key: str | None = None,
    timeout: float | None = None,
) -> Conversation[Reply]:
    """Send any request to the API, and return its answer: status, headers, body.

    It is repeated as all others; a problem raises its exception.
    """
    until = core.until(timeout)
    return (
        yield from exchange(core, method, path, until=until, json=json, headers=headers, key=key)
    )


def prepare(core: Core, value: Any, until: float) -> Conversation[Any]:
    """Return an input as JSON: its files inside it while they are small, else uploaded."""
    budget = INLINE_BYTES

    def encode(value: Any) -> Conversation[Any]:
        nonlocal budget
        if isinstance(value, Upload):
            return {"upload": value.id}
        if is_file(value):
            content = Content(value)
            if content.size <= budget:
                budget -= content.size
                return content.inline()
            return {"upload": (yield from _upload(core, content, until)).id}
        if isinstance(value, Mapping):
            encoded = {}
            for name, item in value.items():
                encoded[name] = yield from encode(item)
            return encoded
        if isinstance(value, (list, tuple)):
            items = []
            for item in value:
                items.append((yield from encode(item)))
            return items
        return value

    return (yield from encode(value or {}))


def upload(
    core: Core, source: Source, media_type: str | None = None, *, timeout: float | None = None
) -> Conversation[Upload]:
    """Upload a file (a path, bytes, or an open binary file) of up to 5 GiB, to use it in inputs.

    `call` and `submit` do this by themselves with a large file in the input.
    """
    return (yield from _upload(core, Content(source, media_type), core.until(timeout)))


def _upload(core: Core, content: Content, until: float) -> Conversation[Upload]:
    """Announce a file and PUT it. After a lost answer, 412 says that it had arrived as a whole."""
    announced = {
        "size": content.size,
        "media_type": content.media_type or "application/octet-stream",
    }
    while True:
        reply = yield from exchange(core, "POST", "/uploads", until=until, json=announced)
        to, is_lost = reply.json(), False
        for pause_s in (1, 2, 4, 8, None):
            fault: str
            try:
                put = Request("PUT", to["url"], to["headers"], content.chunks, until)
                reply = yield put
            except Lost as lost:
                is_lost, fault = True, str(lost)
            else:
                if reply.status == 200 or (reply.status == 412 and is_lost):
                    return Upload(to["id"])
                fault = f"S3 answered {reply.status}: {reply.body[:300].decode(errors='replace')}"
                if reply.status < 500:
                    break
            if pause_s is None or time.monotonic() + pause_s >= until:
                raise errors.Unreachable(f"The upload failed: {fault}.")
            yield Pause(pause_s)
        if reply.status != 403 or not is_lost:  # 403: the URL became too old meanwhile
            raise errors.NowlaterError(f"The upload failed: {fault}.", status=reply.status)
