"""The result of a job: inside the job, in the API's answer, or in S3, without the key."""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import httpx

from nowlater_client import errors
from nowlater_client.exchange import LEAST_S, Reply, Tries, reason
from nowlater_client.files import File

if TYPE_CHECKING:
    from nowlater_client.core import JobHandle


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
    tries = Tries(end, connection.timeout_s, connection.max_retries)
    while True:
        reply = await job._send("GET", "/result", until=end)
        if reply.status == 200:
            result_of(reply)  # raises NotNowlater
            headers.update(reply.headers)
            yield reply.body[written:]
            return
        if reply.status != 303 or "location" not in reply.headers:
            raise reply.foreign()
        stored = _stored(job, reply.headers["location"], written, headers, end)
        try:
            async with aclosing(stored):
                async for piece in stored:
                    written += len(piece)
                    yield piece
                    tries.renew()
            return
        except httpx.RequestError as error:
            fault = reason(error)
        text = f"The result could not be read: {fault}."
        await tries.pause(errors.Unreachable(text, job_id=job.id))


async def _stored(
    job: JobHandle, url: str, start: int, headers: dict[str, str], end: float
) -> AsyncGenerator[bytes, None]:
    """Yield what S3 stores at a URL, from a byte on; raises httpx.RequestError or JobExpired."""
    wanted, connection = {"range": f"bytes={start}-"} if start else {}, job._client._connection
    async with connection.open("GET", url, wanted, None, end) as response:
        if response.status == 404:
            raise errors.JobExpired("The result is no longer stored.", job_id=job.id)
        if response.status not in (200, 206):
            raise httpx.ReadError(f"S3 answered {response.status}")
        headers.update(response.headers)
        skip = start if response.status == 200 else 0
        async for chunk in response.chunks():
            if len(chunk) > skip:
                yield chunk[skip:]
            skip = max(0, skip - len(chunk))


def result_of(reply: Reply, *, is_stored: bool = False) -> Any:
    """Return the result in an answer: a JSON value, or bytes with their media type.

    The API sends files with a content security policy; S3 sends what is stored without one.
    """
    is_file = "content-security-policy" in reply.headers
    if reply.media_type == "application/json" and not is_file:
        try:
            return reply.json()
        except ValueError:
            raise reply.foreign() from None
    if not is_file and not is_stored:
        raise reply.foreign()
    return File(reply.body, reply.headers.get("content-type"))
