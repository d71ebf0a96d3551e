"""The protocol, each of its rules left out in turn: what proves that a test attacks the rule.

`with mutation.applied(): …` runs the real code without the rule: the clauses of `protocol.WRITES`, in
DynamoDB's words and in Python's alike, and the rules that are code.
"""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any
from unittest import mock

from nowlater.aws import table
from nowlater.doors import submit
from nowlater.jobs import protocol, store, transitions
from nowlater.jobs.model import Job, Ref
from nowlater.jobs.protocol import WRITES, Clause, Write
from nowlater.jobs.store import Store, Written
from nowlater.services import Services
from nowlater.sqs_batch import DONE, MessageOutcome, RetryIn
from nowlater.worker import attempt, dead_letters, settle, sweep
from nowlater.worker.settle import Settlement

#: What stands for a clause that is left out.
ANYTHING = Clause("attribute_exists(PK)", lambda job, now, token: True)

_NAMES = {id(clause): name for name, clause in vars(protocol).items() if isinstance(clause, Clause)}


@dataclass(frozen=True)
class Mutation:
    """The code without one of its rules."""

    name: str
    _patches: Callable[[], list[AbstractContextManager[Any]]]

    def applied(self) -> ExitStack:
        """Return the context in which the rule is left out."""
        with ExitStack() as stack:
            for patch in self._patches():
                stack.enter_context(patch)
            return stack.pop_all()


def mutations() -> Iterator[Mutation]:
    """Yield each mutation: of every clause of every write, of their halves, and of the code."""
    for name, write, clauses in writes():
        yield Mutation(name, lambda w=write, c=clauses: [mock.patch.dict(WRITES, {w: c})])
    yield from (Mutation(name, patches) for name, patches in _RULES.items())


def writes() -> Iterator[tuple[str, str, tuple[Clause, ...]]]:
    """Yield a name, a write, and its clauses without one of them or a half of one."""
    for write, clauses in WRITES.items():
        for n, clause in enumerate(clauses):
            clause_name = _NAMES[id(clause)]
            halves = {"": ANYTHING} | _HALVES.get(clause_name, {})
            for half, rest in halves.items():
                name = f"{write}:{clause_name}{half and f'.{half}'}"
                yield name, write, (*clauses[:n], rest, *clauses[n + 1 :])


def _only(expression: str, holds: Callable[[Job, int, int], bool]) -> Clause:
    return Clause(expression, holds)


_WAITS = _only(
    "#status IN (:scheduled, :queued)", lambda job, _, __: job.status in ("scheduled", "queued")
)
_RUNS = _only("#status = :running", lambda job, _, __: job.status == "running")
_IS_TIME = _only(
    "(attribute_not_exists(#not_before) OR #not_before <= :now)",
    lambda job, now, _: (job.not_before or 0) <= now,
)
_LAPSED = _only(
    "#lease_until < :now", lambda job, now, _: job.lease_until is not None and job.lease_until < now
)
_TOKEN = _only("#attempt = :token", lambda job, _, token: 0 < job.attempt == token)
_AT_REST = _only("#status <> :running", lambda job, _, __: job.status != "running")

#: The halves of clauses that have some: by the half that is left out, the one that stays.
_HALVES: dict[str, dict[str, Clause]] = {
    "WAITING": {"status": _IS_TIME, "not_before": _WAITS},
    "ABANDONED": {"status": _LAPSED, "lease": _RUNS},
    "MINE": {"status": _TOKEN, "token": _RUNS},
    "UNLEASED": {"at-rest": _LAPSED, "lapsed": _AT_REST},
}


# ── rules that are code ───────────────────────────────────────────────────────────────────────


def _patch(target: Any, name: str, new: Any) -> AbstractContextManager[Any]:
    return mock.patch.object(target, name, new)


def _refuses_what_is_done() -> list[AbstractContextManager[Any]]:
    """A refused write is a refused write, also where the item already shows it."""
    update_if, old_image, refusals = table.Table.update_if, table._old_image, []

    def noted(error: Any) -> Any:
        image = old_image(error)
        refusals.append(image)
        return image

    def mutated(*args: Any, **how: Any) -> tuple[bool, Any]:
        refusals.clear()
        done, item = update_if(*args, **how)
        return (done and not refusals), item

    return [_patch(table, "_old_image", noted), _patch(table.Table, "update_if", mutated)]


