"""Histograms of run times."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater.jobs.run_times import Histogram, bucket, middle_s

#: From a millisecond, the smallest time that is distinguished, to the longest possible run.
SECONDS = st.floats(0.001, 900)
SHARES = st.floats(0.01, 1)
#: A bucket's middle is off by half of a quarter doubling at most.
OFF = 2 ** (1 / 8) + 1e-9


def histogram(seconds: list[float]) -> Histogram:
    """Return the histogram of some runs."""
    counts: dict[int, int] = {}
    for one in seconds:
        counts[bucket(one)] = counts.get(bucket(one), 0) + 1
    return Histogram(counts)


def is_about(reported: float | None, value: float) -> bool:
    """Tell whether a reported value is as near to the real one as buckets allow."""
    return reported is not None and 1 / OFF <= reported / value <= OFF


@given(SECONDS)
def test_a_run_time_is_kept_to_within_ten_percent(seconds: float) -> None:
    reported = middle_s(bucket(seconds))

    assert abs(reported / seconds - 1) < 0.1


@given(SECONDS, SECONDS)
def test_buckets_keep_the_order(one: float, other: float) -> None:
    assert (bucket(one) <= bucket(other)) or one > other


@pytest.mark.parametrize("seconds", [0, -5, 1e-9, 0.001])
def test_what_takes_no_time_is_in_the_first_bucket(seconds: float) -> None:
    assert bucket(seconds) == 0


@given(st.lists(SECONDS, min_size=1, max_size=50), SHARES)
def test_a_quantile_is_that_of_the_sorted_run_times(runs: list[float], share: float) -> None:
    exactly = sorted(runs)[math.ceil(share * len(runs)) - 1]

    assert is_about(histogram(runs).quantile_s(share), exactly)
    assert histogram(runs).runs == len(runs)


@given(st.lists(SECONDS, min_size=1, max_size=50), SHARES, SECONDS)
def test_a_quantile_of_longer_runs_is_that_of_the_sorted_longer_ones(
    runs: list[float], share: float, ran_s: float
) -> None:
    longer = sorted(one for one in runs if middle_s(bucket(one)) > ran_s)
    quantile = histogram(runs).quantile_s(share, longer_than_s=ran_s)

    if longer:
        assert quantile is not None
        assert quantile > ran_s
        assert is_about(quantile, longer[math.ceil(share * len(longer)) - 1])
    else:
        assert quantile is None


@given(st.lists(SECONDS, min_size=1, max_size=50), SHARES, SHARES)
def test_a_larger_share_takes_no_less_time(runs: list[float], one: float, other: float) -> None:
    less, more = (histogram(runs).quantile_s(share) for share in sorted((one, other)))

    assert less is not None
    assert more is not None
    assert less <= more


def test_no_runs_have_no_quantiles() -> None:
    assert histogram([]).quantile_s(0.5) is None
    assert histogram([]).runs == 0


def test_buckets_that_were_halved_to_nothing_count_for_nothing() -> None:
    assert Histogram({3: 0}).quantile_s(0.5) is None
    assert Histogram({3: 0, 40: 1}).quantile_s(0.01) == middle_s(40)
