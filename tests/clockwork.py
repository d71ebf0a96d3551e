"""A virtual AWS for tests about time: the real use cases, on a table and queues that live in memory.

There is one true time, and it passes only here. Each invocation of a Lambda has a clock of its own,
which may be wrong, and may die before or after any of its calls. Instants are in milliseconds.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

import msgspec

from nowlater import job, jobs, work
from nowlater.batch import batch
from nowlater.call import Caller
from nowlater.catalogue import Entry
from nowlater.context import Context
from nowlater.frame import Deliver, Start
from nowlater.job import Job, Lane, Ref, may
from nowlater.operation import operation
from nowlater.outcomes import Refused, TimedOut, Unavailable
from nowlater.problems import Problem
from nowlater.queues import Queues
from nowlater.request import Envelope
from nowlater.services import Services
from nowlater.settings import Settings
from nowlater.store import Store, Written
from nowlater.submit import Request, submit
from nowlater.sweep import sweep
from nowlater.timing import Instant, after, seconds_until

#: 2026-11-24T12:00:00Z, a moment after a sweep.
START = 1_795_521_600_000 + 7
#: A sweep is begun each minute; messages are hidden for the worker's time-out and 30 s.
EACH_S, VISIBILITY_S = 60, 330
CALLER = Caller("acme", "https://api.example.com")
SETTINGS = Settings(
    **dict.fromkeys(("table", "bucket", "topic", "on_time_queue", "flexible_queue"), "x"),
    public_url="",
    flexible_within_s=3600,
    work_timeout_s=300,
    diagnostics=False,
    shards=1,
    on_time_concurrency=8,
    flexible_concurrency=2,
)


class Dead(BaseException):
    """This Lambda is no more."""


@dataclass(frozen=True)
class Change:
    """A record of the table's stream, with the true time and that of the Lambda that wrote."""

    write: str
    at: Instant
    own: Instant
    old: Job | None
    new: Job


@dataclass
class Message:
    lane: Lane
    body: str
    sent: Instant
    #: Each time that it is received or put off, an earlier appointment with it lapses.
    turn: int = 0
    receives: int = 0
    is_there: bool = True


@dataclass
class Lambda:
    """One invocation: its clock, and the number of the call before or after which it dies."""

    world: "World"
    skew_ms: int
    dies_at: float = math.inf
    services: Services = field(init=False)

    def __post_init__(self) -> None:
        self.services = Services(environment=SETTINGS, clock=lambda: self.world.now + self.skew_ms)
        vars(self.services).update(store=_Store(self), queues=_Queues(self), catalogue=_Catalogue())

    def calls[T](self, aws: Callable[[], T]) -> T:
        """Call AWS, unless it dies before; a call that it dies after has its effect."""
        self.dies_at -= 1
        if self.dies_at < 0:
            raise Dead
        answer = aws()
        if self.dies_at < 0.5:  # a whole number dies after the call, a half before the next
            self.dies_at = 0
            raise Dead
        return answer


class _Store(Store):
    """Jobs in memory, written by the rules of `job.WRITES`, each change on record."""

    def __init__(self, caller: Lambda) -> None:
        self._world, self._calls = caller.world, caller.calls

    def put(self, new: Job) -> Job:
        return self._calls(lambda: self._world.write("put", self._world.now, None, new))

    def get(self, ref: Ref) -> Job | None:
        return self._calls(lambda: self._world.jobs.get(ref))

    def write(self, ref: Ref, write: str, now: Instant, changes: Any, **how: Any) -> Written:
        return self._calls(lambda: self._write(ref, write, now, dict(changes), **how))

    def _write(
        self, ref: Ref, write: str, now: Instant, changes: Any, token: int = 0, arithmetic: Any = ()
    ) -> Written:
        there = self._world.jobs.get(ref)
        if there is None:
            return Written(False, None)
        if not may(write, there, now, token):
            return Written(all(getattr(there, k) == v for k, v in changes.items()), there)
        if arithmetic:  # that of a claim
            changes |= {"attempt": there.attempt + 1, "tries_left": there.tries_left - 1}
            changes["lease_until"] = after(now, job.LEASE_GRACE_S) + there.timeout_ms
        new = msgspec.structs.replace(there, **changes)
        return Written(True, self._world.write(write, now, there, new))

    def due(self, shard: int, by: Instant) -> Iterator[Ref]:
        there = self._calls(lambda: list(self._world.jobs.values()))
        found = [j for j in there if j.due_shard == shard and (j.due_at or 0) <= by]
        return iter([j.ref for j in sorted(found, key=lambda j: j.due_at or 0)])


class _Queues(Queues):
    """The real lanes, on queues in memory."""

    def __init__(self, caller: Lambda) -> None:
        self._urls = {"on-time": "sqs/on-time", "flexible": "sqs/flexible"}
        self._client = self
        self._world, self._calls = caller.world, caller.calls

    def send_message(self, **asked: Any) -> None:
        lane: Any = asked["QueueUrl"].rpartition("/")[2]
        body, delay_s = asked["MessageBody"], asked["DelaySeconds"]
        self._calls(lambda: self._world.sends(lane, body, delay_s))

    def change_message_visibility(self, **asked: Any) -> None:
        message, hidden_s = asked["ReceiptHandle"], asked["VisibilityTimeout"]
        self._calls(lambda: self._world.shows(message, hidden_s))


@operation(timeout=20)
def something(context: Context) -> int:
    """Does what the world makes of it."""
    return World.current.does(context)


