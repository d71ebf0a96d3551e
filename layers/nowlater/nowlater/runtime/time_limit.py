"""Ends a run whose time is up: an alarm in the main thread, and the process where that is not heard."""

import faulthandler
import signal
from collections.abc import Callable
from types import FrameType

from nowlater.runtime.exceptions import TimedOut

#: The alarm sounds again, for an operation that caught it and went on.
_AGAIN_S = 1.0
#: C code that has not come back this long after the alarm will not: the process ends.
_GRACE_S = 4.0


def within[T](seconds: float, body: Callable[[], T], *, or_exit: bool = False) -> T:
    """Call the body, and raise TimedOut in it once it has run for that long; in the main thread only.

    With `or_exit`, a body that does not even then come back ends the process, with a traceback
    on standard error: a Lambda starts afresh, and the job's lease runs out.
    """
    armed, seconds = True, max(seconds, 0.001)

    def sound(_signal: int, _frame: FrameType | None) -> None:
        if armed:
            raise TimedOut(f"stopped after {seconds:.1f} s")

    before = signal.signal(signal.SIGALRM, sound)
    try:
        try:
            if or_exit:
                faulthandler.dump_traceback_later(seconds + _GRACE_S, exit=True, file=2)
            signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN_S)
            return body()
        finally:
            armed = False
    finally:  # reached even if the alarm sounds at the very end: the next one is a second away
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if or_exit:
            faulthandler.cancel_dump_traceback_later()
