"""What can happen next: each step of each invocation, each fault, and the passing of time."""

import json
from collections.abc import Iterator

from nowlater.doors.submit import Accepted
from nowlater.instants import Instant, after, seconds_until
from nowlater.jobs import commands
from nowlater.jobs.model import Job, Ref
from nowlater.worker import attempt as work
from nowlater.worker.batch import batch
from nowlater.worker.dead_letters import handle
from nowlater.worker.sweep import sweep
from tests.faults.model import promises
from tests.faults.model.code import FAILED, Call, Code, Done, Program, Reply
from tests.faults.model.scenarios import Scenario
from tests.faults.model.world import (
    AWS,
    VISIBILITY_S,
    Actor,
    Message,
    Remaining,
    State,
    deletes,
    shows,
)

type Move = tuple[tuple[str, str], State]

OWNER = "acme"
#: The ids that the two submitters make, the second only if the first wrote no key.
IDS = {"A": "019ca957-3c00-7abc-8def-012345678900", "B": "019ca957-3c00-7abc-8def-012345678908"}
#: A message that is so old, in seconds, and has no record never will have one.
SUBMITS_FOR_S = 60
#: How long Lambda lets each live, in seconds.
LIVES_S = {"submit": 30, "worker": 60, "sweep": 60, "exhaust": 60}
_CLIENTS = ("cancel", "erase")