class _Catalogue:
    def find(self, name: str) -> Entry:
        doors = ("async", "hybrid")
        return Entry(name, __name__, name, 20, 3, doors, False, False, lambda given: given)

    def at(self, door: str | None, name: str) -> Entry:
        return self.find(name)


class World:
    """Everything that happens, in the order of the true time, as chance has it.

    Clocks are up to `skew_s` wrong, and sweeps up to `late_s` late. `troubles` is how likely each of
    these is: a worker that dies, a message or a sweep that comes twice, a message that comes late.
    """

    current: "World"

    def __init__(self, chance: Random, skew_s: float = 0, late_s: float = 0, troubles: float = 0):
        World.current = self
        self.now, self.jobs, self.changes = START, dict[Ref, Job](), list[Change]()
        self.told = defaultdict[Ref, list[Job]](list)
        self._chance, self._skew_s, self._late_s, self._troubles = chance, skew_s, late_s, troubles
        self._agenda: list[tuple[Instant, int, Callable[[], object]]] = []
        self._numbers, self._invoked = count(), list[Lambda]()
        self.at(after(START, EACH_S), self._sweeps)

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

    def invoke(self, handler: Callable[[Services], object], *, may_die: bool = False) -> bool:
        """Have a Lambda do something by a clock of its own; return whether it survives."""
        skew_ms = round(self._chance.uniform(-self._skew_s, self._skew_s) * 1000)
        dies_at = self._chance.randint(0, 8) / 2 if may_die and self.trouble() else math.inf
        self._invoked.append(Lambda(self, skew_ms, dies_at))
        try:
            handler(self._invoked[-1].services)
        except Dead:
            return False
        finally:
            self._invoked.pop()
        return True

    # ── what callers do ───────────────────────────────────────────────────────────────────────

    def submit(
        self, start_s: float | None, within_s: float | None, *, direct: bool = False
    ) -> None:
        """Ask for something to be done, of a hybrid job also at once."""
        deliver = None if within_s is None else Deliver(within=within_s)
        envelope = Envelope(start=Start(after=start_s) if start_s else None, deliver=deliver)
        asked = Request(CALLER, "async", "something", envelope, head_start=direct)
        got: list[Job] = []
        self.invoke(lambda services: got.append(submit(services, asked).job))
        if direct:
            holder, rest = str(next(self._numbers)), lambda: 300.0
            run = lambda services: work.direct(services, got[0].ref, holder, remaining=rest)  # noqa: E731
            self.invoke(run, may_die=True)

    def cancel(self, ref: Ref) -> None:
        self._looks(ref, jobs.cancel)

    def read(self, ref: Ref) -> None:
        self._looks(ref, jobs.read)

    def _looks(self, ref: Ref, look: Callable[[Services, str, str], Job]) -> None:
        def told(services: Services) -> None:
            try:
                self.told[ref].append(look(services, ref.owner, ref.id))
            except Problem as problem:
                assert problem.name == "already-ended"  # noqa: PT017

        self.invoke(told)

    # ── what AWS does ─────────────────────────────────────────────────────────────────────────

    def write(self, write: str, own: Instant, old: Job | None, new: Job) -> Job:
        self.jobs[new.ref] = new
        self.changes.append(Change(write, self.now, own, old, new))
        return new

    def sends(self, lane: Lane, body: str, delay_s: int) -> None:
        assert 0 <= delay_s <= 900
        self.shows(Message(lane, body, self.now), delay_s)

    def shows(self, message: Message, hidden_s: int) -> None:
        """Have a worker receive a message once it is visible."""
        assert 0 <= hidden_s <= 900
        message.turn += 1
        turn, late_s = message.turn, self._chance.uniform(0, 5) if self.trouble() else 0
        self.at(after(self.now, hidden_s + late_s), lambda: self._receives(message, turn))
        if self.trouble():  # SQS delivers at least once
            self.at(after(self.now, hidden_s + late_s), lambda: self._receives(message, None))

    def _receives(self, message: Message, turn: int | None) -> None:
        if not message.is_there or turn not in (None, message.turn):
            return
        message.receives += 1
        self.shows(message, VISIBILITY_S)
        attributes = {
            "ApproximateReceiveCount": str(message.receives),
            "SentTimestamp": str(message.sent),
        }
        record = {
            "messageId": "1",
            "receiptHandle": message,
            "body": message.body,
            "attributes": attributes,
            "eventSourceARN": f"arn:aws:sqs:::{message.lane}",
        }
        kept: list[Any] = []

        def works(services: Services) -> None:
            holder = str(next(self._numbers))
            answer = batch(services, {"Records": [record]}, holder, lambda: 300.0)
            kept.extend(answer["batchItemFailures"])

        if self.invoke(works, may_die=True) and not kept:
            message.is_there = False

    def _sweeps(self) -> None:
        self.at(after(self.now, EACH_S), self._sweeps)
        late_s = self._chance.uniform(0, self._late_s)
        for _ in range(2 if self.trouble() else 1):
            self.at(after(self.now, late_s), lambda: self.invoke(sweep))

    def does(self, context: Context) -> int:
        """Run the operation: for a while, and then to one of its ends."""
        clock, seconds = self._invoked[-1].services.clock, self._chance.choice([0, 0.5, 5, 18, 40])
        left_s = max(0.0, seconds_until(context.deadline, clock()))
        self.passes(min(seconds, left_s) / 2)
        context.progress(0.5)
        self.passes(min(seconds, left_s) / 2)
        if seconds > left_s:
            raise TimedOut
        if self.trouble():
            wait_s = self._chance.choice([1, 30, 600, 2000])
            raise self._chance.choice([Refused("no"), Unavailable("not now", wait_s), OSError()])
        return context.attempt
