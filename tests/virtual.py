"""What a Lambda has of a virtual AWS: a clock of its own, a table and queues that live in memory.

Store and Queues are the real ones, on what `clockwork.World` keeps in the place of their clients.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from nowlater import job
from nowlater.catalogue import Entry
from nowlater.context import Context
from nowlater.job import Job, Lane, Ref, may
from nowlater.operation import operation
from nowlater.queues import Queues
from nowlater.services import Services
from nowlater.settings import Settings
from nowlater.store import Store, Written, to_item
from nowlater.timing import Instant, after

if TYPE_CHECKING:
    from tests.clockwork import World

SETTINGS = Settings(
    **dict.fromkeys(
        ("table", "bucket", "topic", "on_time_queue", "flexible_queue", "webhook_queue"), "x"
    ),
    callback_ports="443",
    loopback_callbacks=False,
    public_url="",
    flexible_within_s=3600,
    work_timeout_s=300,
    diagnostics=False,
    shards=1,
    on_time_concurrency=8,
    flexible_concurrency=2,
    owner_waiting=0,
    owner_rate=0,
)


@dataclass(frozen=True)
class Change:
    """A record of the table's stream, with the true time and that of the Lambda that wrote."""

    write: str
    at: Instant
    own: Instant
    old: Job | None
    new: Job


@dataclass(eq=False)
class Message:
    lane: Lane
    body: str
    sent: Instant
    #: Each time that it is received or put off, an appointment made before lapses.
    turn: int = 0
    receives: int = 0
    is_there: bool = True


class Dead(BaseException):
    """This Lambda is no more."""


@dataclass
class Lambda:
    """One invocation: how wrong its clock is, and when it dies.

    `dies_at` counts its calls to AWS: 2 is just after the second, 2.5 just before the third.
    """

    world: "World"
    skew_ms: int
    dies_at: float = math.inf
    services: Services = field(init=False)

    def __post_init__(self) -> None:
        self.services = Services(environment=SETTINGS, clock=lambda: self.world.now + self.skew_ms)
        jobs, lanes = _Jobs(self), _Lanes(self)
        vars(self.services).update(table=jobs, store=jobs, queues=lanes, catalogue=_Catalogue())

    def calls[T](self, aws: Callable[[], T]) -> T:
        """Call AWS, while it lives."""
        self.dies_at -= 1
        if self.dies_at < 0:
            raise Dead
        self.world.is_slow(2)
        answer = aws()
        if self.dies_at == 0:
            raise Dead
        return answer


class _Jobs(Store):
    """Jobs in memory, written by the rules of `job.WRITES`, and their index."""

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

    def due(self, shard: int, by: Instant) -> Iterator[dict[str, Any]]:
        there = self._calls(lambda: list(self._world.jobs.values()))
        found = [j for j in there if j.due_shard == shard and (j.due_at or 0) <= by]
        return iter([to_item(j) for j in found])


class _Lanes(Queues):
    """The real lanes; this is its own client of SQS."""

    def __init__(self, caller: Lambda) -> None:
        self._urls = {"on-time": "sqs/on-time", "flexible": "sqs/flexible"}
        self._webhooks = "sqs/webhooks"
        self._client = self
        self._world, self._calls = caller.world, caller.calls

    def send_message(self, **sent: Any) -> None:
        lane = sent["QueueUrl"].rpartition("/")[2]
        self._calls(lambda: self._world.sends(lane, sent["MessageBody"], sent["DelaySeconds"]))

    def change_message_visibility(self, **said: Any) -> None:
        message: Message = said["ReceiptHandle"]
        self._calls(lambda: self._world.shows(message, said["VisibilityTimeout"]))


class _Catalogue:
    """One operation."""

    def find(self, name: str) -> Entry:
        doors = ("async", "hybrid")
        return Entry(name, __name__, name, 20, 3, doors, False, False, lambda given: given)

    def at(self, door: str | None, name: str) -> Entry:
        return self.find(name)


#: What the operation of the current world does.
DOES: list[Callable[[Context], int]] = []


@operation(timeout=20)
def something(context: Context) -> int:
    """Does what the world makes of it."""
    return DOES[-1](context)
