"""Uploads: inputs too large to send inline go straight into the bucket, by a URL made for them."""

import secrets
from typing import Annotated, Any

import msgspec

from nowlater import blobs, object_keys
from nowlater.document import MEDIA_TYPE, is_media_type
from nowlater.problems import Problem
from nowlater.services import Services
from nowlater.timing import after, to_rfc3339

#: What S3 takes in one PUT.
MOST_BYTES = 5 * 1024**3


class Upload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a caller wants to upload: its exact size in bytes, and its media type."""

    size: Annotated[int, msgspec.Meta(ge=1, le=MOST_BYTES)]
    media_type: Annotated[str, msgspec.Meta(pattern=MEDIA_TYPE)] = "application/octet-stream"

    def __post_init__(self) -> None:
        if not is_media_type(self.media_type):  # Python's $ lets a line break pass
            raise ValueError("media_type has a line break")


def upload(services: Services, owner: str, asked: Any) -> dict[str, Any]:
    """Return an upload's id, and the request that puts its content there, once.

    Raises Problem `malformed-request` where the size or the type is missing or wrong.
    """
    try:
        wanted = msgspec.convert(asked, Upload)
    except msgspec.ValidationError as fault:
        raise Problem(
            "malformed-request",
            f'{fault}; send {{"size": bytes, "media_type": "text/csv"}}, the size being exact.',
        ) from fault
    upload_id = secrets.token_hex(16)
    key = object_keys.upload_key(owner, upload_id)
    return {
        "id": upload_id,
        "method": "PUT",
        "url": services.bucket.url_to_put(key, wanted.size, wanted.media_type),
        "headers": {
            "Content-Type": wanted.media_type,
            "Content-Length": str(wanted.size),
            "If-None-Match": "*",
        },
        "expires": to_rfc3339(after(services.clock(), blobs.URL_LIFE_S)),
        "use": {"upload": upload_id},
    }
