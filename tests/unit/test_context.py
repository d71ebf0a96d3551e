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


def test_progress_is_told_at_most_once_a_second(time: Stopwatch) -> None:
    said: list[dict[str, Any]] = []
    running = context(report=said.append)
    running.progress(0.1, "first")
    running.progress(0.2, "second")
    time.sleep(0.9)
    running.progress(0.25)
    before = list(said)
    time.sleep(0.1)
    running.progress(0.3)
    running.progress(0.4)

    assert before == [{"fraction": 0.1, "message": "first"}]
    assert said[1:] == [{"fraction": 0.3, "message": ""}]


def test_a_report_that_took_long_is_followed_by_a_pause_all_the_same(time: Stopwatch) -> None:
    said: list[Any] = []

    def slow(told: Any) -> None:
        said.append(told)
        time.sleep(0.9)

    running = context(report=slow)
    running.progress()
    time.sleep(0.05)
    running.progress()

    assert len(said) == 1


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
    said: list[dict[str, Any]] = []
    context(report=said.append).progress(fraction)

    assert said == [{"fraction": fraction, "message": ""}]


@pytest.mark.parametrize("fraction", [-0.01, 1.01, 50, float("nan"), float("inf")])
def test_progress_elsewhere_is_a_mistake_of_the_operation(fraction: float) -> None:
    said: list[Any] = []
    with pytest.raises(ValueError, match="from 0 to 1"):
        context(report=said.append).progress(fraction)

    assert said == []


def test_a_long_message_is_cut() -> None:
    said: list[dict[str, Any]] = []
    context(report=said.append).progress(message="x" * 1000)

    assert said[0]["message"] == "x" * 256


def test_progress_is_told_in_plain_words_whatever_it_was_said_in() -> None:
    class Half(float):
        """As numpy's floats do, it calls itself otherwise."""

        def __repr__(self) -> str:
            return "np.float64(0.5)"

    said: list[dict[str, Any]] = []
    context(report=said.append).progress(Half(0.5), "\udcff.csv")

    assert repr(said) == "[{'fraction': 0.5, 'message': '?.csv'}]"