def _holds_for_anybody() -> list[AbstractContextManager[Any]]:
    """A claim does not name its holder."""
    claim = store.Store._claim

    def mutated(self: Store, ref: Ref, write: Write, _holder: str, *how: Any) -> Written:
        return claim(self, ref, write, "a worker", *how)

    return [_patch(store.Store, "_claim", mutated)]


def _claims_once(services: Services, ref: Ref, holder: str) -> Written:
    """A worker claims jobs that wait, and no others."""
    return services.store.claim(ref, holder, services.clock())


def _reconciles(when: Callable[[Job, int], bool], message: MessageOutcome) -> Any:
    """Return the patch by which a job of some kind is not ended: its message is put off or deleted."""

    def patches() -> list[AbstractContextManager[Any]]:
        reconcile = settle.reconcile

        def mutated(services: Services, job: Job | None) -> Settlement:
            if job is not None and when(job, services.clock()):
                return Settlement(job, message)
            return reconcile(services, job)

        return [_patch(settle, "reconcile", mutated)]

    return patches


def _is_leased(job: Job, now: int) -> bool:
    return job.status == "running" and (job.lease_until or 0) >= now and now < job.deadline


def _is_used_up(job: Job, now: int) -> bool:
    return not job.is_ended and not _is_leased(job, now) and job.attempts_left <= 0


def _is_late(job: Job, now: int) -> bool:
    return not job.is_ended and job.deadline <= now


def _is_early(job: Job, now: int) -> bool:
    return not job.is_ended and now < (job.not_before or 0)


def _deletes_always() -> list[AbstractContextManager[Any]]:
    """A message is deleted whatever became of its job."""
    done = attempt.work
    from nowlater.worker import batch

    def mutated(*args: Any, **how: Any) -> Settlement:
        return Settlement(done(*args, **how).job)

    return [_patch(batch, "work", mutated)]


def _records_first() -> list[AbstractContextManager[Any]]:
    """The record goes before the message."""
    accept = submit._accept

    def mutated(services: Services, *asked: Any) -> Job:
        put_off = _PutOff()
        accepted = accept(_with_queues(services, put_off), *asked)
        put_off.send(services)
        return accepted

    return [_patch(submit, "_accept", mutated)]


def _moves_on_first() -> list[AbstractContextManager[Any]]:
    """The sweep takes a job off its index, and then sends the message."""
    handle = sweep._handle_job

    def mutated(services: Services, item: Any) -> None:
        put_off = _PutOff()
        handle(_with_queues(services, put_off), item)
        put_off.send(services)

    return [_patch(sweep, "_handle_job", mutated)]


class _PutOff:
    """Queues that send later."""

    def __init__(self) -> None:
        self._sent: list[tuple[Any, ...]] = []

    def send(self, *sent: Any) -> None:
        if len(sent) > 1:
            self._sent.append(sent)
            return
        (services,) = sent
        for message in self._sent:
            services.queues.send(*message)


def _with_queues(services: Services, queues: Any) -> Services:
    other = copy.copy(services)
    vars(other)["queues"] = queues
    return other


def _exhausts_nothing(_services: Services, job: Job, _because: str) -> Written:
    return Written(False, job)


_RULES: dict[str, Callable[[], list[AbstractContextManager[Any]]]] = {
    "what is done already counts as done": _refuses_what_is_done,
    "the holder of a claim is named": _holds_for_anybody,
    "a job whose attempt died is run again": lambda: [_patch(attempt, "_claim", _claims_once)],
    "an ended job's message is dropped": _reconciles(lambda job, _: job.is_ended, RetryIn(1)),
    "a leased job's message is put off": _reconciles(_is_leased, DONE),
    "a job without tries is ended": _reconciles(_is_used_up, RetryIn(1)),
    "a late job is ended": _reconciles(_is_late, RetryIn(1)),
    "an early job's message is put off": _reconciles(_is_early, DONE),
    "a message is deleted only when its job has ended": _deletes_always,
    "a young message without a record is kept": lambda: [
        _patch(attempt, "SUBMIT_TIMEOUT_S", 0),
        _patch(dead_letters, "SUBMIT_TIMEOUT_S", 0),
    ],
    "an old message without a record is dropped": lambda: [
        _patch(attempt, "SUBMIT_TIMEOUT_S", math.inf),
        _patch(dead_letters, "SUBMIT_TIMEOUT_S", math.inf),
    ],
    "the message goes before the record": _records_first,
    "the sweep sends before it moves on": _moves_on_first,
    "a job that no worker can end is exhausted": lambda: [
        _patch(transitions, "exhaust", _exhausts_nothing)
    ],
}
