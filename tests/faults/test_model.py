"""The exhaustive model: it finds nothing in the protocol, and something wherever a rule is left out."""

import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given

from nowlater.jobs import protocol
from nowlater.jobs.model import Job
from nowlater.jobs.protocol import WRITES
from tests import expressions, stack
from tests.faults.model.code import Code, Done, Program, Reply, without_chance
from tests.faults.model.mutants import REDUNDANT, search_without
from tests.faults.model.scenarios import SCENARIOS, Scenario
from tests.faults.model.search import Found, search
from tests.faults.mutations import ANYTHING, Mutation, mutations, writes
from tests.unit.jobs import NOW, TOKENS, is_met, jobs

pytestmark = pytest.mark.nightly

ATTACKED = [mutation for mutation in mutations() if mutation.name not in REDUNDANT]


@cache
def searched(scenario: Scenario) -> Found:
    return search(scenario)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_no_interleaving_breaks_a_promise(scenario: Scenario) -> None:
    assert searched(scenario).violations == {}


def test_the_guarantees_page_says_how_many_states_there_are() -> None:
    states = sum(searched(scenario).states for scenario in SCENARIOS)
    page = (stack.ROOT / "docs" / "guarantees.md").read_text()

    assert f"{states:,} states in {len(SCENARIOS)} scenarios" in page


@pytest.mark.parametrize("mutation", ATTACKED, ids=lambda mutation: mutation.name)
def test_a_rule_that_is_left_out_breaks_a_promise(mutation: Mutation) -> None:
    assert search_without(mutation).violations


def test_every_clause_of_every_write_is_left_out_once() -> None:
    named = {mutation.name for mutation in mutations()}
    whole = [name for name in named if "." not in name and name.split(":")[0] in WRITES]

    assert len(whole) == sum(len(clauses) for clauses in WRITES.values())
    assert set(REDUNDANT) < named


@pytest.mark.parametrize(
    ("write", "clauses"), [pytest.param(w, c, id=name) for name, w, c in writes()]
)
@given(job=jobs(), token=TOKENS)
def test_a_mutation_says_the_same_to_dynamodb_and_to_python(
    write: str, clauses: tuple[protocol.Clause, ...], job: Job, token: int
) -> None:
    item = {k: v for k, v in json.loads(_json(job)).items() if v is not None}
    for clause in set(clauses) - {ANYTHING}:
        assert is_met(clause.expression, item, token) == clause.holds(job, NOW, token)


def _json(job: Job) -> str:
    import msgspec

    return msgspec.json.encode(job).decode()


def test_a_mutation_lasts_as_long_as_its_context() -> None:
    for mutation in mutations():
        before = _code()
        with mutation.applied():
            assert _code() != before, mutation.name
        assert _code() == before, mutation.name


def _code() -> list[Any]:
    from nowlater.aws import table
    from nowlater.doors import submit
    from nowlater.jobs import store, transitions
    from nowlater.worker import attempt, batch, dead_letters, settle, sweep

    modules = (batch, dead_letters, transitions, settle, submit, sweep, table, attempt)
    named = [{k: id(v) for k, v in vars(module).items()} for module in modules]
    classes = [id(store.Store._claim), id(table.Table.update_if)]
    return [*named, *classes, {name: id(clauses) for name, clauses in WRITES.items()}]


def test_a_violation_comes_with_a_shortest_trace() -> None:
    first = next(m for m in mutations() if m.name == "the message goes before the record")

    ((violation, trace),) = search_without(first).violations.items()
    assert violation == "G1 nothing will ever run or end the job"
    assert trace[:3] == ["A: put key", "A: put record", "A: dies"]
    assert len(trace) == 4


def test_the_code_is_resumed_where_it_called() -> None:
    code, scenario = Code(), SCENARIOS[0]
    with without_chance():
        run = code.start(Program("A", 30, scenario.asks, "019ca957-3c00-7abc-8def-012345678900"))
        calls = []
        while not isinstance(step := code.next(run, scenario.at(0)), Done):
            calls.append((step.kind, step.what))
            run = code.answered(run, scenario.at(0), Reply())

    assert calls == [("put", "key"), ("send", ""), ("put", "record")]
    assert step.returned.job.status == "queued"


def test_an_update_is_what_dynamodb_makes_of_it() -> None:
    item = {"attempt": 1, "attempts_left": 2, "timeout_ms": 20, "lease_holder": "a", "due_at": 5}
    update = (
        "SET #lease_holder = :new_holder, #attempt = if_not_exists(#attempt, :zero) + :one, "
        "#waits = if_not_exists(#waits, :zero) + :one, #attempts_left = #attempts_left - :one, "
        "#lease_until = #timeout_ms + :grace_end REMOVE #due_at, #progress"
    )
    values = {":new_holder": "b", ":zero": 0, ":one": 1, ":grace_end": 7}

    assert expressions.update(update, item, expressions.own_names(update), values) == {
        "attempt": 2,
        "waits": 1,
        "attempts_left": 1,
        "timeout_ms": 20,
        "lease_holder": "b",
        "lease_until": 27,
    }
    fewer = expressions.update("REMOVE #due_at", item, {"#due_at": "due_at"}, {})
    assert fewer == {k: item[k] for k in item if k != "due_at"}
