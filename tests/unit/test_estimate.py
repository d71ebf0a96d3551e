"""Estimates: when a job will end, from which numbers; None without any."""

from typing import Any

import pytest

from nowlater.instants import after, seconds_until
from nowlater.jobs.estimate import Estimate, estimate
from nowlater.jobs.run_times import Histogram, bucket, middle_s
from nowlater.lane import Lane
from tests.unit.jobs import HOUR, NOW, job

CONCURRENCY: dict[Lane, int] = {"on-time": 4, "flexible": 2}
#: Nine runs of about 10 s, and one of about 100 s.
EARLIER = Histogram({bucket(10): 9, bucket(100): 1})
USUAL_S, LONG_S = middle_s(bucket(10)), middle_s(bucket(100))


def expected(
    earlier: Histogram = EARLIER, waiting: int | None = 0, now: int = NOW, **changes: Any
) -> Estimate | None:
    """Return the estimate for a job that waits, or runs since NOW."""
    runs = changes.get("status") == "running"
    changes = ({"started": NOW, "attempt": 1} if runs else {}) | changes
    return estimate(job(**changes), earlier, None if runs else waiting, now, CONCURRENCY)


def remaining_s(now: int = NOW, **changes: Any) -> float:
    """Return the seconds that the job is expected to take yet."""
    estimated = expected(now=now, **changes)
    assert estimated is not None
    return seconds_until(estimated.finish, now)


def test_a_job_without_others_before_it_takes_the_median_run_time() -> None:
    assert remaining_s() == pytest.approx(USUAL_S, abs=0.001)


@pytest.mark.parametrize(("lane", "at_once"), CONCURRENCY.items())
def test_waiting_jobs_share_the_workers_of_their_lane(lane: Lane, at_once: int) -> None:
    assert remaining_s(waiting=20, lane=lane) == pytest.approx(
        20 * USUAL_S / at_once + USUAL_S, abs=0.002
    )


def test_a_job_whose_start_is_ahead_takes_its_time_from_then_on() -> None:
    ahead = {"status": "scheduled", "not_before": NOW + HOUR}

    assert remaining_s(**ahead) == pytest.approx(3600 + USUAL_S, abs=0.002)


def test_those_that_wait_now_are_worked_off_until_a_start_that_is_far_ahead() -> None:
    ahead = {"status": "scheduled", "not_before": NOW + HOUR}

    assert remaining_s(waiting=4, **ahead) == pytest.approx(3600 + USUAL_S, abs=0.002)
    assert remaining_s(waiting=4000, **ahead) == pytest.approx(1001 * USUAL_S, abs=0.002)


def test_a_start_that_has_passed_delays_nothing() -> None:
    assert remaining_s(not_before=NOW - HOUR) == remaining_s()


@pytest.mark.parametrize("ran_s", [0, 5, 10])
def test_a_run_takes_the_median_of_the_longer_runs(ran_s: float) -> None:
    now = after(NOW, ran_s)

    assert remaining_s(now, status="running") == pytest.approx(USUAL_S - ran_s, abs=0.002)


def test_a_run_that_is_longer_than_most_is_likely_to_be_as_long_as_the_longest() -> None:
    now = after(NOW, 20)

    assert remaining_s(now, status="running") == pytest.approx(LONG_S - 20, abs=0.002)


@pytest.mark.parametrize(("fraction", "remaining"), [(0.05, 190), (0.25, 30), (0.5, 10), (1, 0)])
def test_the_remaining_time_follows_from_reported_progress(
    fraction: float, remaining: float
) -> None:
    now = after(NOW, 10)
    progress = {"fraction": fraction, "message": ""}

    assert remaining_s(now, status="running", updated=now, progress=progress) == pytest.approx(
        remaining
    )


def test_progress_counts_from_when_it_was_reported() -> None:
    changes = {"status": "running", "progress": {"fraction": 0.5, "message": ""}}
    changes["updated"] = after(NOW, 10)

    assert remaining_s(after(NOW, 15), **changes) == pytest.approx(5)
    assert remaining_s(after(NOW, 30), **changes) == 0


@pytest.mark.parametrize("fraction", [None, 0, 0.049])
def test_very_little_progress_is_ignored(fraction: float | None) -> None:
    now = after(NOW, 5)
    progress = {"fraction": fraction, "message": "reading"}

    assert remaining_s(now, status="running", updated=now, progress=progress) == remaining_s(
        now, status="running"
    )


def test_progress_alone_gives_an_estimate_for_an_operation_without_runs() -> None:
    now = after(NOW, 10)
    estimated = expected(
        Histogram({}),
        now=now,
        status="running",
        updated=now,
        progress={"fraction": 0.5, "message": ""},
    )

    assert estimated is not None
    assert (estimated.finish, estimated.runs, estimated.p50_s) == (after(NOW, 20), 0, None)


def test_without_earlier_runs_there_is_no_estimate() -> None:
    never = Histogram({})

    assert expected(never) is None
    assert expected(never, status="scheduled", not_before=NOW + HOUR) is None
    assert expected(never, status="running") is None
    assert expected(Histogram({bucket(10): 0})) is None


def test_a_run_longer_than_any_before_has_no_estimate() -> None:
    assert expected(status="running", now=after(NOW, LONG_S - 1)) is not None
    assert expected(status="running", now=after(NOW, LONG_S)) is None


def test_an_estimate_says_which_numbers_it_is_based_on() -> None:
    estimated = expected(waiting=17)

    assert estimated is not None
    assert (estimated.runs, estimated.waiting) == (10, 17)
    assert (estimated.p50_s, estimated.p90_s) == (USUAL_S, USUAL_S)
    assert expected(Histogram({bucket(10): 8, bucket(100): 2})).p90_s == LONG_S  # type: ignore[union-attr]


def test_a_deadline_is_at_risk_that_a_tenth_of_the_runs_would_miss() -> None:
    slower = Histogram({bucket(10): 8, bucket(100): 2})

    def risks(seconds: float, earlier: Histogram, **changes: Any) -> bool:
        estimated = expected(earlier, deadline=after(NOW, seconds), **changes)
        assert estimated is not None
        return estimated.at_risk

    assert not risks(20, EARLIER)
    assert risks(20, slower)
    assert not risks(LONG_S + 1, slower)
    assert risks(9, EARLIER)
    assert risks(20, EARLIER, waiting=8)
    assert risks(20, slower, status="running")
    assert not risks(9, EARLIER, has_deadline=False)
