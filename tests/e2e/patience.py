"""Waits that end as soon as they can, and give up only where something must have gone wrong."""

import time
from collections.abc import Callable

#: Much longer than anything takes that is waited for, on any machine.
PATIENCE_S = 180.0
#: Seconds that a job takes which must be seen before its end; where the machine was too busy for
#: that, the next one is asked for. The local stack ends a run after 40 s.
LONGER = (3, 12, 30)
#: The longest pause between two looks, and how much longer each is than the one before: who looks at
#: long work ten times a second keeps the machine from it.
LONGEST_PAUSE_S, LONGER_PAUSE = 1.0, 1.2
#: How often something is tried that depends on its length, and so cannot take longer instead.
TRIES = 3


def eventually[T](
    look: Callable[[], T],
    is_right: Callable[[T], object] = bool,
    *,
    within_s: float = PATIENCE_S,
    pause_s: float = 0.1,
) -> T:
    """Return what is seen once it is right: look again and again; fails with what was seen last."""
    until_s = time.monotonic() + within_s
    while not is_right(seen := look()):
        assert time.monotonic() < until_s, f"not within {within_s:g} s; at last there was: {seen!r}"
        time.sleep(pause_s)
        pause_s = min(pause_s * LONGER_PAUSE, LONGEST_PAUSE_S)
    return seen
