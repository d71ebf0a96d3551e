"""Instants and durations: what "later" means, and how it is written.

An instant is an `int` of milliseconds since the Unix epoch, a duration is in seconds and ends in `_s`.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

type Instant = int
type Clock = Callable[[], Instant]

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400

#: SQS delays and hides a message for up to this long here; longer waits are kept in the table.
LONGEST_POSTPONEMENT_S = 900

_RFC3339 = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-][0-2]\d:[0-5]\d)", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> Instant:
    """Return this machine's wall-clock time."""
    return time.time_ns() // 1_000_000


def after(instant: Instant, seconds: float) -> Instant:
    """Return the instant that many seconds later, rounded up to a whole millisecond."""
    return instant + -int(-seconds * 1000 // 1)


def seconds_until(then: Instant, now: Instant) -> float:
    """Return the seconds from `now` to `then`, negative where it has passed."""
    return (then - now) / 1000


def whole_seconds_until(then: Instant, now: Instant) -> int:
    """Return the seconds from `now` to `then`, rounded up, and at least 0."""
    return max(0, -((now - then) // 1000))


def to_rfc3339(instant: Instant) -> str:
    """Return the instant as RFC 3339 in UTC with milliseconds: `2026-03-01T12:00:00.000Z`."""
    moment = _EPOCH.replace(tzinfo=None) + timedelta(milliseconds=instant)
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def from_rfc3339(text: str, *, up: bool = False) -> Instant:
    """Return the instant that an RFC 3339 date-time names, the millisecond before or (`up`) after it.

    What is finer than a microsecond is not looked at. Raises ValueError where the text is no
    date-time, or names no day or time that exists.
    """
    if not _RFC3339.fullmatch(text):
        raise ValueError(f"{text!r} is not an RFC 3339 date-time")
    since, ms = datetime.fromisoformat(text.upper()) - _EPOCH, timedelta(milliseconds=1)
    return -(-since // ms) if up else since // ms


def grown(base_s: float, times: int, most_s: float) -> float:
    """Return the wait after that many earlier ones: doubled each time, up to a bound."""
    return min(base_s * 2.0 ** min(times, 30), max(most_s, base_s))
