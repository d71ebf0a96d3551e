"""Stops a run whose time is up: by an alarm in the main thread, else by process exit."""

import faulthandler
import signal
from collections.abc import Callable
from types import FrameType

from nowlater.runtime.exceptions import TimedOut

#: The alarm repeats, for an operation that caught the exception and went on.
_REPEAT_S = 1.0
#: C code that has not returned this long after the alarm never will: the process exits.
_GRACE_S = 4.0


def run_within[T](seconds: float, body: Callable[[], T], *, or_exit: bool = False) -> T:
    """Call the body, and raise TimedOut in it after that time; works in the main thread only.

    With `or_exit`, the process exits if the body does not return even then, with a traceback on
    standard error: Lambda starts a new process, and the job's lease expires.
    """
    armed, seconds = True, max(seconds, 0.001)

    def raise_timed_out(_signal: int, _frame: FrameType | None) -> None:
        if armed:
            raise TimedOut(f"stopped after {seconds:.1f} s")

    previous = signal.signal(signal.SIGALRM, raise_timed_out)
    try:
        try:
            if or_exit:
                faulthandler.dump_traceback_later(seconds + _GRACE_S, exit=True, file=2)
            signal.setitimer(signal.ITIMER_REAL, seconds, _REPEAT_S)
            return body()
        finally:
            armed = False
    finally:  # runs even if the alarm fires at the very end: the next one is a second later
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        if or_exit:
            faulthandler.cancel_dump_traceback_later()
