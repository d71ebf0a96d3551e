"""The arithmetic of quotas."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater.doors import quota
from nowlater.doors.quota import Pace, count_unfinished, pace, shard_share, too_fast, too_many_jobs
from nowlater.instants import Instant
from nowlater.jobs.ids import new_id
from nowlater.jobs.model import ENDED, UNFINISHED

NOW = 1_795_521_600_000
#: Fields as draft-ietf-httpapi-ratelimit-headers-11 has them: Lists of one Item (RFC 9651).
ITEM = re.compile(r'"([a-z-]+)"((?:;[a-z]+=(?:[0-9]{1,15}|"[a-z-]+"))+)')


def jobs(*ages_s: float, status: str = "queued") -> list[tuple[str, str]]:
    """Return jobs of these ages."""
    return [(new_id(NOW - round(age_s * 1000)), status) for age_s in sorted(ages_s)]


def parameters(item: str) -> dict[str, str]:
    """Return the parameters of an Item, and its value as `name`."""
    found = ITEM.fullmatch(item)
    assert found, item
    pairs = (part.split("=") for part in found[2][1:].split(";"))
    return {"name": found[1]} | {key: value.strip('"') for key, value in pairs}


def headers(allowed: Pace, ages: list[tuple[str, str]], now: Instant = NOW) -> dict[str, str]:
    refusal = too_fast(allowed, ages, now)
    assert refusal is not None
    return refusal.to_problem(now).headers


@pytest.mark.parametrize(
    ("a_second", "jobs", "window_s"),
    [(1, 100, 100), (3, 102, 34), (7, 105, 15), (100, 100, 1), (101, 101, 1), (1000, 1000, 1)],
)
def test_a_rate_is_measured_over_a_hundred_jobs_and_whole_seconds(
    a_second: int, jobs: int, window_s: int
) -> None:
    assert pace(a_second) == Pace(jobs, window_s)


@given(st.integers(1, 1000))
def test_a_pace_is_the_rate_that_it_was_made_from(a_second: int) -> None:
    made = pace(a_second)

    assert made.jobs / made.window_s == a_second
    assert 100 <= made.jobs <= 1000


def test_as_many_jobs_as_the_window_takes_are_not_too_fast() -> None:
    assert too_fast(Pace(3, 10), jobs(0, 0), NOW) is None
    assert too_fast(Pace(3, 10), jobs(1, 2, 10, 11), NOW) is None


def test_another_one_is_and_may_come_when_the_first_of_them_is_out_of_the_window() -> None:
    refusal = too_fast(Pace(3, 10), jobs(1, 2, 9.5, 100), NOW)

    assert refusal is not None
    assert refusal.until == NOW + 500
    assert too_fast(Pace(3, 10), jobs(1, 2, 9.5, 100), refusal.until - 1)
    assert too_fast(Pace(3, 10), jobs(1, 2, 9.5, 100), refusal.until) is None


def test_jobs_of_a_clock_that_is_ahead_refuse_for_no_longer_than_the_window() -> None:
    refusal = too_fast(Pace(2, 10), jobs(-3600, -3600, -3600), NOW)

    assert refusal is not None
    assert refusal.until == NOW + 10_000


@given(st.integers(1, 50_000), st.integers(1, 16))
def test_the_shares_of_all_shards_are_the_quota_and_hardly_more(allowed: int, shards: int) -> None:
    assert 0 <= shard_share(allowed, shards) * shards - allowed < shards


def test_of_several_shards_one_stands_for_all() -> None:
    assert too_fast(Pace(8, 10), jobs(1, 2), NOW, shards=4)
    assert too_fast(Pace(8, 10), jobs(1), NOW, shards=4) is None
    assert too_fast(Pace(8, 10), jobs(1, 2), NOW, shards=2) is None


@pytest.mark.parametrize("status", UNFINISHED + ENDED)
def test_only_what_has_not_ended_is_unfinished(status: str) -> None:
    assert count_unfinished(jobs(1, 2, status=status)) == 2 * (status in UNFINISHED)


def test_a_pace_is_told_as_the_draft_says() -> None:
    told = headers(Pace(3, 10), jobs(1, 2, 7.2))

    assert told["Retry-After"] == "3"
    assert parameters(told["RateLimit"]) == {"name": "submits", "r": "0", "t": "3"}
    assert parameters(told["RateLimit-Policy"]) == {"name": "submits", "q": "3", "w": "10"}


def test_so_is_a_number_of_jobs() -> None:
    refusal = too_many_jobs(500, NOW)
    told = refusal.to_problem(NOW + 1).headers
    quoted = {"name": "unfinished-jobs", "q": "500", "qu": "concurrent-requests"}

    assert refusal.until == NOW + 1000 * quota.PAUSE_S
    assert told["Retry-After"] == "10"
    assert parameters(told["RateLimit"]) == {"name": "unfinished-jobs", "r": "0", "t": "10"}
    assert parameters(told["RateLimit-Policy"]) == quoted


@given(st.integers(0, 10_000))
def test_whoever_waits_as_long_as_told_is_not_told_again(later_ms: int) -> None:
    refusal = too_many_jobs(5, NOW)
    now = min(NOW + later_ms, refusal.until - 1)

    assert now + 1000 * int(refusal.to_problem(now).headers["Retry-After"]) >= refusal.until
