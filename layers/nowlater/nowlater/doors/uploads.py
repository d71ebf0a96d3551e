"""Uploads: inputs too large to send inline go straight into the bucket, by a URL made for them."""

import secrets
from typing import Annotated, Any

import msgspec

from nowlater.aws import bucket, payload_keys, records
from nowlater.doors import malformed, quota
from nowlater.instants import DAY_S, after, to_rfc3339
from nowlater.problems import Problem
from nowlater.runtime.document import LONGEST_MEDIA_TYPE, MEDIA_TYPE, is_media_type
from nowlater.services import Services

#: What S3 takes in one PUT.
MAX_BYTES = 5 * 1024**3
#: An upload counts as so many bytes at least: that bounds how many there are, too.
_LEAST = 1024**2
#: What was granted today leaves room for it, and it is not counted yet: a reply can get lost.
_HAS_ROOM = "attribute_not_exists(#bytes) OR (#bytes <= :room AND #last <> :new_last)"


class Upload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a caller wants to upload: its exact size in bytes, and its media type."""

    size: Annotated[int, msgspec.Meta(ge=1, le=MAX_BYTES)]
    media_type: Annotated[str, msgspec.Meta(pattern=MEDIA_TYPE, max_length=LONGEST_MEDIA_TYPE)] = (
        "application/octet-stream"
    )

    def __post_init__(self) -> None:
        if not is_media_type(self.media_type):  # Python's $ lets a line break pass
            raise ValueError("media_type has a line break")


class _Today(msgspec.Struct, frozen=True):
    """What an owner was granted on a day."""

    bytes: int


def upload(services: Services, owner: str, asked: Any) -> dict[str, Any]:
    """Return an upload's id, and the request that puts its content there, once.

    Raises Problem `malformed-request` where the size or the type is missing or wrong, and
    `too-many-uploads` where it is more than the owner may upload today.
    """
    try:
        wanted = msgspec.convert(asked, Upload)
    except msgspec.ValidationError as fault:
        hint = 'Send {"size": bytes, "media_type": "text/csv"}, the size being exact.'
        raise malformed.malformed(fault, hint) from fault
    upload_id = secrets.token_hex(16)
    _count(services, owner, upload_id, wanted.size)
    key = payload_keys.upload_key(owner, upload_id)
    return {
        "id": upload_id,
        "method": "PUT",
        "url": services.bucket.url_to_put(key, wanted.size, wanted.media_type),
        "headers": {
            "Content-Type": wanted.media_type,
            "Content-Length": str(wanted.size),
            "If-None-Match": "*",
        },
        "expires": to_rfc3339(after(services.clock(), bucket.URL_LIFE_S)),
        "use": {"upload": upload_id},
    }


def _count(services: Services, owner: str, upload_id: str, size: int) -> None:
    """Count an upload of this day, used or not; raises Problem where that is more than is allowed.

    It is exact, however many come at once; what cannot be counted (503) is not granted.
    """
    allowed = services.settings.owner_uploads_gib * 1024**3
    if not allowed:
        return
    counts = max(size, _LEAST)
    if counts > allowed:
        detail = f"/size: who may upload {allowed:,} bytes a day cannot upload more at once."
        raise Problem("malformed-request", detail, pointer="/size")
    now = services.clock()
    day = now // (DAY_S * 1000)
    ends = (day + 1) * DAY_S * 1000
    granted, there = services.table.update_if(
        f"UPLOADS#{owner}",
        to_rfc3339(now)[:10],
        {"last": upload_id, "ttl": ends // 1000 + DAY_S},
        {"bytes": "if_not_exists(#bytes, :zero) + :counts"},
        _HAS_ROOM,
        {"zero": 0, "counts": counts, "room": allowed - counts},
    )
    if not granted:
        today = records.read(there or {}, _Today, "The record of what you have uploaded today")
        raise quota.too_much(allowed, max(0, allowed - today.bytes), ends).told(now)
