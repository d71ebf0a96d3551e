"""Files that are uploaded: announced to the API, and sent to S3 without the key."""

from __future__ import annotations

import hashlib
import math
import time
from typing import Any

import httpx

from nowlater_client import errors
from nowlater_client.exchange import Connection, reason, sleep
from nowlater_client.files import Content, Upload, encode


async def prepare(connection: Connection, value: Any, end: float, key: str) -> Any:
    """Return an input as JSON: its files inside it while they are small, else uploaded.

    The keys of uploads are made of the submit's key and the contents: a repeated submit has the same body.
    """
    encoded, large = encode({} if value is None else value)
    for form, content in large:
        own_key = hashlib.sha256(f"{key}\n{await content.digest()}".encode()).hexdigest()
        try:
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
    while True:
        headers = {"idempotency-key": key}
        reply = await connection.send(
            "POST", "/uploads", until=end, json=announced, headers=headers
        )
        to, is_lost, status = reply.object("id", "url", "headers"), False, 0
        for pause_s in (1, 2, 4, 8, None):
            try:
                reply = await connection.read("PUT", to["url"], to["headers"], content, end)
            except httpx.RequestError as error:
                is_lost, fault = True, reason(error)
            else:
                status = reply.status
                if status in (200, 412):
                    return Upload(to["id"])
                fault = f"S3 answered {status}: {reply.body[:300].decode(errors='replace')}"
                if status < 500 and status != 409:
                    break
            if pause_s is None or time.monotonic() + pause_s >= end:
                kind = errors.Unreachable if math.isinf(end) else errors.RequestTimeout
                raise kind(f"The upload failed: {fault}.")
            await sleep(pause_s)
        if status != 403 or not is_lost:  # 403: the URL became too old meanwhile
            raise errors.NowlaterError(f"The upload failed: {fault}.", status=status)
