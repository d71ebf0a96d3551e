"""Time frames: when a job may start, by when it must end, and how long it is retained."""

from typing import Annotated, Literal

import msgspec

from nowlater.instants import DAY_S, HOUR_S, Instant, after, from_rfc3339, to_rfc3339
from nowlater.problems import Problem

#: The furthest start from now, and deadline from the start: less than the retention of messages.
FURTHEST_START_S, FURTHEST_DEADLINE_S = 30 * DAY_S, 7 * DAY_S

_START, _DEADLINE = ("after", "at"), ("within", "at")

type Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Start(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`start`: not earlier than seconds from now, or than an instant."""

    after: Seconds | None = None
    at: str | None = None


class Deadline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`deadline`: within that many seconds from now, or by an instant."""

    within: Seconds | None = None
    at: str | None = None
    otherwise: Literal["refuse"] | None = msgspec.field(name="or", default=None)


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """A time frame, resolved to instants."""

    has_deadline: bool
    start_at: Instant | None
    deadline: Instant
    retention_s: int


type Retention = Annotated[int, msgspec.Meta(ge=HOUR_S, le=30 * DAY_S)]


def resolve_frame(
    start: Start | None,
    deadline: Deadline | None,
    retention: Retention | None,
    *,
    now: Instant,
    flexible_within_s: int,
) -> Frame:
    """Resolve the times of a request; without `retention`, a job is retained for a day.

    Raises Problem `malformed-request` where a time is not valid, and `impossible-time` where it has
    passed, is too far ahead, or the deadline is not after the start.
    """
    _check_not_empty("/start", start, _START)
    _check_not_empty("/deadline", deadline, _DEADLINE)
    start, deadline = start or Start(), deadline or Deadline()
    start_at = _resolve_instant("/start", start.after, start.at, _START, now)
    deadline_at = _resolve_instant("/deadline", deadline.within, deadline.at, _DEADLINE, now)
    earliest_start = start_at or now
    if earliest_start > after(now, FURTHEST_START_S):
        raise Problem("impossible-time", "A start can be at most 30 days ahead.", pointer="/start")
    if deadline_at is not None:
        _check_deadline(deadline_at, earliest_start)
    return Frame(
        has_deadline=deadline_at is not None,
        start_at=start_at if start_at != now else None,
        deadline=after(earliest_start, flexible_within_s) if deadline_at is None else deadline_at,
        retention_s=DAY_S if retention is None else retention,
    )


def _check_not_empty(pointer: str, option: Start | Deadline | None, names: tuple[str, str]) -> None:
    """Raise Problem `malformed-request` where an option is present without a time."""
    if option is not None and all(getattr(option, name) is None for name in names):
        detail = f"{pointer} takes {' or '.join(names)}."
        raise Problem("malformed-request", detail, pointer=pointer)


def _check_deadline(deadline: Instant, earliest_start: Instant) -> None:
    """Raise Problem `impossible-time` unless a deadline is soon enough after the start."""
    if deadline > after(earliest_start, FURTHEST_DEADLINE_S):
        detail = "A deadline can be at most 7 days after the start."
        raise Problem("impossible-time", detail, pointer="/deadline")
    if deadline <= earliest_start:
        raise Problem(
            "impossible-time",
            f"The deadline {to_rfc3339(deadline)} is not after the start "
            f"{to_rfc3339(earliest_start)}.",
            pointer="/deadline",
        )


def _resolve_instant(
    pointer: str, seconds: float | None, text: str | None, names: tuple[str, str], now: Instant
) -> Instant | None:
    up = pointer == "/start"  # fractions of a millisecond: no start is early, no deadline late
    if seconds is not None and text is not None:
        raise Problem(
            "malformed-request",
            f"{pointer} takes {names[0]} or {names[1]}, not both.",
            pointer=pointer,
        )
    if seconds is not None:
        return after(now, min(seconds, 10 * 365 * DAY_S), up=up)
    if text is None:
        return None
    try:
        at = from_rfc3339(text, up=up)
    except ValueError as error:
        at_pointer = f"{pointer}/{names[1]}"
        raise Problem("malformed-request", f"{at_pointer}: {error}.", pointer=at_pointer) from error
    if at < now:
        raise Problem(
            "impossible-time", f"{text[:50]} has passed; it is {to_rfc3339(now)}.", pointer=pointer
        )
    return at
