"""The arithmetic of the quota of unfinished jobs."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater.doors.job_quota import PAUSE_S, count_unfinished, shard_share, too_many_jobs
from nowlater.jobs.model import ENDED, UNFINISHED, new_id
from nowlater.jobs.store import JobStatus

NOW = 1_795_521_600_000
#: Fields as draft-ietf-httpapi-ratelimit-headers-11 has them: Lists of one Item (RFC 9651).
ITEM = re.compile(r'"([a-z-]+)"((?:;[a-z]+=(?:[0-9]{1,15}|"[a-z-]+"))+)')


def jobs(*ages_s: float, status: str = "queued") -> list[JobStatus]:
    """Return jobs of these ages."""
    return [JobStatus(new_id(NOW - round(age_s * 1000)), status) for age_s in sorted(ages_s)]


def parameters(item: str) -> dict[str, str]:
    """Return the parameters of an Item, and its value as `name`."""
    found = ITEM.fullmatch(item)
    assert found, item
    pairs = (part.split("=") for part in found[2][1:].split(";"))
    return {"name": found[1]} | {key: value.strip('"') for key, value in pairs}


@given(st.integers(1, 50_000), st.integers(1, 16))
def test_the_shares_of_all_shards_are_the_quota_and_hardly_more(allowed: int, shards: int) -> None:
    assert 0 <= shard_share(allowed, shards) * shards - allowed < shards


@pytest.mark.parametrize("status", UNFINISHED + ENDED)
def test_only_what_has_not_ended_is_unfinished(status: str) -> None:
    assert count_unfinished(jobs(1, 2, status=status)) == 2 * (status in UNFINISHED)


def test_a_quota_of_jobs_is_described_as_the_draft_says() -> None:
    refusal = too_many_jobs(500, NOW)
    headers = refusal.to_problem(NOW + 1).headers
    quoted = {"name": "unfinished-jobs", "q": "500", "qu": "concurrent-requests"}

    assert refusal.until == NOW + 1000 * PAUSE_S
    assert headers["Retry-After"] == "10"
    assert parameters(headers["RateLimit"]) == {"name": "unfinished-jobs", "r": "0", "t": "10"}
    assert parameters(headers["RateLimit-Policy"]) == quoted


@given(st.integers(0, 10_000))
def test_a_caller_who_waits_as_long_as_asked_is_not_asked_to_wait_again(later_ms: int) -> None:
    refusal = too_many_jobs(5, NOW)
    now = min(NOW + later_ms, refusal.until - 1)

    assert now + 1000 * int(refusal.to_problem(now).headers["Retry-After"]) >= refusal.until
