"""The result of a job: inside the job, in the API's answer, or in S3, without the key."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import httpx

from nowlater_client import errors
from nowlater_client.exchange import LEAST_S, MOST_REFUSALS, Refused, Reply, Tries, reason
from nowlater_client.files import File

if TYPE_CHECKING:
    from nowlater_client.core import JobHandle
    from nowlater_client.transfer import Transfer

#: The API sends it with results that are files, and with the redirect to one.
FILE_HEADER = "content-security-policy"


async def fetch(job: JobHandle, end: float) -> Any:
    """Return the result of a job that has ended: the one inside the job, if that is certain."""
    inline = job.raw.get("result")
    is_maybe_file = isinstance(inline, dict) and inline.keys() == {"base64", "media_type"}
    if job.status == "succeeded" and inline is not None and not is_maybe_file:
        return inline
    headers: dict[str, str] = {}
    body = b"".join([chunk async for chunk in pieces(job, end, headers)])
    return result_of(Reply(200, headers, body, {"job_id": job.id}), is_stored=True)


async def pieces(
    job: JobHandle, end: float, headers: dict[str, str]
) -> AsyncGenerator[bytes, None]:
    """Yield the bytes of the result, and fill in its headers.

    After a failure, the API is asked for a new URL, which lives for minutes; the rest is read by Range.
    """
    if job.status != "succeeded":
        raise job.error or errors.NowlaterError("The job failed.", job_id=job.id)
    end, connection, written = max(end, time.monotonic() + LEAST_S), job._client._connection, 0
    tries, refusals = Tries(end, connection.timeout_s, connection.max_retries), 0
    while True:
        reply = await job._send("GET", "/result", until=end)
        if reply.status == 200:
            result_of(reply)  # raises NotNowlater
            headers.update(reply.headers)
            yield reply.body[written:]
            return
        if reply.status != 303 or "location" not in reply.headers:
            raise reply.foreign()
        headers.update(  # S3 does not say whether JSON is a file
            {name: value for name, value in reply.headers.items() if name == FILE_HEADER}
        )
        stored = _stored(job, reply.headers["location"], written, headers, end)
        try:
            async with aclosing(stored):
                async for piece in stored:
                    written, refusals = written + len(piece), 0
                    yield piece
                    tries.renew()
            return
        except httpx.RequestError as error:
            fault, refusals = reason(error), refusals + isinstance(error, Refused)
        tries.are_over = refusals == MOST_REFUSALS
        text = f"The result could not be read: {fault}."
        await tries.pause(errors.Unreachable(text, job_id=job.id))


async def _stored(
    job: JobHandle, url: str, start: int, headers: dict[str, str], end: float
) -> AsyncGenerator[bytes, None]:
    """Yield what S3 stores at a URL, from a byte on; raises httpx.RequestError or NowlaterError."""
    wanted, connection = {"range": f"bytes={start}-"} if start else {}, job._client._connection
    async with connection.open("GET", url, wanted, None, end) as response:
        if response.status == 404:
            raise errors.JobExpired("The result is no longer stored.", job_id=job.id)
        at, total = _part(response, start)
        if not start:
            headers.update(response.headers)
        elif not _is_same(response, total, headers) or (total is not None and total < start):
            text = "The result has changed while it was read. Read it again."
            raise errors.NowlaterError(text, job_id=job.id)
        async for chunk in response.chunks():
            if response.status == 416:
                break
            if at + len(chunk) > start:
                yield chunk[max(0, start - at) :]
            at += len(chunk)
        if at < max(start, total or 0):
            raise httpx.ReadError("S3 sent less than it has")


def _part(response: Transfer, start: int) -> tuple[int, int | None]:
    """Return the first byte that S3 sends, and how many it has, if it says so with a part.

    416 says that it has none from the start on: all have been read.
    """
    status = response.status
    if status == 200:
        return 0, None
    if status not in (206, 416) or (status == 416 and not start):
        kind = httpx.ReadError if status >= 500 or status == 429 else Refused
        raise kind(f"S3 answered {status}")
    said = response.headers.get("content-range", "")
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(?:(\d+)|\*)", said)
    first, total = found.groups() if found else (None, None)
    if status == 206 and (first is None or int(first) > start):
        raise httpx.ReadError(f"S3 sent another part than from byte {start}: {said!r}")
    return int(first or start), None if total is None else int(total)


def _is_same(response: Transfer, total: int | None, before: dict[str, str]) -> bool:
    """Return whether S3 still has what was read before, as far as it says: by size and ETag."""
    sizes = {before.get("content-length"), None if total is None else f"{total}"} - {None}
    etags = {before.get("etag"), response.headers.get("etag")} - {None}
    return len(sizes) <= 1 and len(etags) <= 1


def result_of(reply: Reply, *, is_stored: bool = False) -> Any:
    """Return the result in an answer: a JSON value, or bytes with their media type.

    S3 sends what is stored without the header of files.
    """
    is_file = FILE_HEADER in reply.headers
    if reply.media_type == "application/json" and not is_file:
        try:
            return reply.json()
        except ValueError:
            raise reply.foreign() from None
    if not is_file and not is_stored:
        raise reply.foreign()
    return File(reply.body, reply.headers.get("content-type"))
