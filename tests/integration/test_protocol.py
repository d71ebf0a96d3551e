"""The writes of a job: what DynamoDB allows is what `protocol.may` says, and nothing else changes."""

from itertools import product
from typing import Any

import msgspec
import pytest
from boto3.dynamodb.conditions import Key
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nowlater.aws.table import _expressions
from nowlater.jobs import model, protocol, store
from nowlater.jobs.model import Job
from tests.integration.world import START, World

NOW = START
AROUND = (None, NOW - 1, NOW, NOW + 1)
STATUSES = (*model.UNFINISHED, *model.ENDED)
CLAUSES = {name: c for name, c in vars(protocol).items() if isinstance(c, protocol.Clause)}
TOKENS = {"UNMOVED": NOW}

jobs = st.fixed_dictionaries(
    {
        "status": st.sampled_from(STATUSES),
        "not_before": st.sampled_from(AROUND),
        "lease_until": st.sampled_from(AROUND),
        "deadline": st.sampled_from(AROUND[1:]),
        "due_at": st.sampled_from(AROUND),
        "attempts_left": st.integers(0, 2),
        "attempt": st.integers(0, 2),
    }
)


def made(**attributes: Any) -> Job:
    """Return a job; only what a test names matters."""
    usual: dict[str, Any] = {
        "owner": "acme",
        "id": "01a20d6d-5a00-7000-8000-000000000000",
        "operation": "echo",
        "lane": "flexible",
        "status": "queued",
        "base": "https://api.example.com",
        "created": NOW,
        "updated": NOW,
        "deadline": NOW + 1,
        "timeout_ms": 1000,
        "retention_s": 3600,
        "attempts_left": 1,
    }
    return Job(**(usual | attributes))


def item(job: Job) -> dict[str, Any]:
    return {k: v for k, v in store.to_item(job).items() if v is not None}


@pytest.fixture(scope="module")
def all_jobs(whole_world: World) -> list[Job]:
    """A job for each state that a clause looks at, all in the table."""
    whole_world.empty()
    states = product(STATUSES, AROUND, AROUND, (1, 2))
    made_jobs = [
        made(
            id=f"01a20d6d-5a00-7000-8000-{n:012x}",
            status=status,
            not_before=not_before,
            lease_until=lease_until,
            attempt=attempt,
            attempts_left=n % 3 - 1,
            deadline=NOW - 1 + n % 5 % 3,
            due_at=AROUND[n % 7 % 4],
        )
        for n, (status, not_before, lease_until, attempt) in enumerate(states)
    ]
    with whole_world.table.batch_writer() as batch:
        for job in made_jobs:
            batch.put_item(Item=item(job))
    return made_jobs


@pytest.mark.parametrize("name", CLAUSES)
def test_a_clause_says_the_same_to_dynamodb_and_to_python(
    whole_world: World, all_jobs: list[Job], name: str
) -> None:
    clause, token = CLAUSES[name], TOKENS.get(name, 1)
    values = {"now": NOW, "token": token, "zero": 0} | {s: s for s in STATUSES}
    asked = _expressions(clause.expression, values)
    found = whole_world.table.query(
        KeyConditionExpression=Key("PK").eq("JOB#acme#0"),
        FilterExpression=clause.expression,
        ExpressionAttributeNames=asked["ExpressionAttributeNames"],
        ExpressionAttributeValues={f":{n}": values[n] for n in _named(asked)},
    )["Items"]

    in_dynamodb = {job["SK"] for job in found}
    in_python = {job.id for job in all_jobs if clause.holds(job, NOW, token)}
    assert in_dynamodb == in_python
    assert 0 < len(in_python) < len(all_jobs)


def _named(asked: dict[str, Any]) -> list[str]:
    return [name.removeprefix(":") for name in asked["ExpressionAttributeValues"]]


def test_every_clause_is_used_and_every_write_is_made_of_named_clauses() -> None:
    used = {id(clause) for clauses in protocol.WRITES.values() for clause in clauses}

    assert {id(clause) for clause in CLAUSES.values()} == used


@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    jobs, st.sampled_from(sorted(set(protocol.WRITES) - {"claim"})), st.sampled_from((0, 1, NOW))
)
def test_a_write_is_done_exactly_when_the_protocol_allows_it(
    whole_world: World, attributes: dict[str, Any], write: str, token: int
) -> None:
    job = made(**attributes)
    whole_world.table.put_item(Item=item(job))
    kept = whole_world.app("work").services.store
    written = kept.write(job.ref, write, NOW, {"progress": {"message": write}}, token=token)

    assert written.done == protocol.may(write, job, NOW, token)
    progress = {"message": write} if written.done else None
    assert written.job == msgspec.structs.replace(job, progress=progress)
    assert kept.get(job.ref) == written.job


@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(jobs)
def test_a_claim_takes_a_try_a_number_and_a_lease(
    whole_world: World, attributes: dict[str, Any]
) -> None:
    job = made(**attributes)
    whole_world.table.put_item(Item=item(job))
    claimed = whole_world.app("work").services.store.claim(job.ref, "me", NOW)

    assert claimed.done == protocol.may("claim", job, NOW)
    taken = msgspec.structs.replace(
        job,
        status="running",
        attempt=job.attempt + 1,
        attempts_left=job.attempts_left - 1,
        lease_until=NOW + job.timeout_ms + protocol.LEASE_GRACE_S * 1000,
        lease_holder="me",
        started=NOW,
        updated=NOW,
        not_before=None,
    )
    assert claimed.job == (taken if claimed.done else job)


@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(jobs)
def test_a_reclaim_is_a_claim_that_records_the_attempt_before(
    whole_world: World, attributes: dict[str, Any]
) -> None:
    job = made(**attributes)
    whole_world.table.put_item(Item=item(job))
    reclaimed = whole_world.app("work").services.store.reclaim(job, "me", NOW)

    assert reclaimed.done == protocol.may("reclaim", job, NOW)
    assert reclaimed.job is not None
    if reclaimed.done:
        (before,) = reclaimed.job.attempts
        assert (before.number, before.outcome) == (job.attempt, "cut-short")
        assert (before.started, before.ended) == (job.started, job.lease_until)
        assert (reclaimed.job.attempt, reclaimed.job.started) == (job.attempt + 1, NOW)
        assert reclaimed.job.lease_holder == "me"
    else:
        assert reclaimed.job == job


def test_an_ended_job_allows_no_write_but_its_erasure() -> None:
    for status, write in product(model.ENDED, protocol.WRITES):
        job = made(status=status, lease_until=NOW - 1, due_at=NOW, attempt=1)

        assert protocol.may(write, job, NOW, 1) == (write == "erase"), (status, write)


def test_no_write_makes_a_job(world: World) -> None:
    kept = world.app("work").services.store
    for write in protocol.WRITES:
        written = kept.write(made().ref, write, NOW, {"status": "running"}, token=1)

        assert (written.done, written.job) == (False, None), write
    assert not kept.claim(made().ref, "me", NOW).done
    assert world.items() == []
