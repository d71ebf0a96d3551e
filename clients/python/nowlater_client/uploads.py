"""Files that are uploaded: announced to the API, and sent to S3 without the key."""

from __future__ import annotations

import functools
import hashlib
import math
from typing import Any

import httpx

from nowlater_client import errors
from nowlater_client.exchange import Connection, Tries, reason
from nowlater_client.files import Content, Upload, encode, fill, in_time
from nowlater_client.sender import in_thread

#: How often a file is sent again, whatever its size.
_MAX_RETRIES = 6


async def prepare(connection: Connection, value: Any, end: float, key: str) -> Any:
    """Return an input as JSON: its files inside it while they are small, else uploaded.

    The keys of uploads are made of the submit's key and the contents: a repeated submit has the same body.
    """
    encoded, files = encode({} if value is None else value)
    try:
        large = await in_time(in_thread(functools.partial(fill, files)), end) if files else []
        for form, content in large:
            digest = await in_time(content.digest(), end)
            own_key = hashlib.sha256(f"{key}\n{digest}".encode()).hexdigest()
            form["upload"] = (await send(connection, content, own_key, end)).id
    except errors.NowlaterError as error:
        error.key = key
        raise
    return encoded


async def send(connection: Connection, content: Content, key: str, end: float) -> Upload:
    """Announce a file and PUT it; the same key, size and media type always give the same upload.

    412 says that its content has arrived before, 409 that it arrives now by another request.
    """
    media_type = content.media_type or "application/octet-stream"
    announced = {"size": content.size, "media_type": media_type}
    tries = Tries(end, math.inf, min(_MAX_RETRIES, connection.max_retries))
    to, is_lost = dict[str, Any](), False
    while True:
        if not to:
            headers = {"idempotency-key": key}
            reply = await connection.send(
                "POST", "/uploads", until=end, json=announced, headers=headers
            )
            to = reply.object("id", "url", "headers")
        try:
            reply = await connection.read("PUT", to["url"], to["headers"], content, end)
        except httpx.RequestError as error:
            is_lost, fault = True, reason(error)
        else:
            if reply.status in (200, 412):
                return Upload(to["id"])
            fault = f"S3 answered {reply.status}: {reply.body[:300].decode(errors='replace')}"
            if reply.status == 403 and is_lost:
                to = {}  # the URL became too old meanwhile
            elif reply.status < 500 and reply.status != 409:
                raise errors.NowlaterError(f"The upload failed: {fault}.", status=reply.status)
        await tries.pause(errors.Unreachable(f"The upload failed: {fault}."))