class Game:
    """A scenario's states and moves."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario, self.code, self.aws = scenario, Code(), AWS()

    def first(self) -> State:
        s = self.scenario
        remaining = Remaining(s.faults, int(s.replay), s.cancels, s.erases, s.dead_letters)
        return self._starts(State(0, remaining), self._submitter("A"))

    def now(self, state: State) -> Instant:
        return self.scenario.at(state.clock)

    def moves(self, state: State) -> Iterator[Iterator[Move]]:
        """Yield all that can happen next: who does what, and the state then; each can raise Broken."""
        yield from (self._acts(state, actor) for actor in state.actors)
        yield from (self._handles(state, message) for message in state.messages)
        yield self._sweeps(state)
        yield self._asks(state)
        yield self._passes(state)
        yield self._forgets(state)

    def check(self, state: State) -> None:
        """Check what must be true of every state. Raises Broken."""
        promises.goes_on(state, self._record(state), self.now(state))

    # ── an invocation's steps ─────────────────────────────────────────────────────────────────

    def _acts(self, state: State, actor: Actor) -> Iterator[Move]:
        who, now = actor.program.who, self.now(state)
        call = actor.again or self.code.next(actor.run, now)
        if state.remaining.faults and who not in _CLIENTS:
            yield (who, "dies"), self._dies(state, actor)
        if isinstance(call, Done):
            yield self._returns(state, actor, call)
        elif call.kind == "operate":
            yield from self._operates(state, actor, call)
        elif call.kind == "invoke":
            yield from self._invokes(state, actor, call)
        else:
            yield from self._calls(state, actor, call)

    def _calls(self, state: State, actor: Actor, call: Call) -> Iterator[Move]:
        who, said = actor.program.who, _said(call)
        after_it, reply = self._does(state, actor, call)
        word = said if reply.how == "done" else f"{said}: refused"
        yield (who, word), self._goes_on(after_it, actor, reply)
        if not state.remaining.faults or actor.again:
            return
        faulty, failed = _one_fault_less(state), actor._replace(failed=True)
        fails = self._goes_on(faulty.but(actor, failed), failed, FAILED)
        yield (who, f"{said}: AWS does not answer, nothing was done"), fails
        if call.kind in ("put", "update", "send", "postpone") and reply.how == "done":
            lost = _one_fault_less(after_it).but(actor, actor._replace(again=call))
            yield (who, f"{word}, but the reply is lost: asks again"), lost
            unheard = self._goes_on(_one_fault_less(after_it).but(actor, failed), failed, FAILED)
            yield (who, f"{word}, but hears of no answer"), unheard

    def _does(self, state: State, actor: Actor, call: Call) -> tuple[State, Reply]:
        """Return the state after a call, having checked what it did."""
        now, who = self.now(state), actor.program.who
        then, reply = self.aws.does(call, state, now)
        if call.kind == "update" and state.record is not None:
            old = self.aws.job(state.record)
            if reply.how == "done":
                new = self.aws.job(then.record or "")
                promises.written(call, who, state.facts, old, new, now)
                if new.lease_holder != old.lease_holder:
                    then = then._replace(facts=then.facts._replace(let_go=False))
            elif call.what in ("claim", "reclaim"):
                promises.refused(call, who, old, now)
        if call.kind == "put" and call.what == "record" and reply.how == "done":
            promises.recorded(state, self.aws.job(then.record or ""))
            then = then._replace(facts=then.facts._replace(existed=True))
        return then, reply

    def _goes_on(self, state: State, actor: Actor, reply: Reply) -> State:
        run = self.code.answered(actor.run, self.now(state), reply)
        return state.but(actor, actor._replace(run=run, again=None))

    def _operates(self, state: State, actor: Actor, call: Call) -> Iterator[Move]:
        attempt = call.details[0]
        has_begun = any(reply.value == "reports" for _, reply in actor.run.history)
        if not has_begun:
            promises.operates(state, attempt)
        ran = state._replace(facts=state.facts._replace(ran=state.facts.ran | {attempt}))
        waits = 0 if state.record is None else self.aws.job(state.record).waits
        for does in ("returns", "fails", *self.scenario.does):
            if does == "reports" if has_begun else isinstance(does, int) and waits > 0:
                continue
            word = f"is unavailable for {does} s" if isinstance(does, int) else does
            then = self._goes_on(ran, actor, Reply(value=does))
            yield (actor.program.who, f"runs attempt {attempt}: it {word}"), then

    def _invokes(self, state: State, actor: Actor, call: Call) -> Iterator[Move]:
        who = actor.program.who
        busy = self._goes_on(state, actor, Reply(value=False))
        yield (who, "invokes a worker: none is free"), busy
        if self._has_room(state):
            runs = self._starts(state, self._worker(state, call.details[0]))
            yield (who, "invokes a worker"), self._goes_on(runs, actor, Reply(value=True))
            if state.remaining.faults:
                unheard = self._goes_on(_one_fault_less(runs), actor, FAILED)
                yield (who, "invokes a worker, but hears of no answer"), unheard

    def _returns(self, state: State, actor: Actor, done: Done) -> Move:
        program, record = actor.program, self._record(state)
        promises.returned(state, actor, done, record)
        then, word, facts = state.but(actor), "returns", state.facts
        if isinstance(done.returned, Accepted):
            facts, word = facts._replace(accepted=True), "answers: accepted"
        elif done.raised is not None:
            word = f"answers: {done.raised}"
        elif program.who == "cancel":
            facts, word = facts._replace(canceled=True), "answers: canceled"
        if program.message and done.returned["batchItemFailures"]:
            promises.kept(actor, state.record)
            word = "leaves its message"
        elif program.message:
            then, word = deletes(then, program.message), "deletes its message"
        if record is not None and record.lease_holder == program.who and not actor.failed:
            facts = facts._replace(let_go=True)
        return (program.who, word), then._replace(facts=facts)

    def _dies(self, state: State, actor: Actor) -> State:
        return _one_fault_less(state.but(actor))

    # ── what starts an invocation ─────────────────────────────────────────────────────────────

    def _handles(self, state: State, message: Message) -> Iterator[Move]:
        now, who = self.now(state), f"message {message.number}"
        is_visible = message.visible_at <= now
        if message.dead:
            if is_visible and not _active(state, "exhaust"):
                letter = shows(state, message.number, after(now, 60))
                yield (
                    (who, "wakes HandleDeadLetters"),
                    self._starts(letter, self._letter_handler(message), state),
                )
            if is_visible and state.remaining.dead_letters:
                back = shows(state, message.number, now, dead=False)
                yield (who, "is redriven by the operator"), _one_dead_letter_less(back)
            return
        if is_visible and state.remaining.dead_letters:
            dead = shows(state, message.number, now, dead=True)
            yield (who, "becomes a dead letter"), _one_dead_letter_less(dead)
        if self._has_room(state) and (is_visible or state.remaining.faults):
            hidden = shows(state, message.number, after(now, VISIBILITY_S))
            hidden = hidden if is_visible else _one_fault_less(hidden)
            worker = self._worker(state, message.job_id, message)
            word = "wakes" if is_visible else "too early or twice, wakes"
            yield (who, f"{word} {worker.who}"), self._starts(hidden, worker, state)

    def _sweeps(self, state: State) -> Iterator[Move]:
        record, active = self._record(state), _active(state, "sweep")
        is_due = record is not None and (record.due_at or 0) <= self.now(state) and record.due_at
        if is_due and (not active or (active == 1 and state.remaining.faults)):
            then = _one_fault_less(state) if active else state
            program = Program(f"sweep {active + 1}", LIVES_S["sweep"], sweep)
            yield ("the clock", f"wakes {program.who}"), self._starts(then, program)

    def _asks(self, state: State) -> Iterator[Move]:
        record, remaining = self._record(state), state.remaining
        if remaining.replay and state.key is not None:
            then = self._starts(
                state._replace(remaining=remaining._replace(replay=0)), self._submitter("B")
            )
            yield ("B", "asks again, under the same key"), then
        if remaining.cancels and record is not None and state.facts.accepted:
            then = state._replace(remaining=remaining._replace(cancels=remaining.cancels - 1))
            yield ("cancel", "is asked for"), self._starts(then, _client("cancel", record))
        if remaining.erases and record is not None and record.is_ended:
            then = state._replace(remaining=remaining._replace(erases=remaining.erases - 1))
            yield ("erase", "is asked for"), self._starts(then, _client("erase", record))

    def _starts(self, state: State, program: Program, before: State | None = None) -> State:
        run = self.code.start(program)
        is_over = before is not None and self._is_over(before, program)
        actor = Actor(run, self.now(state), over=(state.record,) if is_over else None)
        actors = sorted([*state.actors, actor], key=lambda a: a.run.serial)
        return state._replace(actors=tuple(actors))

    def _is_over(self, state: State, program: Program) -> bool:
        """Tell whether the handler of a message has to end its job, or to run it again."""
        record, now = self._record(state), self.now(state)
        if record is None:
            asks = state.remaining.replay or any(actor.program.who in IDS for actor in state.actors)
            return seconds_until(now, program.sent) >= SUBMITS_FOR_S and not asks
        if record.is_ended or now >= record.deadline:
            return True
        is_abandoned, has_no_more = record.status == "running", record.attempts_left <= 0
        is_over = is_abandoned or has_no_more or program.who == "exhaust"
        return is_over and not promises.is_held(record, now)

    def _has_room(self, state: State) -> bool:
        return _active(state, "worker") < self.scenario.workers

    def _submitter(self, who: str) -> Program:
        return Program(who, LIVES_S["submit"], self.scenario.asks, IDS[who])

    def _worker(self, state: State, job_id: str, message: Message | None = None) -> Program:
        record = self._record(state)
        taken = {actor.program.who for actor in state.actors} | {record and record.lease_holder}
        who = next(w for n in range(1, 99) if (w := f"worker {n}") not in taken)
        ref = Ref(OWNER, job_id)
        if message is None:
            return Program(
                who,
                LIVES_S["worker"],
                lambda s: work.direct(s, ref, who, remaining=_plenty),
                job_id,
            )
        event = _event(message)
        return Program(
            who,
            LIVES_S["worker"],
            lambda s: batch(s, event, who, _plenty),
            job_id,
            message.number,
            message.sent,
        )

    def _letter_handler(self, message: Message) -> Program:
        event = _event(message)
        return Program(
            "exhaust",
            LIVES_S["exhaust"],
            lambda s: handle(s, event),
            message.job_id,
            message.number,
            message.sent,
        )

    # ── time ──────────────────────────────────────────────────────────────────────────────────

    def _passes(self, state: State) -> Iterator[Move]:
        later = state.clock + 1
        if later < len(self.scenario.instants) and not any(a.again for a in state.actors):
            then = self.scenario.at(later)
            over = [a for a in state.actors if seconds_until(then, a.began) > a.program.life_s]
            if len(over) <= state.remaining.faults:
                timed_out = state._replace(clock=later)
                for actor in over:
                    timed_out = _one_fault_less(timed_out.but(actor))
                word = f"shows {self.scenario.instants[later]} s"
                yield ("the clock", word), timed_out

    def _forgets(self, state: State) -> Iterator[Move]:
        """Let the table forget what is past its `ttl`."""
        for name in ("record", "key") if self.scenario.forgets else ():
            item = json.loads(getattr(state, name) or "{}")
            if item.get("ttl", self.now(state)) * 1000 <= self.now(state):
                yield ("the table", f"forgets the {name}"), state._replace(**{name: None})

    # ── the state ─────────────────────────────────────────────────────────────────────────────

    def _record(self, state: State) -> Job | None:
        return None if state.record is None else self.aws.job(state.record)


def _client(who: str, record: Job) -> Program:
    does = {"cancel": commands.cancel, "erase": commands.erase}[who]
    return Program(who, 30, lambda services: does(services, OWNER, record.id), record.id)


def _event(message: Message) -> dict[str, list[dict[str, object]]]:
    body = json.dumps({"owner": OWNER, "id": message.job_id})
    times = {"ApproximateReceiveCount": "1", "SentTimestamp": str(message.sent)}
    record = {"messageId": "1", "receiptHandle": message.number, "body": body}
    return {"Records": [record | {"attributes": times, "eventSourceARN": "arn:aws:sqs:::x"}]}


def _plenty() -> float:
    return 60


def _active(state: State, kind: str) -> int:
    return sum(actor.program.who.startswith(kind) for actor in state.actors)


def _one_fault_less(state: State) -> State:
    return state._replace(remaining=state.remaining._replace(faults=state.remaining.faults - 1))


def _one_dead_letter_less(state: State) -> State:
    return state._replace(
        remaining=state.remaining._replace(dead_letters=state.remaining.dead_letters - 1)
    )


def _said(call: Call) -> str:
    return " ".join(filter(None, (call.kind, call.what)))
