"""What is searched: for each door and time frame, the instants at which something can happen."""

from dataclasses import dataclass, replace
from functools import partial

from nowlater.access.caller import Caller
from nowlater.doors.envelope import Envelope
from nowlater.doors.hybrid import submit_and_wait
from nowlater.doors.submit import Accepted, JobRequest, submit
from nowlater.doors.time_frame import Deadline, Start
from nowlater.instants import Instant, after, to_rfc3339
from nowlater.services import Services

#: 2026-03-01T12:00:00Z
START: Instant = 1_772_366_400_000
HOUR_S = 3600
CALLER = Caller("acme", "https://api.example.com")


@dataclass(frozen=True)
class Scenario:
    """One job, what it is asked to do, and how much can go wrong.

    Times are seconds from the start; the clock shows `instants`, one after the other.
    """

    name: str
    instants: tuple[int, ...]
    start_s: int | None = None
    by_s: int | None = None
    head_start: bool = False
    #: How often a crash, a failure of AWS, a lost reply, a duplicate or a second sweep can be.
    faults: int = 1
    #: How many Lambdas can work at the same time.
    workers: int = 2
    #: Whether the caller asks a second time under the same key.
    replay: bool = False
    cancels: int = 0
    erases: int = 0
    #: How often a message becomes a dead letter, or an operator has one sent back.
    dead_letters: int = 0
    #: What the operation can do beside returning and failing; a number: it is unavailable so long.
    does: tuple[str | int, ...] = ()
    forgets: bool = False

    def at(self, index: int) -> Instant:
        return after(START, self.instants[index])

    def asks(self, services: Services) -> Accepted:
        """Ask for the job, as the caller does each time."""
        start = None if self.start_s is None else Start(at=self._said(self.start_s))
        deadline = None if self.by_s is None else Deadline(at=self._said(self.by_s))
        door = "hybrid" if self.head_start else "async"
        envelope = Envelope(start=start, deadline=deadline, retention=HOUR_S)
        asked = JobRequest(CALLER, door, "modelled", envelope, "key", runs_at_once=self.head_start)
        return (partial(submit_and_wait, wait_s=10) if self.head_start else submit)(services, asked)

    def _said(self, seconds: int) -> str:
        return to_rfc3339(after(START, seconds))


#: A lease and a wait last 30 s, a message is hidden for 90: each instant is after all of them.
_ASYNC = Scenario("async", (0, 100, 200), does=(30,))
#: The deadline comes while a worker or a caller can be in the middle of something.
_BY = replace(_ASYNC, name="by", by_s=120, instants=(0, 100, 125))
_LATE = replace(_ASYNC, name="late", start_s=2000, instants=(0, 1400, 2000, 2100), does=())

#: Small ones first.
SCENARIOS = [
    _ASYNC,
    replace(_BY, does=()),
    replace(_BY, name="by-wait", workers=1),
    # Just after the deadline readers are not shown it yet.
    replace(_BY, name="by-cancel", cancels=1, workers=1, does=(), instants=(0, 121)),
    # A worker is still at it when its lease is over and another has the job.
    replace(_ASYNC, name="slow", does=("reports",), instants=(0, 40)),
    replace(_ASYNC, name="progress", does=("reports",), cancels=1, instants=(0, 100)),
    replace(_ASYNC, name="erase", erases=1, cancels=1, instants=(0, 100), does=()),
    replace(_BY, name="erase-by", erases=1, workers=1, does=()),
    replace(_ASYNC, name="replay", replay=True, workers=1, instants=(0, 100), does=()),
    replace(_BY, name="replay-by", replay=True, workers=1, does=(), instants=(0, 125)),
    replace(_ASYNC, name="dead-letter", dead_letters=2, does=()),
    replace(_BY, name="dead-letter-by", dead_letters=2, workers=1, does=()),
    replace(_ASYNC, name="hybrid", head_start=True, does=()),
    replace(_BY, name="hybrid-by", head_start=True, does=(), instants=(0, 40, 125)),
    replace(_ASYNC, name="delayed", start_s=60, cancels=1),
    _LATE,
    replace(_LATE, name="late-by", by_s=2050),
    replace(_LATE, name="late-wait", does=(2000,), instants=(0, 1400, 2000, 3400, 4000), workers=1),
    replace(_LATE, name="late-replay", replay=True, workers=1),
    replace(_ASYNC, name="forgotten", forgets=True, instants=(0, 100, 100_000), does=()),
]
