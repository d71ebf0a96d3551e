"""Instants and durations: arithmetic, and reading and writing RFC 3339 date-times.

An instant is an `int` of milliseconds since the Unix epoch, a duration is in seconds and ends in `_s`.
"""

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

type Instant = int
#: An instant in a stored record: before the year 2500, so that it and every instant computed from it
#: can be written (RFC 3339 ends with the year 9999).
type StoredInstant = Annotated[Instant, msgspec.Meta(ge=0, le=16_725_225_600_000)]
type Clock = Callable[[], Instant]

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400

#: Messages are delayed or hidden in SQS for up to this long; longer waits are stored in the table.
LONGEST_POSTPONEMENT_S = 900

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d++))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_EPOCH = datetime(1970, 1, 1)  # in UTC, like every datetime here
#: The calendar repeats after 400 years; `datetime` has no year 0, RFC 3339 has.
_CYCLE_YEARS, _CYCLE = 400, timedelta(days=146_097)
_MS = timedelta(milliseconds=1)


def now() -> Instant:
    """Return this machine's wall-clock time."""
    return time.time_ns() // 1_000_000


def after(instant: Instant, seconds: float, *, up: bool = True) -> Instant:
    """Return the instant that many seconds later, rounded up (or down) to a whole millisecond."""
    return instant + (-int(-seconds * 1000 // 1) if up else int(seconds * 1000 // 1))


def seconds_until(then: Instant, now: Instant) -> float:
    """Return the seconds from `now` to `then`; negative where `then` has passed."""
    return (then - now) / 1000


def whole_seconds_until(then: Instant, now: Instant) -> int:
    """Return the seconds from `now` to `then`, rounded up; at least 0."""
    return max(0, -((now - then) // 1000))


def to_rfc3339(instant: Instant) -> str:
    """Return the instant as RFC 3339 in UTC with milliseconds: `2026-03-01T12:00:00.000Z`."""
    moment = _EPOCH + timedelta(milliseconds=instant)
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def from_rfc3339(text: str, *, up: bool = False) -> Instant:
    """Return the instant of an RFC 3339 date-time, rounded down (or `up`) to a millisecond.

    The epoch does not count leap seconds: one is read as the millisecond before it or, with `up`, as
    the same fraction of the next day's first second. Raises ValueError where the text is not a
    date-time, or names a time that does not exist.
    """
    parts = _RFC3339.fullmatch(text)
    if not parts:
        raise ValueError(f"{text[:50]!r} is not an RFC 3339 date-time such as 2026-12-01T12:00:00Z")
    second, fraction = int(parts[6]), parts[7] or ""
    try:
        minute = _utc(parts) - _offset(parts[8])
        _check_second(minute, second)
    except ValueError as fault:
        raise ValueError(f"{text[:50]!r} names no time that exists: {fault}") from fault
    at = minute // _MS + 1000 * second
    if second == 60 and not up:
        return at - 1
    return at + int(fraction[:3].ljust(3, "0")) + (up and fraction[3:].strip("0") != "")


def _utc(parts: re.Match[str]) -> timedelta:
    """Return the time from the epoch to a date-time's minute, read as if it were in UTC."""
    year, month, day, hour, minute = (int(parts[n]) for n in range(1, 6))
    cycles, year = divmod(year, _CYCLE_YEARS)
    return datetime(2000 + year, month, day, hour, minute) - _EPOCH + (cycles - 5) * _CYCLE


def _offset(text: str) -> timedelta:
    """Return the offset from UTC at the end of a date-time."""
    if text in ("Z", "z"):
        return timedelta()
    hours, minutes = int(text[1:3]), int(text[4:])
    if hours > 23 or minutes > 59:
        raise ValueError("an offset is at most 23:59")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if text[0] == "-" else offset


def _check_second(minute: timedelta, second: int) -> None:
    """Raise ValueError unless the minute has this second: only a month's last one can have 60."""
    if second < 60:
        return
    next_minute = minute + timedelta(minutes=1)
    starts_day = not next_minute % timedelta(days=1)
    starts_month = starts_day and (_EPOCH + next_minute % _CYCLE).day == 1
    if second > 60 or not starts_month:
        raise ValueError("the seconds are 00 to 59 there")


def backoff(base_s: float, waits: int, limit_s: float) -> float:
    """Return the wait after that many earlier waits: doubled each time, up to a limit."""
    return min(base_s * 2.0 ** min(waits, 30), max(limit_s, base_s))
