"""What a running operation can say and know."""

from collections.abc import Iterator
from typing import Any

import pytest

from nowlater import Canceled, Context
from tests.stopwatch import Stopwatch, in_place_of_time


def context(**changes: Any) -> Context:
    return Context(**{"deadline": 0, "idempotency_key": "a key"} | changes)


@pytest.fixture(autouse=True)
def time() -> Iterator[Stopwatch]:
    stands_in = Stopwatch()
    with in_place_of_time(stands_in, "nowlater.runtime.context"):
        yield stands_in


def test_progress_is_reported_at_most_once_a_second(time: Stopwatch) -> None:
    reported: list[dict[str, Any]] = []
    running = context(report=reported.append)
    running.progress(0.1, "first")
    running.progress(0.2, "second")
    time.sleep(0.9)
    running.progress(0.25)
    before = list(reported)
    time.sleep(0.1)
    running.progress(0.3)
    running.progress(0.4)

    assert before == [{"fraction": 0.1, "message": "first"}]
    assert reported[1:] == [{"fraction": 0.3, "message": ""}]


def test_a_report_that_took_long_is_followed_by_a_pause_all_the_same(time: Stopwatch) -> None:
    reported: list[Any] = []

    def slow(progress: Any) -> None:
        reported.append(progress)
        time.sleep(0.9)

    running = context(report=slow)
    running.progress()
    time.sleep(0.05)
    running.progress()

    assert len(reported) == 1


def test_where_nothing_is_kept_progress_costs_nothing() -> None:
    context().progress(0.5)


def test_a_cancel_unwinds_the_operation_past_its_own_handlers() -> None:
    def canceled(_: Any) -> None:
        raise Canceled

    def guarded() -> str:
        try:
            context(report=canceled).progress()
        except Exception:
            return "swallowed"
        return "not canceled"

    with pytest.raises(Canceled):
        guarded()


@pytest.mark.parametrize("fraction", [0, 1, 0.5, None])
def test_progress_goes_from_0_to_1_or_is_unknown(fraction: float | None) -> None:
    reported: list[dict[str, Any]] = []
    context(report=reported.append).progress(fraction)

    assert reported == [{"fraction": fraction, "message": ""}]


@pytest.mark.parametrize("fraction", [-0.01, 1.01, 50, float("nan"), float("inf")])
def test_progress_elsewhere_is_a_mistake_of_the_operation(fraction: float) -> None:
    reported: list[Any] = []
    with pytest.raises(ValueError, match="from 0 to 1"):
        context(report=reported.append).progress(fraction)

    assert reported == []


def test_a_long_message_is_cut() -> None:
    reported: list[dict[str, Any]] = []
    context(report=reported.append).progress(message="x" * 1000)

    assert reported[0]["message"] == "x" * 256


def test_progress_is_reported_as_plain_text_whatever_the_operation_passes() -> None:
    class Half(float):
        """As numpy's floats do, it calls itself otherwise."""

        def __repr__(self) -> str:
            return "np.float64(0.5)"

    reported: list[dict[str, Any]] = []
    context(report=reported.append).progress(Half(0.5), "\udcff.csv")

    assert repr(reported) == "[{'fraction': 0.5, 'message': '?.csv'}]"
