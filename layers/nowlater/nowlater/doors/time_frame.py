"""When a job may start, by when it must be done, how long it is kept: the contract about time."""

from typing import Annotated, Literal

import msgspec

from nowlater.instants import DAY_S, HOUR_S, Instant, after, from_rfc3339, to_rfc3339
from nowlater.problems import Problem

#: A start can be this far ahead, and a deadline this far behind the start: less than messages live.
FURTHEST_START_S, FURTHEST_DEADLINE_S = 30 * DAY_S, 7 * DAY_S

_START, _DEADLINE = ("after", "at"), ("within", "at")

type Seconds = Annotated[float, msgspec.Meta(ge=0)]


class Start(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`start`: not before that many seconds from now, or not before an instant."""

    after: Seconds | None = None
    at: str | None = None


class Deadline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`deadline`: within that many seconds from now, or by an instant."""

    within: Seconds | None = None
    at: str | None = None
    otherwise: Literal["refuse"] | None = msgspec.field(name="or", default=None)


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """A time frame in instants."""

    has_deadline: bool
    start_at: Instant | None
    deadline: Instant
    retention_s: int


type Retention = Annotated[int, msgspec.Meta(ge=HOUR_S, le=30 * DAY_S)]


def frame(
    start: Start | None,
    deadline: Deadline | None,
    retention: Retention | None,
    *,
    now: Instant,
    flexible_within_s: int,
) -> Frame:
    """Return the time frame that a request asks for; a job is kept for a day unless it says more.

    Raises Problem `malformed-request` where a time is not of its form, and `impossible-time`
    where it is past, too far ahead, or leaves no time between start and deadline.
    """
    for pointer, given, names in (("/start", start, _START), ("/deadline", deadline, _DEADLINE)):
        if given is not None and all(getattr(given, name) is None for name in names):
            raise Problem(
                "malformed-request", f"{pointer} takes {' or '.join(names)}.", pointer=pointer
            )
    start, deadline = start or Start(), deadline or Deadline()
    start_at = _instant("/start", start.after, start.at, _START, now)
    by = _instant("/deadline", deadline.within, deadline.at, _DEADLINE, now)
    first = start_at or now
    if start_at is not None and start_at > after(now, FURTHEST_START_S):
        raise Problem("impossible-time", "A start can be at most 30 days ahead.", pointer="/start")
    if by is not None and by > after(first, FURTHEST_DEADLINE_S):
        raise Problem(
            "impossible-time",
            "A deadline can be at most 7 days after the start.",
            pointer="/deadline",
        )
    if by is not None and by <= first:
        raise Problem(
            "impossible-time",
            f"The deadline {to_rfc3339(by)} is not after the start {to_rfc3339(first)}.",
            pointer="/deadline",
        )
    return Frame(
        has_deadline=by is not None,
        start_at=start_at if start_at != now else None,
        deadline=after(first, flexible_within_s) if by is None else by,
        retention_s=DAY_S if retention is None else retention,
    )


def _instant(
    pointer: str, seconds: float | None, text: str | None, names: tuple[str, str], now: Instant
) -> Instant | None:
    up = pointer == "/start"  # what is finer than a millisecond: never early, never late
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
