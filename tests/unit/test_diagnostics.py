"""The diagnostic operations: each fails, waits or answers as its input says."""

import multiprocessing
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater import Canceled, Refused, Unavailable, diagnostics
from nowlater.diagnostics import echo, fail, flaky, sleep
from nowlater.testing import RecordingContext
from tests.stopwatch import Stopwatch, in_place_of_time

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


#: Longer than any machine takes to start a process; it is waited no longer than need be.
PATIENCE_S = 120


@pytest.fixture(autouse=True)
def time() -> Iterator[Stopwatch]:
    stands_in = Stopwatch()
    with in_place_of_time(stands_in, "nowlater.diagnostics"):
        yield stands_in


@given(JSON)
def test_echo_returns_what_it_is_given(value: object) -> None:
    assert echo(value) == value


def test_sleep_reports_progress_and_takes_its_time(time: Stopwatch) -> None:
    run = RecordingContext()
    slept = sleep(0.6, run)

    assert time.s == pytest.approx(0.6)
    assert slept == {"seconds": 0.6}
    assert [fraction for fraction, _ in run.reports] == pytest.approx([0, 0.25 / 0.6, 0.5 / 0.6])


def test_a_cancel_wakes_sleep(time: Stopwatch) -> None:
    with pytest.raises(Canceled):
        sleep(60, RecordingContext(cancel_after=2))

    assert time.s == 0.25


def test_sleep_of_nothing_is_over_at_once() -> None:
    assert sleep(0, RecordingContext()) == {"seconds": 0}


def test_fail_raises_the_error_that_its_input_names() -> None:
    with pytest.raises(RuntimeError, match="oh"):
        fail("error", "oh")
    with pytest.raises(Refused, match="oh"):
        fail("refused", "oh")
    with pytest.raises(Unavailable, match="oh") as raised:
        fail("unavailable", "oh", retry_after=7)
    assert raised.value.retry_after == 7


def test_fail_fails_after_the_time_that_its_input_says(time: Stopwatch) -> None:
    with pytest.raises(Refused):
        fail("refused", after=0.2)

    assert time.s == 0.2


def _fail(kind: diagnostics.Failure, begun: threading.Event) -> None:
    begun.set()
    fail(kind)


def ended(kind: diagnostics.Failure, within_s: float) -> int | None:
    """Return the exit code of a process in which `fail` was called; None if it goes on and on."""
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    process = context.Process(target=_fail, args=(kind, begun))
    process.start()
    assert begun.wait(PATIENCE_S)
    process.join(within_s)
    code = process.exitcode
    process.kill()
    process.join()
    return code


def test_a_crash_ends_the_process() -> None:
    assert ended("crash", PATIENCE_S) == 1


@pytest.mark.parametrize("kind", ["hang", "stuck"])
def test_what_hangs_does_not_return(kind: diagnostics.Failure) -> None:
    assert ended(kind, within_s=1) is None


@pytest.mark.parametrize("failures", [0, 1, 3])
def test_flaky_fails_as_often_as_its_input_says_and_then_succeeds(failures: int) -> None:
    for attempt in range(1, failures + 1):
        with pytest.raises(RuntimeError, match=str(attempt)):
            flaky(failures, RecordingContext(attempt=attempt))

    assert flaky(failures, RecordingContext(attempt=failures + 1)) == {"attempt": failures + 1}


def test_flaky_fails_in_the_way_that_its_input_says() -> None:
    with pytest.raises(Unavailable):
        flaky(1, RecordingContext(attempt=1), kind="unavailable")


def test_diagnostics_are_served_only_if_they_are_asked_for() -> None:
    specs = [getattr(member, "operation", None) for member in vars(diagnostics).values()]

    served = [spec.name for spec in specs if spec and not spec.diagnostic]
    assert served == []
