"""The time limit of a run."""

import itertools
import signal
import subprocess
import sys
import textwrap
import time
from contextlib import suppress

import pytest

from nowlater import TimedOut
from nowlater.runtime.time_limit import run_within
from tests import stack

#: More than any machine needs for what is over at once.
PATIENCE_S = 120


def busy(seconds: float) -> None:
    """Be busy with Python for so long."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


def test_a_run_whose_time_is_up_is_stopped_wherever_it_is() -> None:
    start = time.monotonic()
    with pytest.raises(TimedOut, match=r"0\.2 s"):
        run_within(0.2, lambda: busy(10))

    assert time.monotonic() - start >= 0.2


def test_a_run_that_sleeps_is_woken() -> None:
    start = time.monotonic()
    with pytest.raises(TimedOut):
        run_within(0.1, lambda: time.sleep(PATIENCE_S))

    assert time.monotonic() - start < PATIENCE_S


def test_a_run_that_catches_the_time_out_once_is_stopped_a_second_later() -> None:
    def swallows() -> None:
        with suppress(TimedOut):
            busy(10)
        busy(10)

    start = time.monotonic()
    with pytest.raises(TimedOut):
        run_within(0.1, swallows)

    assert time.monotonic() - start >= 1


def test_except_exception_does_not_swallow_it() -> None:
    def guarded() -> str:
        try:
            busy(10)
        except Exception:
            return "swallowed"
        return "not stopped"

    with pytest.raises(TimedOut):
        run_within(0.1, guarded)


@pytest.mark.parametrize("seconds", [0, -1, -100])
@pytest.mark.parametrize("or_exit", [False, True])
def test_a_run_that_has_no_time_at_all_is_stopped_at_once(seconds: float, or_exit: bool) -> None:
    with pytest.raises(TimedOut):
        run_within(seconds, lambda: busy(10), or_exit=or_exit)


def test_a_run_in_time_returns_and_leaves_nothing_behind() -> None:
    before = signal.getsignal(signal.SIGALRM)
    returned = run_within(PATIENCE_S, lambda: "done", or_exit=True)

    assert returned == "done"
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_a_run_that_ends_just_as_its_time_is_up_leaves_nothing_behind_either() -> None:
    for n in range(500):
        with suppress(TimedOut):
            run_within(0.001, lambda: busy(0.0009 + n % 20 / 100_000))  # noqa: B023

        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_what_a_run_raises_comes_through() -> None:
    with pytest.raises(ZeroDivisionError):
        run_within(PATIENCE_S, lambda: 1 / 0)


def ended(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program that ends by itself, and return how."""
    paths = f"import sys; sys.path.insert(0, {str(stack.ROOT / 'layers/nowlater')!r})\n"
    head = paths + "import itertools, time\nfrom nowlater.runtime import time_limit\n"
    head += "run_within = time_limit.run_within\n"
    return subprocess.run(
        [sys.executable, "-c", head + textwrap.dedent(program)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_c_code_that_does_not_come_back_ends_the_process_with_a_traceback() -> None:
    start = time.monotonic()
    done = ended("""
        def stuck():
            any(itertools.repeat(False))
        run_within(0.2, stuck, or_exit=True)
        print("came back")
    """)

    assert done.returncode == 1
    assert "in stuck" in done.stderr
    assert done.stdout == ""
    assert time.monotonic() - start >= 4


def test_a_run_that_always_catches_the_time_out_ends_the_process() -> None:
    done = ended("""
        def swallows():
            while True:
                try:
                    while True:
                        pass
                except BaseException:
                    pass
        run_within(0.1, swallows, or_exit=True)
    """)

    # faulthandler reads the frames of code that runs on: it can crash over one, and so end the process.
    assert done.returncode in (1, -signal.SIGSEGV)


def test_a_run_in_time_does_not_end_the_process() -> None:
    done = ended("""
        time_limit._GRACE_S = -9
        run_within(10, lambda: None, or_exit=True)  # which would end the process after 1 s
        time.sleep(1.5)
        print("still here")
    """)

    assert (done.returncode, done.stdout) == (0, "still here\n")


def test_without_leave_to_exit_c_code_is_stopped_once_it_comes_back() -> None:
    with pytest.raises(TimedOut):
        run_within(0.05, lambda: sum(itertools.repeat(1, 30_000_000)))
