"""Instants and durations."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater.instants import (
    after,
    backoff,
    from_rfc3339,
    now,
    seconds_until,
    to_rfc3339,
    whole_seconds_until,
)

NOON = 1_772_366_400_000
FIRST, LAST = from_rfc3339("0001-01-01T00:00:00Z"), from_rfc3339("9999-12-31T23:59:59.999Z")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01t12:00:00z", NOON),
        ("2026-03-01T14:30:00+02:30", NOON),
        ("2026-03-01T00:00:00-12:00", NOON),
        ("2026-03-01T12:00:00-00:00", NOON),
        ("2026-03-02T11:59:00+23:59", NOON),
        ("2026-03-01T12:00:00.1Z", NOON + 100),
        ("2026-03-01T12:00:00.001Z", NOON + 1),
        ("2026-03-01T12:00:00.0019Z", NOON + 1),
        ("2026-03-01T12:00:00.123456789Z", NOON + 123),
        ("2024-02-29T00:00:00Z", 1_709_164_800_000),
        ("1970-01-01T00:00:00Z", 0),
        ("1969-12-31T23:59:59.5Z", -500),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999),
        ("2026-03-01T12:00:00.1234567890Z", NOON + 123),
        ("2026-03-01T12:00:00." + "9" * 5000 + "Z", NOON + 999),
        ("0000-01-01T00:00:00Z", -62_167_219_200_000),
        ("0000-02-29T00:00:00-23:59", -62_167_219_200_000 + (59 * 1440 + 1439) * 60_000),
        ("9999-12-31T23:59:59-23:59", 253_402_300_799_000 + 1439 * 60_000),
    ],
)
def test_a_date_time_of_rfc_3339_names_an_instant(text: str, instant: int) -> None:
    assert from_rfc3339(text) == instant


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "1772366400",
        "2026-03-01",
        "2026-03-01T12:00:00",  # no offset: whose noon?
        "2026-03-01 12:00:00Z",
        "2026-03-01T12:00Z",
        "2026-03-01T12:00:00,5Z",
        "2026-03-01T12:00:00.Z",
        "2026-03-01T12:00:00+02",
        "2026-03-01T12:00:00+0200",
        "2026-03-01T12:00:00+00:60",
        "2026-03-01T12:00:00+24:00",
        "2026-03-01T12:00:00Z ",
        "2026-03-01T12:00:00Z\n",
        "20260301T120000Z",
        "2026-W09-7T12:00:00Z",
        "2026-02-29T12:00:00Z",
        "2026-13-01T12:00:00Z",
        "2026-03-01T24:00:00Z",
        "2026-03-01T12:60:00Z",
        "2026-03-01T12:00:60Z",
        "2026-12-31T23:59:61Z",
        "2026-12-30T23:59:60Z",
        "2026-12-31T23:59:60+01:00",
        "0001-02-29T12:00:00Z",
        "2026-03-01T12:00:00.٣Z",
        "２０２６-03-01T12:00:00Z",
    ],
)
def test_what_is_no_date_time_or_names_no_time_that_exists_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        from_rfc3339(text)


@given(st.integers(FIRST, LAST))
def test_an_instant_is_written_and_read_without_loss(instant: int) -> None:
    text = to_rfc3339(instant)

    assert len(text) == len("2026-03-01T12:00:00.000Z")
    assert from_rfc3339(text) == instant


@given(st.datetimes(min_value=datetime(1, 1, 1), timezones=st.just(UTC)))
def test_fractions_finer_than_a_millisecond_are_cut(moment: datetime) -> None:
    cut = moment.replace(microsecond=moment.microsecond // 1000 * 1000)

    assert from_rfc3339(moment.isoformat()) == from_rfc3339(cut.isoformat())
    up = from_rfc3339(moment.isoformat(), up=True) - from_rfc3339(moment.isoformat())
    assert up == (moment != cut)


@pytest.mark.parametrize(
    ("fraction", "ms"),
    [("0000001", 1), ("0010", 1), ("0010" + "0" * 5000 + "1", 2), ("9990001", 1000), ("", 0)],
)
def test_however_fine_a_fraction_is_it_is_rounded_to_the_asked_side(fraction: str, ms: int) -> None:
    text = f"2026-03-01T12:00:00{'.' if fraction else ''}{fraction}Z"

    assert from_rfc3339(text, up=True) == NOON + ms
    assert from_rfc3339(text) == NOON + int(fraction[:3] or 0)


@pytest.mark.parametrize(
    ("text", "next_day"),
    [
        ("1990-12-31T23:59:60Z", "1991-01-01T00:00:00Z"),
        ("1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00Z"),
        ("2026-06-30t23:59:60z", "2026-07-01T00:00:00Z"),
        ("9999-12-31T23:59:60Z", "9999-12-31T24:00:00Z"),
    ],
)
def test_a_leap_second_begins_no_start_early_and_ends_no_deadline_late(
    text: str, next_day: str
) -> None:
    after_it = from_rfc3339(next_day.replace("T24:00:00Z", "T23:59:59Z"))
    after_it += 1000 if "T24" in next_day else 0

    assert from_rfc3339(text, up=True) == after_it
    assert from_rfc3339(text) == after_it - 1
    assert from_rfc3339(text.replace(":60", ":60.5"), up=True) == after_it + 500
    assert from_rfc3339(text.replace(":60", ":60.5")) == after_it - 1


def test_a_refusal_shows_the_start_of_a_long_text_alone() -> None:
    for text in ("x" * 10**6, "2026-03-01T12:00:61." + "1" * 10**6 + "Z"):
        with pytest.raises(ValueError, match=r"^'(2026|xxx)") as raised:
            from_rfc3339(text)
        assert len(str(raised.value)) < 150


def test_an_instant_is_written_in_utc_with_milliseconds() -> None:
    assert to_rfc3339(NOON + 7) == "2026-03-01T12:00:00.007Z"


@given(st.integers(0, LAST), st.floats(0, 1e9))
def test_after_is_never_too_early_and_a_millisecond_late_at_most(
    instant: int, seconds: float
) -> None:
    late_ms = after(instant, seconds) - instant - seconds * 1000

    assert 0 <= late_ms <= 1


@given(st.integers(0, LAST), st.floats(0, 1e9))
def test_after_rounded_down_is_never_late(instant: int, seconds: float) -> None:
    early_ms = instant + seconds * 1000 - after(instant, seconds, up=False)

    assert 0 <= early_ms <= 1


def test_after_takes_negative_seconds_too() -> None:
    assert after(NOON, -1.5) == NOON - 1500


@given(st.integers(0, LAST), st.integers(-(10**12), 10**12))
def test_whole_seconds_suffice_and_are_none_too_many(instant: int, ahead_ms: int) -> None:
    whole = whole_seconds_until(instant + ahead_ms, instant)

    assert whole >= 0
    assert whole * 1000 >= ahead_ms
    assert (whole - 1) * 1000 < max(ahead_ms, 0)


def test_seconds_until_what_has_passed_are_negative() -> None:
    assert seconds_until(NOON, NOON + 1500) == -1.5


@pytest.mark.parametrize(
    ("base_s", "times", "wait_s"),
    [(1, 0, 1), (1, 1, 2), (1, 3, 8), (1, 20, 900), (30, 10_000, 900), (1800, 0, 1800)],
)
def test_waits_double_up_to_a_bound_that_is_no_less_than_the_first(
    base_s: float, times: int, wait_s: float
) -> None:
    assert backoff(base_s, times, 900) == wait_s


def test_now_is_the_time_of_this_machine_in_milliseconds() -> None:
    before = datetime.now(UTC).timestamp() * 1000
    read = now()
    after_it = datetime.now(UTC).timestamp() * 1000

    assert before - 1 <= read <= after_it
