"""Which run shows that a rule of the protocol is needed: without it, that run goes wrong."""

import random
from collections.abc import Iterator

from tests.faults.mutations import Mutation
from tests.faults.plan import Plan, plan_of, singles
from tests.faults.runs import run
from tests.faults.scenarios import SCENARIOS
from tests.faults.standins import StandIns

#: By mutation, a run that is known to go wrong; the others go wrong in a scenario without faults.
KILLERS: dict[str, str] = {
    "claim:WAITING.not_before": "hybrid-responds-async 8:meanwhile-received",
    "reclaim:HAS_ATTEMPTS_LEFT": "a-failure-and-another-try 21:crash-before",
    "reclaim:IN_TIME": "a-deadline-before-a-dead-worker-is-noticed 4:crash-after",
    "claim:IN_TIME": "a-cancel-at-the-deadline i1:slow-clock",
    "progress:MINE.token": "async-without-key 12:frozen i2:twice",
    "finish:MINE.status": "writes-out-of-turn 49:meanwhile-canceled",
    "finish:IN_TIME": "a-large-result-at-the-deadline 9:slow",
    "release:MINE.status": "a-cancel-after-the-deadline i1:fast-clock",
    "cancel:WAITS_OR_RUNS": "a-cancel-at-the-deadline 9:meanwhile-canceled",
    "cancel:IN_TIME": "a-cancel-after-the-deadline 8:throttled",
    "exhaust:WAITS_OR_RUNS": "a-dead-letter-of-a-running-job 12:meanwhile-canceled",
    "exhaust:UNLEASED.lapsed": "a-dead-letter-of-a-running-job 15:crash-after",
    "what is done already counts as done": "async-door 5:reset-once",
    "the holder of a claim is named": "three-at-once i6:twice",
    "a leased job's message is put off": "failures-to-the-last-try i5:twice",
    "a job without tries is ended": "a-failure-and-another-try 21:crash-before",
    "an early job's message is put off": "something-is-unavailable-for-long i21:slow-clock",
    "a young message without a record is kept": "unavailable-to-the-end 4:slow",
    "the message goes before the record": "a-large-result-erased 4:crash-after",
    "the sweep sends before it moves on": "something-is-unavailable-for-long 46:crash-after",
}
#: So many runs are tried where the known one goes well.
_TRIES = 3000


def killer(stand_ins: StandIns, mutation: Mutation) -> str | None:
    """Return a run that goes wrong without the rule and well with it, as `scenario faults`, if any does."""
    for name, plan in _candidates(stand_ins, mutation.name):
        with mutation.applied():
            wrong = run(stand_ins, name, plan).violations
        if wrong and not run(stand_ins, name, plan).violations:
            return f"{name} {plan}".strip()
    return None


def _candidates(stand_ins: StandIns, mutation: str) -> Iterator[tuple[str, Plan]]:
    """Yield the runs, the most promising first."""
    if known := KILLERS.get(mutation, "").split():
        yield known[0], plan_of(known[1:])
    yield from ((name, Plan()) for name in SCENARIOS)
    found, pairs = list[tuple[str, Plan]](), list[tuple[str, Plan]]()
    for name in SCENARIOS:
        base = run(stand_ins, name)
        size = base.calls, base.invocations
        found += [(name, plan) for plan in singles(*size)]
        for first in singles(*size, kinds=("twice", "late")):
            pairs += [(name, plan) for plan in singles(*size, first, kinds=("frozen", "slow"))]
    chance = random.Random(0)
    yield from chance.sample(found, _TRIES)
    yield from chance.sample(pairs, _TRIES)
