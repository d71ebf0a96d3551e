"""Files that are uploaded: announced to the API, and sent to S3 without the key."""

from __future__ import annotations

import hashlib
import time
from typing import Any

import httpx

from nowlater_client import errors
from nowlater_client.exchange import MOST_REFUSALS, Connection, Refused, Tries, reason
from nowlater_client.files import Content, Upload, encode, fill, in_time


async def prepare(connection: Connection, value: Any, end: float, key: str) -> Any:
    """Return an input as JSON: its files inside it while they are small, else uploaded.

    The keys of uploads are made of the submit's key and the contents: a repeated submit has the same body.
    """
    encoded, files = encode({} if value is None else value)
    try:
        large = await in_time(end, fill, files) if files else []
        for form, content in large:
            digest = await in_time(end, content.digest)
            own_key = hashlib.sha256(f"{key}\n{digest}".encode()).hexdigest()
            form["upload"] = (await send(connection, content, own_key, end)).id
    except errors.NowlaterError as error:
        error.key = key
        raise
    return encoded


async def send(connection: Connection, content: Content, key: str, end: float) -> Upload:
    """Announce a file and PUT it; the same key, size and media type always give the same upload."""
    if not content.size:
        raise ValueError("An empty file cannot be uploaded. It can be a part of an input.")
    tries = Tries(end, connection.timeout_s, connection.max_retries)
    to, refusals = dict[str, Any](), 0
    while True:
        to = to or await _announce(connection, content, key, end)
        began = time.monotonic()
        try:
            await _put(connection, to, content, end)
            return Upload(to["id"])
        except httpx.RequestError as error:
            refusals = refusals + 1 if isinstance(error, Refused) else 0
            fault = errors.Unreachable(f"The upload failed: {reason(error)}.")
        to = {} if refusals else to
        tries.extend(time.monotonic() - began)
        tries.are_over = refusals == MOST_REFUSALS
        await tries.pause(fault)


async def _announce(
    connection: Connection, content: Content, key: str, end: float
) -> dict[str, Any]:
    media_type = content.media_type or "application/octet-stream"
    announced = {"size": content.size, "media_type": media_type}
    headers = {"idempotency-key": key}
    reply = await connection.send("POST", "/uploads", until=end, json=announced, headers=headers)
    return reply.object("id", "url", "headers")


async def _put(connection: Connection, to: dict[str, Any], content: Content, end: float) -> None:
    """Send a file to S3; raises httpx.RequestError if this is to be repeated.

    412 says that its content has arrived before, 409 that it arrives now by another request.
    """
    reply = await connection.read("PUT", to["url"], to["headers"], content, end)
    if reply.status in (200, 412):
        return
    fault = f"S3 answered {reply.status}: {reply.body[:300].decode(errors='replace')}"
    if reply.status in (400, 403):
        raise Refused(fault)
    if reply.status >= 500 or reply.status == 409:
        raise httpx.ReadError(fault)
    raise errors.NowlaterError(f"The upload failed: {fault}.", status=reply.status)
