"""When to look again at a job: seldom, and yet soon after its end."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater.api.job_responses import retry_after_s
from nowlater.instants import Instant, after, seconds_until
from nowlater.jobs.estimate import Estimate, estimate
from nowlater.jobs.model import Job
from nowlater.jobs.run_times import Histogram, bucket
from tests.unit.jobs import HOUR, NOW, job

INSTANTS = st.integers(NOW - 30 * 24 * HOUR, NOW + 30 * 24 * HOUR)
NEVER_RAN = Histogram({})


def usually(seconds: float) -> Histogram:
    """Return the histogram of an operation that takes that long."""
    return Histogram({bucket(seconds): 100})


def followed(
    earlier: Histogram, waits_s: float, runs_s: float, start_at: Instant | None = None
) -> tuple[int, float]:
    """Follow `Retry-After` from the job's submit; return how many looks it took, and how late
    the last one was, in seconds."""
    waiting = job(start_at=start_at, not_before=start_at, deadline=NOW + 40 * 24 * HOUR)
    started = after(start_at or NOW, waits_s)
    running = job(status="running", started=started, start_at=start_at, deadline=NOW + 40 * HOUR)
    ended, now, looks = after(started, runs_s), NOW, 0
    while now < ended:
        shown = running if now >= started else waiting
        now, looks = after(now, pause_s(shown, earlier, now)), looks + 1
    return looks, seconds_until(now, ended)


def pause_s(shown: Job, earlier: Histogram, now: Instant) -> int:
    waiting = None if shown.status == "running" else 0
    lanes = {"on-time": 1, "flexible": 1}
    return retry_after_s(shown, now, estimate(shown, earlier, waiting, now, lanes))  # type: ignore[arg-type]


@given(st.floats(600, 800), st.floats(0, 0.2))
def test_a_job_of_ten_minutes_that_waits_a_while_and_then_takes_as_long_as_usual_takes_ten_looks(
    runs_s: float, waits: float
) -> None:
    looks, late_s = followed(usually(runs_s), waits * runs_s, runs_s)

    assert looks <= 10  # ten in one of 30,000: no estimate knows of the wait
    assert late_s <= 0.1 * (1 + waits) * runs_s + 1


@pytest.mark.parametrize("runs_s", [600, 10, 60, 3600, 7200])
def test_the_end_of_a_job_as_long_as_usual_is_learned_of_within_a_tenth_of_its_time(
    runs_s: float,
) -> None:
    looks, late_s = followed(usually(runs_s), 0, runs_s)

    assert looks < 10
    assert late_s <= 0.1 * runs_s


@given(st.floats(10, 3000), st.floats(0.5, 2))
def test_the_end_of_a_job_half_or_twice_as_long_as_usual_is_learned_of_within_an_eighth(
    usual_s: float, times: float
) -> None:
    runs_s = usual_s * times
    looks, late_s = followed(usually(usual_s), 0, runs_s)

    # A bucket may promise a tenth more than is usual: then the first look is at 0.55 of it.
    too_early = max(0, 0.55 * usual_s - runs_s)
    assert late_s <= max(0.125 * runs_s, too_early) + 1
    # Later than usual, nothing is known: a tenth of its time, but at least each minute.
    assert looks < 10 + max(0, runs_s - usual_s) / 60 + 8


@given(st.floats(0, 3600), st.floats(0.001, 3600))
def test_the_end_of_a_job_that_nothing_is_known_of_is_learned_of_within_a_tenth_of_its_time(
    waits_s: float, runs_s: float
) -> None:
    _, late_s = followed(NEVER_RAN, waits_s, runs_s)

    assert late_s <= min(0.1 * (waits_s + runs_s) + 1, 61)


def test_a_start_far_ahead_is_no_part_of_a_jobs_time() -> None:
    looks, late_s = followed(usually(600), 0, 600, start_at=NOW + 24 * HOUR)

    assert looks < 24 + 10
    assert late_s <= 60


@st.composite
def unfinished(draw: st.DrawFn) -> Job:
    """Draw a job as readers may see it NOW, with usual and unusual times."""
    status = draw(st.sampled_from(["scheduled", "queued", "running"]))
    ahead = st.integers(NOW + 1, NOW + 30 * 24 * HOUR)
    changes: dict[str, Any] = {
        "status": status,
        "created": draw(INSTANTS),
        "start_at": draw(st.none() | INSTANTS),
        "not_before": draw(ahead if status == "scheduled" else st.none() | INSTANTS),
        "deadline": draw(st.integers(NOW - 1999, NOW + 7 * 24 * HOUR)),
    }
    return job(**changes)


@given(unfinished(), st.none() | INSTANTS)
def test_a_pause_is_between_a_second_and_an_hour(shown: Job, finish: Instant | None) -> None:
    estimated = finish and Estimate(finish, at_risk=False, runs=1, p50_s=1, p90_s=1, waiting=0)
    pause = retry_after_s(shown, NOW, estimated or None)

    assert isinstance(pause, int)
    assert 1 <= pause <= 3600


@given(unfinished(), st.none() | INSTANTS)
def test_no_pause_goes_beyond_the_deadline(shown: Job, finish: Instant | None) -> None:
    estimated = finish and Estimate(finish, at_risk=True, runs=1, p50_s=1, p90_s=1, waiting=0)
    pause = retry_after_s(shown, NOW, estimated or None)

    assert pause <= max(1, seconds_until(shown.deadline, NOW) + 2 + 1)


def test_a_scheduled_job_is_looked_at_when_it_may_start() -> None:
    ahead = {"status": "scheduled", "deadline": NOW + 9 * HOUR}

    assert retry_after_s(job(not_before=NOW + 90_000, **ahead), NOW, None) == 90
    assert retry_after_s(job(not_before=NOW + 2 * HOUR, **ahead), NOW, None) == 3600


def test_a_job_that_waits_for_its_next_attempt_is_looked_at_when_it_may_start() -> None:
    waits = job(created=NOW - 1000, not_before=NOW + 900_000)
    estimated = Estimate(after(NOW, 901), at_risk=False, runs=1, p50_s=1, p90_s=1, waiting=0)

    assert retry_after_s(waits, NOW, None) == 900
    assert retry_after_s(waits, NOW, estimated) == 900


def test_a_run_that_began_a_moment_ago_is_young_however_long_its_start_was_ahead() -> None:
    running = job(
        status="running", created=NOW - 24 * HOUR, start_at=NOW - 1000, started=NOW - 1000
    )
    estimated = Estimate(after(NOW, 9), at_risk=False, runs=1, p50_s=10, p90_s=10, waiting=None)

    assert retry_after_s(running, NOW, None) == 1
    assert retry_after_s(running, NOW, estimated) == 4
    assert retry_after_s(running, NOW, replace(estimated, finish=NOW)) == 1
