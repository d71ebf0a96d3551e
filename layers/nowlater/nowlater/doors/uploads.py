"""Uploads: callers send inputs too large for a request directly to S3, by a presigned URL."""

import hashlib
import secrets
from typing import Annotated, Any

import msgspec

from nowlater.aws import bucket, payload_keys, records
from nowlater.doors import malformed
from nowlater.doors.quota_refusal import Refusal
from nowlater.instants import DAY_S, Instant, after, to_rfc3339
from nowlater.problems import Problem
from nowlater.runtime.document import LONGEST_MEDIA_TYPE, MEDIA_TYPE, is_media_type
from nowlater.services import Services

#: The largest object that S3 accepts in one PUT.
MAX_BYTES = 5 * 1024**3
#: An upload counts as at least so many bytes: that limits the number of uploads too.
_MIN_COUNTED = 1024**2
#: The quota of the day has room for the upload, which a retried call has not counted already.
_HAS_ROOM = "attribute_not_exists(#bytes) OR (#bytes <= :room AND #last <> :new_last)"


class Upload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request for an upload: its exact size in bytes, and its media type."""

    size: Annotated[int, msgspec.Meta(ge=1, le=MAX_BYTES)]
    media_type: Annotated[str, msgspec.Meta(pattern=MEDIA_TYPE, max_length=LONGEST_MEDIA_TYPE)] = (
        "application/octet-stream"
    )

    def __post_init__(self) -> None:
        if not is_media_type(self.media_type):  # Python's $ accepts a line break after it
            raise ValueError("media_type has a line break")


class _Today(msgspec.Struct, frozen=True):
    """The bytes that an owner was granted on a day."""

    bytes: int


def create_upload(
    services: Services, owner: str, body: Any, idempotency_key: str | None
) -> dict[str, Any]:
    """Return the id of an upload, and the request by which its content can be sent once.

    The same idempotency key, size and media type give the same upload, which S3 accepts once (412).
    Raises Problem `malformed-request` where the size or the type is missing or invalid, and
    `too-many-uploads` where it exceeds the owner's quota of the day.
    """
    try:
        upload = msgspec.convert(body, Upload)
    except msgspec.ValidationError as fault:
        hint = 'Send {"size": bytes, "media_type": "text/csv"}, the size being exact.'
        raise malformed.malformed_request(fault, hint) from fault
    upload_id = _upload_id(upload, idempotency_key)
    _count_upload(services, owner, upload_id, upload.size)
    key = payload_keys.upload_key(owner, upload_id)
    return {
        "id": upload_id,
        "method": "PUT",
        "url": services.bucket.url_to_put(key, upload.size, upload.media_type),
        "headers": {
            "Content-Type": upload.media_type,
            "Content-Length": str(upload.size),
            "If-None-Match": "*",
        },
        "expires": to_rfc3339(after(services.clock(), bucket.URL_LIFE_S)),
        "use": {"upload": upload_id},
    }


def _upload_id(upload: Upload, idempotency_key: str | None) -> str:
    """Return 32 hexadecimal digits: of a digest of the request where it has a key, else random ones."""
    if idempotency_key is None:
        return secrets.token_hex(16)
    return hashlib.sha256(msgspec.json.encode((idempotency_key, upload))).hexdigest()[:32]


def _count_upload(services: Services, owner: str, upload_id: str, size: int) -> None:
    """Count an upload against the quota of the day, used or not; raises `too-many-uploads`.

    The count is exact under concurrency; an upload that cannot be counted (503) is not granted.
    """
    allowed = services.settings.owner_uploads_gib * 1024**3
    if not allowed:
        return
    counted = max(size, _MIN_COUNTED)
    if counted > allowed:
        detail = f"/size: you may upload {allowed:,} bytes a day, and this upload alone has more."
        raise Problem("malformed-request", detail, pointer="/size")
    now = services.clock()
    day = now // (DAY_S * 1000)
    day_end = (day + 1) * DAY_S * 1000
    granted, stored = services.table.update_if(
        f"UPLOADS#{owner}",
        to_rfc3339(now)[:10],
        {"last": upload_id, "ttl": day_end // 1000 + DAY_S},
        {"bytes": "if_not_exists(#bytes, :zero) + :counted"},
        _HAS_ROOM,
        {"zero": 0, "counted": counted, "room": allowed - counted},
    )
    if not granted:
        today = records.read(stored or {}, _Today, "The record of what you have uploaded today")
        remaining = max(0, allowed - today.bytes)
        raise too_many_uploads(allowed, remaining, day_end).to_problem(now)


def too_many_uploads(allowed: int, remaining: int, until: Instant) -> Refusal:
    """Return the refusal of an upload larger than what remains of the owner's daily bytes."""
    return Refusal(
        problem="too-many-uploads",
        detail=f"You may upload {allowed:,} bytes a day, and have {remaining:,} left until "
        f"{to_rfc3339(until)}: wait until then. The operator of this API can allow more (OwnerUploads).",
        until=until,
        quota="uploads",
        policy=f'q={allowed};qu="content-bytes";w={DAY_S}',
        remaining=remaining,
    )
