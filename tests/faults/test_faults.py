"""Whatever goes wrong once, no guarantee breaks; and without any rule of the protocol, one does.

This is the part for each change; `make faults` goes through all of it, and through pairs of faults.
"""

import random

import pytest

from tests import stack
from tests.faults.__main__ import MODEL_ALONE, points
from tests.faults.killers import killer
from tests.faults.kinds import IN_PAIRS, OF_CALLS, OF_INVOCATIONS, OF_REQUESTS
from tests.faults.model.mutants import REDUNDANT
from tests.faults.model.scenarios import SCENARIOS as MODEL
from tests.faults.mutations import Mutation, mutations
from tests.faults.plan import Plan, plan_of, singles
from tests.faults.runs import run
from tests.faults.scenarios import SCENARIOS
from tests.faults.search import ALL_KINDS, PAIRED, after, firsts
from tests.faults.standins import StandIns

pytestmark = pytest.mark.nightly

#: How many single faults are drawn from all the other scenarios.
_DRAWN = 1200


@pytest.mark.parametrize("name", SCENARIOS)
def test_without_faults_no_guarantee_breaks(stand_ins: StandIns, name: str) -> None:
    for seed in range(3):
        assert run(stand_ins, name, seed=seed).violations == []


@pytest.mark.parametrize("name", ["async-door", "hybrid-door"])
def test_no_single_fault_at_any_point_breaks_a_guarantee(stand_ins: StandIns, name: str) -> None:
    found = after(stand_ins, name, Plan(), ALL_KINDS)

    assert found.violations == ()
    of_invocations = found.invocations * len(OF_INVOCATIONS) + found.requests * len(OF_REQUESTS)
    assert found.runs == 1 + found.calls * len(OF_CALLS) + of_invocations
    assert found.calls > 15


def test_no_single_fault_drawn_from_all_scenarios_breaks_a_guarantee(stand_ins: StandIns) -> None:
    every = list[tuple[str, Plan]]()
    for name in SCENARIOS:
        base = run(stand_ins, name)
        every += [(name, plan) for plan in singles(base.calls, base.invocations)]
    for name, plan in random.Random(0).sample(every, _DRAWN):
        violations = run(stand_ins, name, plan).violations
        assert violations == [], f"make faults ARGS='{name} {plan}'"


@pytest.mark.parametrize(
    "mutation", [m for m in mutations() if m.name not in MODEL_ALONE], ids=lambda m: m.name
)
def test_a_rule_that_is_left_out_breaks_a_guarantee(
    stand_ins: StandIns, mutation: Mutation
) -> None:
    assert killer(stand_ins, mutation) is not None


def test_the_guarantees_page_says_how_many_points_and_rules_there_are(stand_ins: StandIns) -> None:
    page = (stack.ROOT / "docs" / "guarantees.md").read_text()
    found = [after(stand_ins, name, Plan(), ()) for name in SCENARIOS]
    rules = [mutation for mutation in mutations() if mutation.name not in MODEL_ALONE]

    assert points(found) in page
    assert f"{len(rules)} of {len(rules)} by the simulation" in page
    attacked = len(list(mutations())) - len(REDUNDANT)
    assert f"{attacked} of {attacked} by the model" in page
    assert f"of all {len(list(mutations()))}, none survives both" in page
    assert not set(REDUNDANT) & set(MODEL_ALONE)
    assert f"{_pairs(stand_ins):,} runs in {len(PAIRED)} scenarios of both doors" in page
    assert f"in {len(MODEL)} bounded scenarios" in page


def _pairs(stand_ins: StandIns) -> int:
    """Return how many runs there are for all pairs of faults: one for each first, and its second ones."""
    runs = 0
    for name in PAIRED:
        for first in firsts(stand_ins, name):
            base = run(stand_ins, name, first)
            seconds = singles(base.calls, base.invocations, first, IN_PAIRS)
            runs += 1 + sum(1 for _ in seconds)
    return runs


def test_a_run_is_the_same_each_time(stand_ins: StandIns) -> None:
    plan = plan_of(["7:hung-once", "i3:twice"])
    first, second = (run(stand_ins, "a-start-in-an-hour", plan, 5) for _ in range(2))

    assert first == second


def test_a_plan_is_read_as_it_is_written() -> None:
    plan = Plan({12: "crash-after", 3: "slow"}, {2: "late"})

    assert plan_of(str(plan).split()) == plan
    for word in ("12", "12:late", "i3:slow", "x:slow"):
        with pytest.raises(ValueError, match="is no fault"):
            plan_of([word])
