"""Instants and durations: what "later" means, and how it is written.

An instant is an `int` of milliseconds since the Unix epoch, a duration is in seconds and ends in `_s`.
"""

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

import msgspec

type Instant = int
#: An instant of a record: until 2500, so that it can be shown (RFC 3339 ends with the year 9999), and
#: so can whatever is reckoned from it.
type Kept = Annotated[Instant, msgspec.Meta(ge=0, le=16_725_225_600_000)]
type Clock = Callable[[], Instant]

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400

#: SQS delays and hides a message for up to this long here; longer waits are kept in the table.
LONGEST_POSTPONEMENT_S = 900

_RFC3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d++))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)
_EPOCH = datetime(1970, 1, 1)  # in UTC, as all that is reckoned with it
#: After so many years the calendar begins anew: `datetime` knows no year 0, RFC 3339 does.
_CYCLE_YEARS, _CYCLE = 400, timedelta(days=146_097)
_MS = timedelta(milliseconds=1)


def now() -> Instant:
    """Return this machine's wall-clock time."""
    return time.time_ns() // 1_000_000


def after(instant: Instant, seconds: float, *, up: bool = True) -> Instant:
    """Return the instant that many seconds later, rounded up to a whole millisecond, or down."""
    return instant + (-int(-seconds * 1000 // 1) if up else int(seconds * 1000 // 1))


def seconds_until(then: Instant, now: Instant) -> float:
    """Return the seconds from `now` to `then`, negative where it has passed."""
    return (then - now) / 1000


def whole_seconds_until(then: Instant, now: Instant) -> int:
    """Return the seconds from `now` to `then`, rounded up, and at least 0."""
    return max(0, -((now - then) // 1000))


def to_rfc3339(instant: Instant) -> str:
    """Return the instant as RFC 3339 in UTC with milliseconds: `2026-03-01T12:00:00.000Z`."""
    moment = _EPOCH + timedelta(milliseconds=instant)
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def from_rfc3339(text: str, *, up: bool = False) -> Instant:
    """Return the instant that an RFC 3339 date-time names, the millisecond before or (`up`) after it.

    A leap second, which the epoch does not count, is the millisecond before it, or (`up`) as far in
    the next day. Raises ValueError where the text is no date-time, or names no time that exists.
    """
    found = _RFC3339.fullmatch(text)
    if not found:
        raise ValueError(f"{text[:50]!r} is not an RFC 3339 date-time such as 2026-12-01T12:00:00Z")
    second, fraction = int(found[6]), found[7] or ""
    try:
        minute = _utc(found) - _offset(found[8])
        _check_second(minute, second)
    except ValueError as fault:
        raise ValueError(f"{text[:50]!r} names no time that exists: {fault}") from fault
    at = minute // _MS + 1000 * second
    if second == 60 and not up:
        return at - 1
    return at + int(fraction[:3].ljust(3, "0")) + (up and fraction[3:].strip("0") != "")


def _utc(found: re.Match[str]) -> timedelta:
    """Return a date-time's minute, counted from the epoch as if it were in UTC."""
    year, month, day, hour, minute = (int(found[n]) for n in range(1, 6))
    cycles, year = divmod(year, _CYCLE_YEARS)
    return datetime(2000 + year, month, day, hour, minute) - _EPOCH + (cycles - 5) * _CYCLE


def _offset(text: str) -> timedelta:
    """Return the offset from UTC that stands at the end of a date-time."""
    if text in ("Z", "z"):
        return timedelta()
    hours, minutes = int(text[1:3]), int(text[4:])
    if hours > 23 or minutes > 59:
        raise ValueError("an offset is at most 23:59")
    offset = timedelta(hours=hours, minutes=minutes)
    return -offset if text[0] == "-" else offset


def _check_second(minute: timedelta, second: int) -> None:
    """Raise ValueError unless a minute has this second: only the last of a month in UTC can have 60."""
    if second < 60:
        return
    after_it = minute + timedelta(minutes=1)
    is_month = not after_it % timedelta(days=1) and (_EPOCH + after_it % _CYCLE).day == 1
    if second > 60 or not is_month:
        raise ValueError("the seconds are 00 to 59 there")


def backoff(base_s: float, times: int, most_s: float) -> float:
    """Return the wait after that many earlier ones: doubled each time, up to a bound."""
    return min(base_s * 2.0 ** min(times, 30), max(most_s, base_s))
