"""Counts of an owner's jobs by status, operation and interval, at a bounded cost."""

from collections import Counter
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from moto.core.models import botocore_stubber

from nowlater.jobs import model
from tests.integration.lists import submitted
from tests.integration.world import START, World

HOUR_S = 3600


def counted(world: World, owner: str = "acme", **query: Any) -> Any:
    reply = world.call("counts", query=query, owner=owner)
    assert reply.status == 200, reply.json
    return reply.json


def numbers(page: Any) -> dict[tuple[str, str], int]:
    """Return the numbers of jobs by operation and status."""
    found = Counter[tuple[str, str]]()
    for group in page["counts"]:
        found[group["operation"], group["status"]] += group["jobs"]
    return dict(found)


def test_jobs_are_counted_by_operation_and_status(world: World) -> None:
    submitted(world, 2)
    world.work()
    submitted(world, 3)
    submitted(world, 1, operation="echo", given={"value": 1})
    submitted(world, 1, start={"after": 600})
    page = counted(world)

    assert page == {
        "counts": [
            {"from": None, "operation": "echo", "status": "queued", "jobs": 1},
            {"from": None, "operation": "text-stats", "status": "queued", "jobs": 3},
            {"from": None, "operation": "text-stats", "status": "scheduled", "jobs": 1},
            {"from": None, "operation": "text-stats", "status": "succeeded", "jobs": 2},
        ],
        "since": None,
        "until": "2026-11-24T12:00:07.000Z",
        "complete": True,
    }


def test_the_counts_are_those_of_the_list(world: World) -> None:
    submitted(world, 1, deadline={"within": 60})
    submitted(world, 1, start={"after": 30})
    (erased, kept) = submitted(world, 2, retention=HOUR_S)
    world.work()
    world.call("erase", id=erased)
    world.pass_time(100)

    assert numbers(counted(world)) == {
        ("text-stats", "failed"): 1,
        ("text-stats", "queued"): 1,
        ("text-stats", "succeeded"): 1,
    }
    world.pass_time(HOUR_S)
    assert ("text-stats", "succeeded") not in numbers(counted(world))
    assert world.job(kept)["status"] == "succeeded"


def test_counting_writes_nothing(world: World) -> None:
    (late,) = submitted(world, 1, deadline={"within": 60})
    world.pass_time(100)
    world.calls.clear()
    counted(world)

    assert world.calls == ["dynamodb.Query"]
    assert world.job(late)["status"] == "queued"


def test_conditions_are_those_of_the_list(world: World) -> None:
    submitted(world, 1, tags={"order": "42"})
    submitted(world, 2, operation="echo", given={"value": 1}, tags={"order": "42"})
    world.work()
    submitted(world, 4, operation="echo", given={"value": 1})

    assert numbers(counted(world, tag="order:42")) == {
        ("echo", "succeeded"): 2,
        ("text-stats", "succeeded"): 1,
    }
    assert numbers(counted(world, operation="echo", status="queued")) == {("echo", "queued"): 4}
    both = [("status", "queued"), ("status", "succeeded"), ("operation", "echo")]
    assert numbers(world.call("counts", query=both).json) == {
        ("echo", "queued"): 4,
        ("echo", "succeeded"): 2,
    }
    assert numbers(counted(world, since="2026-11-24T12:00:06Z")) == {("echo", "queued"): 2}
    assert counted(world, owner="other")["counts"] == []


def test_jobs_are_counted_by_the_interval_of_their_acceptance(world: World) -> None:
    for wait_s in (0, 1, HOUR_S - 1, 2 * HOUR_S):
        world.pass_time(wait_s)
        world.submit()
    page = counted(world, since="2026-11-24T09:00:00Z", interval=str(HOUR_S))

    assert [(group["from"], group["jobs"]) for group in page["counts"]] == [
        ("2026-11-24T12:00:00.000Z", 2),
        ("2026-11-24T13:00:00.000Z", 1),
        ("2026-11-24T15:00:00.000Z", 1),
    ]
    assert page["since"] == "2026-11-24T09:00:00.000Z"


def copies(world: World, count: int, size: int) -> None:
    """Have this many jobs, a second apart, each of some size."""
    (first,) = submitted(world, 1)
    item = world.job(first)
    for number in range(count):
        job_id = model.new_id(START - 1000 * (number + 1))
        world.table.put_item(Item=item | {"SK": job_id, "input": "x" * size})


def test_jobs_beyond_one_call_are_counted_by_the_next(world: World) -> None:
    copies(world, 40, 390_000)
    pages, until = list[Any](), {}
    while not pages or not pages[-1]["complete"]:
        world.calls.clear()
        pages.append(counted(world, **until))
        until = {"until": pages[-1]["since"]}
        assert world.calls.count("dynamodb.Query") <= 10
    jobs = [sum(numbers(page).values()) for page in pages]

    assert len(jobs) > 1
    assert min(jobs) > 0
    assert sum(jobs) == 41
    assert [page["until"] for page in pages[1:]] == [page["since"] for page in pages[:-1]]
    assert pages[-1]["since"] is None


def test_each_call_is_bounded_whatever_the_time_frame(world: World) -> None:
    copies(world, 40, 390_000)
    page = counted(world, since="2026-11-24T00:00:00Z")

    assert not page["complete"]
    assert page["since"] > "2026-11-24T00:00:00.000Z"
    narrow = counted(world, since="2026-11-24T11:59:55Z", until="2026-11-24T11:59:58Z")
    assert narrow["complete"]
    assert numbers(narrow) == {("text-stats", "queued"): 3}


def test_jobs_of_many_shards_are_counted_together(world: World) -> None:
    world.restart("submit", "status", shards=16)
    submitted(world, 24)

    assert numbers(counted(world)) == {("text-stats", "queued"): 24}
    assert numbers(counted(world, until="2026-11-24T12:00:11Z")) == {("text-stats", "queued"): 10}


def test_inputs_and_results_are_not_sent_by_the_table(world: World) -> None:
    world.submit("echo", {"value": "x" * 1000})
    answers = list[bytes]()

    def hear(request: Any) -> AWSResponse:
        answer: AWSResponse = botocore_stubber("before-send.dynamodb.Query", request)
        answers.append(answer.content)
        return answer

    world.faults.always("dynamodb.Query", hear)
    counted(world)

    assert len(answers) == 1
    assert b"xxx" not in answers[0]


@pytest.mark.parametrize(
    ("parameter", "query"),
    [
        ("interval", {"interval": "60"}),
        ("interval", {"interval": "59", "since": "2026-11-24T00:00:00Z"}),
        ("interval", {"interval": "1h", "since": "2026-11-24T00:00:00Z"}),
        ("interval", {"interval": "60", "since": "2026-11-24T00:00:00Z"}),
        ("interval", {"interval": "9" * 5000, "since": "2026-11-24T00:00:00Z"}),
        ("status", {"status": "done"}),
        ("since", {"since": "yesterday"}),
        ("limit", {"limit": "10"}),
    ],
)
def test_what_cannot_be_counted_is_refused(
    world: World, parameter: str, query: dict[str, str]
) -> None:
    reply = world.call("counts", query=query)

    assert (reply.status, reply.json["parameter"]) == (400, parameter)
