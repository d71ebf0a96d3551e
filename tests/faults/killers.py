"""Which run shows that a rule of the protocol is needed: without it, that run goes wrong."""

import random
from collections.abc import Iterator

from tests.faults.mutations import Mutation
from tests.faults.plan import Plan, plan_of, singles
from tests.faults.runs import run
from tests.faults.scenarios import SCENARIOS
from tests.faults.standins import StandIns

#: By mutation, a run that is known to go wrong; the others go wrong in a scenario without faults.
KILLERS: dict[str, str] = {}
#: So many runs are tried where the known one goes well.
_TRIES = 3000


def killer(here: StandIns, mutation: Mutation) -> str | None:
    """Return a run that goes wrong without the rule and well with it, as `scenario faults`, if any does."""
    for name, plan in _candidates(here, mutation.name):
        with mutation.applied():
            wrong = run(here, name, plan).violations
        if wrong and not run(here, name, plan).violations:
            return f"{name} {plan}".strip()
    return None


def _candidates(here: StandIns, mutation: str) -> Iterator[tuple[str, Plan]]:
    """Yield the runs, the most promising first."""
    if known := KILLERS.get(mutation, "").split():
        yield known[0], plan_of(known[1:])
    yield from ((name, Plan()) for name in SCENARIOS)
    found, pairs = list[tuple[str, Plan]](), list[tuple[str, Plan]]()
    for name in SCENARIOS:
        base = run(here, name)
        size = len(base.calls), len(base.invocations)
        found += [(name, plan) for plan in singles(*size)]
        for first in singles(*size, kinds=("twice", "late")):
            pairs += [(name, plan) for plan in singles(*size, first, kinds=("frozen", "slow"))]
    chance = random.Random(0)
    yield from chance.sample(found, _TRIES)
    yield from chance.sample(pairs, _TRIES)
