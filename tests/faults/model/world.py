"""What is there at a moment: the job's record, its key, its messages, who is at work; and what AWS does."""

import json
from typing import NamedTuple

from nowlater.instants import Instant, after
from nowlater.jobs import store
from nowlater.jobs.model import Job
from nowlater.jobs.protocol import may
from tests import expressions
from tests.faults.model.code import Call, Program, Reply, Run, text

#: How long a received message is hidden, in seconds: the worker's time-out and 30 s.
VISIBILITY_S = 90


class Message(NamedTuple):
    number: int
    job_id: str
    visible_at: Instant
    sent: Instant
    #: Whether it is among the dead letters.
    dead: bool = False


class Actor(NamedTuple):
    """An invocation that goes on."""

    run: Run
    began: Instant
    #: The call whose reply was lost, and which the SDK makes again.
    again: Call | None = None
    #: Whether AWS failed it.
    failed: bool = False
    #: The record that its message pointed at, where the job was to be ended or run again, if that.
    over: tuple[str | None] | None = None

    @property
    def program(self) -> Program:
        return self.run.program


class Left(NamedTuple):
    """How often each of these can still happen."""

    faults: int
    replay: int
    cancels: int
    erases: int
    dead_letters: int


class Facts(NamedTuple):
    """What has happened that the rest of the state does not show."""

    accepted: bool = False
    canceled: bool = False
    #: Whether there has been a record.
    existed: bool = False
    #: The attempts that began to run.
    ran: frozenset[int] = frozenset()
    #: Whether the holder of the lease has returned.
    let_go: bool = False


class State(NamedTuple):
    clock: int
    left: Left
    record: str | None = None
    key: str | None = None
    messages: tuple[Message, ...] = ()
    actors: tuple[Actor, ...] = ()
    facts: Facts = Facts()

    def but(self, old: Actor, *new: Actor) -> "State":
        """Return the state with an actor in another's place, or (none) without it."""
        others = [actor for actor in self.actors if actor is not old]
        actors = sorted([*others, *new], key=lambda actor: actor.run.serial)
        return self._replace(actors=tuple(actors))


class AWS:
    """The effects of calls."""

    def __init__(self) -> None:
        self._updates: dict[tuple[Call, str], tuple[str, bool]] = {}
        self._jobs: dict[str, Job] = {}

    def job(self, record: str) -> Job:
        if record not in self._jobs:
            self._jobs[record] = store.from_item(json.loads(record))
        return self._jobs[record]

    def does(self, call: Call, there: State, now: Instant) -> tuple[State, Reply]:
        """Return what a call makes of the state, and its reply."""
        match call.kind, call.what:
            case "get", "key":
                return there, Reply(value=there.key)
            case "get", _:
                return there, Reply(value=self._named(call, there))
            case "put", "key":
                return self._puts_key(call, there)
            case "put", _:
                if self._named(call, there) is not None:
                    return there, Reply("refused", there.record)
                return there._replace(record=call.details[2]), Reply()
            case "update", _:
                return self._updated(call, there)
            case "due", _:
                return there, Reply(value=self._due(there, call.details[0]))
            case "send", _:
                return sends(there, *call.details, now), Reply()
            case "postpone", _:
                number, seconds = call.details
                return shows(there, number, after(now, seconds)), Reply()
        raise AssertionError(call)

    def _named(self, call: Call, there: State) -> str | None:
        if there.record is None or self.job(there.record).id != call.details[1]:
            return None
        return there.record

    def _puts_key(self, call: Call, there: State) -> tuple[State, Reply]:
        _, _, item, now = call.details
        if there.key is not None and json.loads(there.key)["expires"] > now:
            return there, Reply("refused", there.key)
        return there._replace(key=item), Reply()

    def _updated(self, call: Call, there: State) -> tuple[State, Reply]:
        record = self._named(call, there)
        if record is None:
            return there, Reply("refused")
        if (call, record) not in self._updates:
            self._updates[call, record] = self._update(call, record)
        new, done = self._updates[call, record]
        return there._replace(record=new), Reply("done" if done else "refused", new)

    def _update(self, call: Call, record: str) -> tuple[str, bool]:
        values = json.loads(call.details[3])
        if not may(call.what, self.job(record), values.get(":now", 0), values.get(":token", 0)):
            return record, False
        update = call.details[2]
        names = expressions.own_names(update)
        return text(expressions.update(update, json.loads(record), names, values)), True

    def _due(self, there: State, by: Instant) -> tuple[str, str] | None:
        job = None if there.record is None else self.job(there.record)
        if job is None or job.due_at is None or job.due_at > by:
            return None
        item = json.loads(there.record or "")
        return item["PK"], item["SK"]


def sends(there: State, job_id: str, delay_s: int, now: Instant) -> State:
    taken = {m.number for m in there.messages} | {a.program.message for a in there.actors}
    number = next(n for n in range(1, 99) if n not in taken)
    message = Message(number, job_id, after(now, delay_s), now)
    return there._replace(messages=tuple(sorted((*there.messages, message))))


def shows(there: State, number: int, at: Instant, *, dead: bool | None = None) -> State:
    """Let a message, if it is still there, be visible from an instant on, here or among the dead."""
    messages = [
        m._replace(visible_at=at, dead=m.dead if dead is None else dead)
        if m.number == number
        else m
        for m in there.messages
    ]
    return there._replace(messages=tuple(messages))


def deletes(there: State, number: int) -> State:
    return there._replace(messages=tuple(m for m in there.messages if m.number != number))
