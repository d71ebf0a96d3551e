"""The reply of a webhook's receiver, and the part of it that is stored."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import msgspec

#: Bytes stored of a textual reply's body, for the developer of the receiver.
EXCERPT = 256

#: Headers by name; the names of a reply's headers are in lower case.
type Headers = dict[str, str]

_TEXTUAL = re.compile(
    r"(?:text/[\w.+-]+|application/(?:[\w.+-]+\+)?json)\s*(?:;.*)?", re.IGNORECASE
)
#: Characters of a date; RFC 9110's have 33 at most.
_LONGEST_DATE = 40


class Reply(msgspec.Struct, frozen=True):
    """A receiver's reply: `latency_ms` until its head was complete, `size` bytes read of its body."""

    status: int
    latency_ms: int
    size: int
    retry_after_s: int | None = None
    excerpt: str | None = None


def retry_after_s(value: str | None, now: datetime) -> int | None:
    """Return the seconds that a Retry-After asks for (RFC 9110 §10.2.3), or None."""
    if value is None or len(value) > _LONGEST_DATE:
        return None
    if re.fullmatch("[0-9]{1,9}", value):
        return int(value)
    try:
        at = parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0, round((at - now).total_seconds()))


def excerpt(status: int, headers: Headers, body: bytes) -> str | None:
    """Return the start of a textual 2xx or 4xx reply, as printable text on one line."""
    is_plain = headers.get("content-encoding", "identity").lower() == "identity"
    is_text = is_plain and _TEXTUAL.fullmatch(headers.get("content-type", ""))
    if status // 100 not in (2, 4) or not is_text:
        return None
    text = body[:EXCERPT].decode(errors="replace")
    return "".join(c if c.isprintable() else " " for c in text).strip() or None
