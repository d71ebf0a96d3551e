"""The state at a moment: the job's record, its key, its messages, its invocations; and what AWS does."""

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


class Remaining(NamedTuple):
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
    remaining: Remaining
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

    def does(self, call: Call, state: State, now: Instant) -> tuple[State, Reply]:
        """Return what a call makes of the state, and its reply."""
        match call.kind, call.what:
            case "get", "key":
                return state, Reply(value=state.key)
            case "get", _:
                return state, Reply(value=self._named(call, state))
            case "put", "key":
                return self._puts_key(call, state)
            case "put", _:
                if self._named(call, state) is not None:
                    return state, Reply("refused", state.record)
                return state._replace(record=call.details[2]), Reply()
            case "update", _:
                return self._updated(call, state)
            case "due", _:
                return state, Reply(value=self._due(state, call.details[0]))
            case "send", _:
                return sends(state, *call.details, now), Reply()
            case "postpone", _:
                number, seconds = call.details
                return shows(state, number, after(now, seconds)), Reply()
        raise AssertionError(call)

    def _named(self, call: Call, state: State) -> str | None:
        if state.record is None or self.job(state.record).id != call.details[1]:
            return None
        return state.record

    def _puts_key(self, call: Call, state: State) -> tuple[State, Reply]:
        _, _, item, now = call.details
        if state.key is not None and json.loads(state.key)["expires"] > now:
            return state, Reply("refused", state.key)
        return state._replace(key=item), Reply()

    def _updated(self, call: Call, state: State) -> tuple[State, Reply]:
        record = self._named(call, state)
        if record is None:
            return state, Reply("refused")
        if (call, record) not in self._updates:
            self._updates[call, record] = self._update(call, record)
        new, done = self._updates[call, record]
        return state._replace(record=new), Reply("done" if done else "refused", new)

    def _update(self, call: Call, record: str) -> tuple[str, bool]:
        values = json.loads(call.details[3])
        if not may(call.what, self.job(record), values.get(":now", 0), values.get(":token", 0)):
            return record, False
        update = call.details[2]
        names = expressions.own_names(update)
        return text(expressions.update(update, json.loads(record), names, values)), True

    def _due(self, state: State, by: Instant) -> tuple[str, str] | None:
        job = None if state.record is None else self.job(state.record)
        if job is None or job.due_at is None or job.due_at > by:
            return None
        item = json.loads(state.record or "")
        return item["PK"], item["SK"]


def sends(state: State, job_id: str, delay_s: int, now: Instant) -> State:
    taken = {m.number for m in state.messages} | {a.program.message for a in state.actors}
    number = next(n for n in range(1, 99) if n not in taken)
    message = Message(number, job_id, after(now, delay_s), now)
    return state._replace(messages=tuple(sorted((*state.messages, message))))


def shows(state: State, number: int, at: Instant, *, dead: bool | None = None) -> State:
    """Have a message, if it still exists, be visible from an instant on, in its lane or as a dead letter."""
    messages = [
        m._replace(visible_at=at, dead=m.dead if dead is None else dead)
        if m.number == number
        else m
        for m in state.messages
    ]
    return state._replace(messages=tuple(messages))


def deletes(state: State, number: int) -> State:
    return state._replace(messages=tuple(m for m in state.messages if m.number != number))
