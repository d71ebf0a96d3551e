"""A world for tests about time: the real use cases on a virtual AWS, where time passes as it is told.

There is one true time. Each invocation of a Lambda has a clock of its own, which may be wrong.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from itertools import count
from random import Random
from typing import Any

from nowlater import jobs, work
from nowlater.batch import batch
from nowlater.call import Caller
from nowlater.context import Context
from nowlater.frame import Deliver, Start
from nowlater.job import Job, Lane, Ref
from nowlater.outcomes import Refused, TimedOut, Unavailable
from nowlater.problems import Problem
from nowlater.request import Envelope
from nowlater.services import Services
from nowlater.submit import Request, submit
from nowlater.sweep import sweep
from nowlater.timing import Instant, after, seconds_until
from tests import virtual
from tests.virtual import Change, Dead, Lambda, Message

#: 2026-11-24T12:00:00.007Z
START = 1_795_521_600_007
#: A sweep is due each minute; messages are hidden for the worker's time-out and 30 s.
EACH_S, VISIBILITY_S = 60, 330
CALLER = Caller("acme", "https://api.example.com")


class World:
    """Everything that happens, in the order of the true time, as chance has it.

    Clocks are up to `skew_s` wrong, and sweeps up to `late_s` late. `troubles` is how likely each of
    these is: that a worker dies or its run fails, that a message or a sweep comes twice or late, and,
    where AWS and operations can be `slow`, that a call is answered after a while only.
    """

    def __init__(
        self,
        chance: Random,
        *,
        skew_s: float = 0,
        late_s: float = 0,
        troubles: float = 0,
        slow: bool = False,
    ) -> None:
        self.now, self.jobs, self.changes = START, dict[Ref, Job](), list[Change]()
        #: What readers and cancelers were told of each job, in that order.
        self.told = defaultdict[Ref, list[Job]](list)
        self._chance, self._skew_s, self._late_s = chance, skew_s, late_s
        self._troubles, self._slow = troubles, slow
        self._agenda = list[tuple[Instant, int, Callable[[], object]]]()
        self._numbers, self._invoked = count(), list[Lambda]()
        self.at(after(START, EACH_S), self._sweeps)
        virtual.DOES[:] = [self._does]

    # ── time ──────────────────────────────────────────────────────────────────────────────────

    def at(self, then: Instant, act: Callable[[], object]) -> None:
        """Have something happen at a time."""
        heapq.heappush(self._agenda, (then, next(self._numbers), act))

    def passes(self, seconds: float) -> None:
        """Let time pass; whatever is due happens meanwhile, also while an operation runs."""
        until = after(self.now, seconds)
        while self._agenda[0][0] <= until:
            then, _, act = heapq.heappop(self._agenda)
            self.now = max(self.now, then)
            act()
        self.now = max(self.now, until)

    def trouble(self) -> bool:
        return self._chance.random() < self._troubles

    def is_slow(self, most_s: float) -> None:
        """Let something take its time, where clocks and sweeps are not all that is wrong."""
        if self._slow and self.trouble():
            self.passes(self._chance.uniform(0, most_s))

    def _invoke(self, handler: Callable[[Services], object], *, may_die: bool = False) -> bool:
        """Have a Lambda do something; return whether it survives."""
        skew_ms = round(self._chance.uniform(-self._skew_s, self._skew_s) * 1000)
        dies_at = self._chance.randint(1, 8) / 2 if may_die and self.trouble() else math.inf
        self._invoked.append(Lambda(self, skew_ms, dies_at))
        try:
            handler(self._invoked[-1].services)
        except Dead:
            return False
        finally:
            self._invoked.pop()
        return True

    # ── what callers do ───────────────────────────────────────────────────────────────────────

    def submit(self, start_s: float | None, within_s: float | None, *, direct: bool = False) -> Ref:
        """Ask for something to be done, at the hybrid door at once."""
        start = None if start_s is None else Start(after=start_s)
        deliver = None if within_s is None else Deliver(within=within_s)
        envelope = Envelope(start=start, deliver=deliver)
        asked = Request(CALLER, "async", "something", envelope, head_start=direct)
        got: list[Ref] = []
        self._invoke(lambda services: got.append(submit(services, asked).job.ref))
        if direct:
            who = self._holder()
            run = partial(work.direct, ref=got[0], holder=who, remaining=lambda: 300)
            self._invoke(run, may_die=True)
        return got[0]

    def cancel(self, ref: Ref) -> None:
        self.read(ref, jobs.cancel)

    def read(self, ref: Ref, look: Callable[[Services, str, str], Job] = jobs.read) -> None:
        def tell(services: Services) -> None:
            try:
                self.told[ref].append(look(services, ref.owner, ref.id))
            except Problem as problem:
                if problem.name != "already-ended":
                    raise

        self._invoke(tell)

    # ── what AWS does ─────────────────────────────────────────────────────────────────────────

    def write(self, write: str, own: Instant, old: Job | None, new: Job) -> Job:
        self.jobs[new.ref] = new
        self.changes.append(Change(write, self.now, own, old, new))
        return new

    def sends(self, lane: Lane, body: str, delay_s: int) -> None:
        self.shows(Message(lane, body, self.now), delay_s)

    def shows(self, message: Message, hidden_s: int) -> None:
        """Have a worker receive a message once it is visible."""
        assert 0 <= hidden_s <= 900
        message.turn += 1
        turn = message.turn
        then = after(self.now, hidden_s + (self._chance.uniform(0, 5) if self.trouble() else 0))
        self.at(then, lambda: self._receives(message, turn))
        if self.trouble():  # SQS delivers at least once
            self.at(then, lambda: self._receives(message))

    def _receives(self, message: Message, turn: int | None = None) -> None:
        if not message.is_there or turn not in (None, message.turn):
            return
        message.receives += 1
        self.shows(message, VISIBILITY_S)
        times = {"ApproximateReceiveCount": message.receives, "SentTimestamp": message.sent}
        record = {"messageId": "1", "receiptHandle": message, "body": message.body}
        record |= {"attributes": times, "eventSourceARN": f"arn:aws:sqs:::{message.lane}"}
        kept: list[Any] = []

        def works(services: Services) -> None:
            event = {"Records": [record]}
            kept.extend(batch(services, event, self._holder(), lambda: 300)["batchItemFailures"])

        if self._invoke(works, may_die=True) and not kept:
            message.is_there = False

    def _holder(self) -> str:
        return f"request {next(self._numbers)}"

    def _sweeps(self) -> None:
        self.at(after(self.now, EACH_S), self._sweeps)
        then = after(self.now, self._chance.uniform(0, self._late_s))
        for _ in range(2 if self.trouble() else 1):
            self.at(then, lambda: self._invoke(sweep))

    def _does(self, context: Context) -> int:
        """Run the operation: for a while, and then to one of its ends."""
        clock = self._invoked[-1].services.clock
        left_s = max(0.0, seconds_until(context.deadline, clock()))
        seconds = self._chance.choice([0, 0.5, 5, 18, 40, max(0.0, left_s - 0.1)])
        self.passes(min(seconds, left_s) / 2)
        context.progress(0.5)
        self.passes(min(seconds, left_s) / 2)
        self.is_slow(4)  # C code hears of an alarm when it comes back
        if seconds > left_s:
            raise TimedOut
        if self.trouble():
            missing = Unavailable("not now", self._chance.choice([1, 30, 600, 2000]))
            raise self._chance.choice([Refused("no"), missing, OSError("no")])
        return context.attempt
