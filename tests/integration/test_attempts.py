"""The attempts at a job, as its owner sees them, and what they cost."""

from decimal import Decimal
from typing import Any

import pytest

from tests.integration.runs import VISIBILITY_S, dies, killed, meanwhile
from tests.integration.world import START, World

ITEM = {
    *("PK", "SK", "operation", "lane", "status", "base", "created", "updated", "deadline"),
    *("timeout_ms", "retention_s", "attempts_left", "attempt", "started", "ended", "expires"),
    *("input", "result", "ttl"),
}


def seen(world: World, job: str) -> list[tuple[int, str | None]]:
    """Return the numbers and outcomes of a job's attempts."""
    return [(each["number"], each["outcome"]) for each in world.see(job)["attempts"]]


def test_a_job_that_succeeds_at_once_stores_nothing_of_its_attempts(world: World) -> None:
    job = world.submit().json["id"]
    world.calls.clear()
    world.work()

    assert world.calls.count("dynamodb.UpdateItem") == 2
    assert set(world.job(job)) == ITEM
    assert world.see(job)["attempts"] == [
        {
            "number": 1,
            "started": "2026-11-24T12:00:00.000Z",
            "ended": "2026-11-24T12:00:00.000Z",
            "outcome": "succeeded",
            "detail": None,
        }
    ]


def test_a_job_shows_the_attempts_before_the_one_that_ended_it(world: World) -> None:
    job = meanwhile(world, lambda _: 1 / 0, lambda _: world.pass_time(3))
    world.calls.clear()
    world.work()
    waits = world.see(job)
    writes = world.calls.count("dynamodb.UpdateItem")
    world.pass_time(2)
    world.work()
    seen = world.see(job)

    assert writes == 2
    assert (waits["status"], waits["attempts_left"]) == ("queued", 2)
    assert seen_of(waits) == [(1, "failed")]
    assert "2026-11-24T12:00:00.500Z" <= waits["not_before"] <= "2026-11-24T12:00:01.000Z"
    assert seen_of(seen) == [(1, "failed"), (2, "succeeded")]
    assert [(a["started"], a["ended"]) for a in seen["attempts"]] == [
        ("2026-11-24T12:00:00.000Z", "2026-11-24T12:00:00.000Z"),
        ("2026-11-24T12:00:02.000Z", "2026-11-24T12:00:05.000Z"),
    ]
    assert (seen["attempt"], seen["attempts_left"], seen["not_before"]) == (2, 0, None)


def seen_of(job: Any) -> list[tuple[int, str | None]]:
    return [(each["number"], each["outcome"]) for each in job["attempts"]]


def test_the_attempt_of_a_dead_worker_is_shown_as_soon_as_another_runs(world: World) -> None:
    while_it_ran = []
    job = meanwhile(world, dies(world), lambda _: while_it_ran.append(world.see(job)))
    killed(world)
    assert seen(world, job) == [(1, None)]
    world.pass_time(VISIBILITY_S)
    world.calls.clear()
    world.work()

    (running,) = while_it_ran
    assert seen_of(running) == [(1, "cut-short"), (2, None)]
    assert running["attempts"][0]["started"] == "2026-11-24T12:00:00.000Z"
    assert running["attempts"][0]["ended"] == "2026-11-24T12:00:30.000Z"
    assert seen(world, job) == [(1, "cut-short"), (2, "succeeded")]
    assert world.calls.count("dynamodb.UpdateItem") == 3  # the first is refused


def test_a_job_whose_every_worker_dies_shows_each_attempt(world: World) -> None:
    job = meanwhile(world, *[dies(world)] * 3)
    for _ in range(3):
        killed(world)
        world.pass_time(VISIBILITY_S)
    world.work()

    assert world.see(job)["error"]["code"] == "attempts-exhausted"
    assert seen(world, job) == [(n, "cut-short") for n in (1, 2, 3)]


def test_what_is_unavailable_is_named_and_the_attempt_given_back(world: World) -> None:
    given = {"kind": "unavailable", "message": "The archive is closed.", "retry_after": 5}
    job = world.submit("fail", given).json["id"]
    attempts_left = world.see(job)["attempts_left"]
    world.work()
    seen = world.see(job)

    assert seen["attempts"][0]["outcome"] == "unavailable"
    assert seen["attempts"][0]["detail"] == "The archive is closed."
    assert seen["attempts_left"] == attempts_left


def test_an_attempt_that_was_canceled_or_came_too_late_says_so(world: World) -> None:
    canceled = meanwhile(world, lambda _: world.call("cancel", id=canceled))
    world.work()
    late = meanwhile(world, lambda _: world.pass_time(90), deadline={"within": 60})
    world.work("OnTime")

    assert seen(world, canceled) == [(1, "canceled")]
    assert seen(world, late) == [(1, "deadline-exceeded")]


def test_attempts_are_erased_with_their_job(world: World) -> None:
    job = meanwhile(world, lambda _: 1 / 0)
    world.work()
    world.pass_time(2)
    world.work()
    assert len(world.job(job)["attempts"]) == 1
    world.call("erase", id=job)

    assert "attempts" not in world.job(job)


def test_a_job_of_a_version_that_recorded_no_attempts_shows_the_last(world: World) -> None:
    job = world.submit().json["id"]
    world.work()
    world.job(job, attempt=3)

    assert seen(world, job) == [(3, "succeeded")]


def test_an_outcome_that_this_version_does_not_know_is_shown(world: World) -> None:
    job = world.submit().json["id"]
    world.job(
        job,
        attempt=1,
        attempts=[{"number": 1, "started": START, "ended": START, "outcome": "canceled", "x": 1}],
    )

    assert seen(world, job) == [(1, "canceled")]
    assert world.job(job)["attempts"][0]["x"] == Decimal(1)


@pytest.mark.parametrize("lane", ["on-time", "flexible"])
def test_a_job_shows_its_lane(world: World, lane: str) -> None:
    envelope = {"deadline": {"within": 60}} if lane == "on-time" else {}

    assert world.submit(**envelope).json["lane"] == lane


def test_a_scheduled_job_shows_its_earliest_start(world: World) -> None:
    accepted = world.submit(start={"after": 60}).json

    assert accepted["not_before"] == accepted["start_at"] == "2026-11-24T12:01:00.000Z"
    assert world.submit().json["not_before"] is None
