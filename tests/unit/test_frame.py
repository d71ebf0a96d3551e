"""The time frame of a job."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater.doors.time_frame import Deadline, Frame, Start, resolve_frame
from nowlater.instants import after, to_rfc3339
from nowlater.problems import Problem
from tests.unit.jobs import NOW

DAY_S = 86_400
DAYS_3 = 3 * DAY_S


def framed(
    start: dict[str, Any] | None = None,
    deadline: dict[str, Any] | None = None,
    retention: int | None = None,
) -> Frame:
    """Return the frame of these options, asked for at NOW, where flexible means within 3 days."""
    return resolve_frame(
        start and msgspec.convert(start, Start),
        deadline and msgspec.convert(deadline, Deadline),
        retention,
        now=NOW,
        flexible_within_s=DAYS_3,
    )


def test_without_options_a_job_is_flexible_and_kept_for_a_day() -> None:
    assert framed() == Frame(
        has_deadline=False, start_at=None, deadline=after(NOW, DAYS_3), retention_s=DAY_S
    )


def test_a_deadline_is_a_promise() -> None:
    assert framed(deadline={"within": 60}).has_deadline


def test_a_flexible_job_is_given_its_days_from_its_start_on() -> None:
    assert framed(start={"after": 3600}).deadline == after(NOW, 3600 + DAYS_3)


def test_seconds_and_instants_name_the_same_times() -> None:
    by_seconds = framed({"after": 60}, {"within": 120.5})
    by_instants = framed({"at": to_rfc3339(after(NOW, 60))}, {"at": to_rfc3339(after(NOW, 120.5))})

    assert by_seconds == by_instants


def test_within_counts_from_the_request_and_not_from_the_start() -> None:
    assert framed({"after": 60}, {"within": 120}).deadline == after(NOW, 120)


def test_times_finer_than_a_millisecond_are_never_early_and_never_late() -> None:
    start, by = "2026-03-02T12:00:00.0001Z", "2026-03-02T12:30:00.0009Z"
    times = resolve_frame(Start(at=start), Deadline(at=by), None, now=NOW, flexible_within_s=60)

    assert times.start_at is not None
    assert to_rfc3339(times.start_at) == "2026-03-02T12:00:00.001Z"
    assert to_rfc3339(times.deadline) == "2026-03-02T12:30:00.000Z"


def test_a_start_that_is_now_is_no_start() -> None:
    assert framed({"after": 0}).start_at is None
    assert framed({"at": to_rfc3339(NOW)}).start_at is None


def test_a_job_is_kept_as_long_as_it_says() -> None:
    assert framed(retention=3600).retention_s == 3600


@pytest.mark.parametrize(
    ("start", "deadline", "pointer"),
    [
        ({"after": 1, "at": "2026-03-01T13:00:00Z"}, None, "/start"),
        (None, {"within": 1, "at": "2026-03-01T13:00:00Z"}, "/deadline"),
        ({"at": "tomorrow"}, None, "/start/at"),
        ({"at": "2026-02-30T00:00:00Z"}, None, "/start/at"),
        (None, {"at": "2026-03-01T13:00:00"}, "/deadline/at"),
    ],
)
def test_a_time_of_the_wrong_form_is_malformed(start: Any, deadline: Any, pointer: str) -> None:
    with pytest.raises(Problem) as raised:
        framed(start, deadline)

    assert raised.value.name == "malformed-request"
    assert raised.value.members["pointer"] == pointer


@pytest.mark.parametrize(
    ("start", "deadline", "pointer"),
    [
        ({"at": to_rfc3339(NOW - 1)}, None, "/start"),
        (None, {"at": to_rfc3339(NOW - 1)}, "/deadline"),
        (None, {"at": to_rfc3339(NOW)}, "/deadline"),
        (None, {"within": 0}, "/deadline"),
        ({"after": 60}, {"within": 60}, "/deadline"),
        ({"after": 61}, {"within": 60}, "/deadline"),
        ({"after": 30 * DAY_S + 0.001}, None, "/start"),
        ({"after": 1e300}, None, "/start"),
        (None, {"within": 7 * DAY_S + 0.001}, "/deadline"),
        (None, {"within": 1e300}, "/deadline"),
        ({"after": DAY_S}, {"within": 8 * DAY_S + 0.001}, "/deadline"),
        (None, {"at": "9999-12-31T23:59:59-23:59"}, "/deadline"),
    ],
)
def test_times_that_cannot_be_met_are_refused(start: Any, deadline: Any, pointer: str) -> None:
    with pytest.raises(Problem) as raised:
        framed(start, deadline)

    assert raised.value.name == "impossible-time"
    assert raised.value.members["pointer"] == pointer


def test_a_fraction_of_a_millisecond_starts_nothing_early_and_ends_nothing_late() -> None:
    times = framed({"after": 0.0011}, {"within": 0.0049})

    assert (times.start_at, times.deadline) == (NOW + 2, NOW + 4)


def test_the_furthest_times_are_allowed() -> None:
    furthest = framed({"after": 30 * DAY_S}, {"within": 37 * DAY_S})

    assert furthest.start_at == after(NOW, 30 * DAY_S)
    assert furthest.deadline == after(NOW, 37 * DAY_S)


@given(
    st.none() | st.floats(0, 40 * DAY_S),
    st.none() | st.floats(0, 50 * DAY_S),
    st.none() | st.integers(3600, 30 * DAY_S),
)
def test_a_frame_leaves_time_between_start_and_deadline(
    start_s: float | None, within_s: float | None, keep: int | None
) -> None:
    start = None if start_s is None else {"after": start_s}
    deadline = None if within_s is None else {"within": within_s}
    first = after(NOW, start_s or 0)
    by = after(NOW, DAYS_3 if within_s is None else within_s, up=False)
    fits = first <= after(NOW, 30 * DAY_S)
    fits &= within_s is None or first < by <= after(first, 7 * DAY_S)
    if not fits:
        with pytest.raises(Problem, match="impossible-time"):
            framed(start, deadline, keep)
        return
    made = framed(start, deadline, keep)

    assert NOW <= (made.start_at or NOW) < made.deadline
    assert made.has_deadline == (within_s is not None)
    assert made.start_at in (None, first)


def test_nothing_but_refuse_can_be_the_alternative_to_a_deadline() -> None:
    assert msgspec.convert({"within": 1, "or": "refuse"}, Deadline).otherwise == "refuse"
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"within": 1, "or": "else"}, Deadline)


@pytest.mark.parametrize(
    ("start", "deadline", "pointer"),
    [
        (Start(), None, "/start"),
        (None, Deadline(), "/deadline"),
        (None, Deadline(otherwise="refuse"), "/deadline"),
    ],
)
def test_a_time_that_is_not_said_is_malformed(
    start: Start | None, deadline: Deadline | None, pointer: str
) -> None:
    with pytest.raises(Problem) as caught:
        resolve_frame(start, deadline, None, now=NOW, flexible_within_s=60)

    assert (caught.value.name, caught.value.members["pointer"]) == ("malformed-request", pointer)
