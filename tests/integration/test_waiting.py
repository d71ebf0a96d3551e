"""`Prefer: wait` at the status URL: an answer as soon as the status changes, where that can be soon."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.lambdas import Reply
from tests.integration.runs import cancel_and_erase, has_run, while_waited_for
from tests.integration.world import World


def wait(world: World, job: str, prefer: str = "wait=3", **headers: str) -> tuple[Reply, float]:
    """Ask for the status; return the reply, and how many seconds it was waited for."""
    began_s = world.time.s
    reply = world.call("status", id=job, headers={"prefer": prefer} | headers)
    return reply, world.time.s - began_s


def nothing() -> None:
    """Let a look at the job find it as it was."""


def works(world: World) -> Callable[[], object]:
    return lambda: world.work()


def test_a_waiting_caller_gets_the_job_as_soon_as_its_status_changes(world: World) -> None:
    job = world.submit("echo", {"value": 1}).json["id"]
    while_waited_for(world, nothing, nothing, nothing, works(world))
    reply, took_s = wait(world, job)

    assert (reply.status, reply.json["status"], reply.json["result"]) == (200, "succeeded", 1)
    assert reply.headers["preference-applied"] == "wait=3"
    assert "retry-after" not in reply.headers
    assert took_s == 1


def test_a_change_that_another_makes_is_seen_within_a_second(world: World) -> None:
    job = world.submit("echo", {"value": 1}).json["id"]
    world.time.at(0.7, lambda: world.call("cancel", id=job))
    reply, took_s = wait(world, job)

    assert reply.json["status"] == "canceled"
    assert took_s == 1


def test_when_the_time_is_up_the_job_is_shown_as_it_is(world: World) -> None:
    job = world.submit().json["id"]
    reply, took_s = wait(world, job, "wait=1")

    assert (reply.status, reply.json["status"]) == (200, "queued")
    assert reply.headers["preference-applied"] == "wait=1"
    assert "retry-after" in reply.headers
    assert took_s == 1


def test_any_change_of_status_ends_the_wait_and_progress_does_not(world: World) -> None:
    seen = []

    def look(context: Any) -> None:
        while_waited_for(world, nothing, nothing, lambda: context.progress(0.5))
        reply, took_s = wait(world, job, "wait=2")
        seen.append((reply.json["status"], reply.json["progress"]["fraction"], took_s))

    job = world.submit("meanwhile", {}).json["id"]
    world.meanwhile(look)
    world.work()

    assert seen == [("running", 0.5, 2)]


def test_a_start_whose_time_comes_is_a_change(world: World) -> None:
    job = world.submit(start={"after": 60}).json["id"]
    while_waited_for(world, nothing, nothing, lambda: world.pass_time(60))
    reply, took_s = wait(world, job)

    assert reply.json["status"] == "queued"
    assert took_s == 0.5


def test_a_deadline_that_passes_is_a_change(world: World) -> None:
    job = world.submit(deadline={"within": 60}).json["id"]
    while_waited_for(world, nothing, nothing, lambda: world.pass_time(62))
    reply, _ = wait(world, job)

    assert reply.json["status"] == "failed"


@pytest.mark.parametrize("end", ["succeeded", "canceled"])
def test_an_ended_job_is_answered_without_a_wait(world: World, end: str) -> None:
    job = world.submit().json["id"]
    if end == "succeeded":
        world.work()
    else:
        world.call("cancel", id=job)
    reply, took_s = wait(world, job)

    assert reply.json["status"] == end
    assert "preference-applied" not in reply.headers
    assert took_s == 0


@pytest.mark.parametrize("prefer", ["wait=0", "wait=x", "respond-async", "handling=strict", ""])
def test_without_a_preference_there_is_no_wait(world: World, prefer: str) -> None:
    job = world.submit().json["id"]
    reply, took_s = wait(world, job, prefer)

    assert "preference-applied" not in reply.headers
    assert took_s == 0


def test_the_answer_comes_at_once_where_the_end_is_expected_later(world: World) -> None:
    has_run(world, "echo", 60)
    job = world.submit("echo", {"value": 1}).json["id"]
    reply, took_s = wait(world, job)

    assert (reply.status, reply.json["status"]) == (200, "queued")
    assert "preference-applied" not in reply.headers
    assert int(reply.headers["retry-after"]) == pytest.approx(30, abs=4)
    assert took_s == 0


def test_a_caller_waits_for_an_end_that_is_expected_within_the_wait(world: World) -> None:
    has_run(world, "echo", 2)
    job = world.submit("echo", {"value": 1}).json["id"]
    while_waited_for(world, nothing, works(world))
    reply, _ = wait(world, job)

    assert reply.json["status"] == "succeeded"
    assert reply.headers["preference-applied"] == "wait=3"


def test_a_wait_is_at_most_twenty_seconds(world: World) -> None:
    job = world.submit("echo", {"value": 1}).json["id"]
    while_waited_for(world, nothing, nothing, works(world))
    reply, _ = wait(world, job, "wait=600")

    assert reply.json["status"] == "succeeded"
    assert reply.headers["preference-applied"] == "wait=20"


def test_a_wait_works_without_an_estimate(world: World) -> None:
    job = world.submit("echo", {"value": 1}).json["id"]
    world.restart("status")
    world.faults.unreachable("sqs.GetQueueAttributes")
    while_waited_for(world, nothing, nothing, works(world))
    reply, _ = wait(world, job)

    assert (reply.status, reply.json["status"]) == (200, "succeeded")


def test_an_unchanged_job_is_not_modified_also_after_a_wait(world: World) -> None:
    job = world.submit().json["id"]
    tag = world.call("status", id=job).headers["etag"]
    same, _ = wait(world, job, "wait=1", **{"if-none-match": tag})
    while_waited_for(world, nothing, works(world))
    changed, _ = wait(world, job, **{"if-none-match": tag})

    assert (same.status, same.headers["preference-applied"]) == (304, "wait=1")
    assert (changed.status, changed.json["status"]) == (200, "succeeded")


def test_a_job_that_is_erased_meanwhile_is_gone(world: World) -> None:
    job = world.submit().json["id"]

    while_waited_for(world, nothing, nothing, lambda: cancel_and_erase(world, job))
    reply, _ = wait(world, job)

    assert (reply.status, reply.problem) == (410, "job-expired")


def test_the_job_of_another_owner_is_not_waited_for(world: World) -> None:
    job = world.submit(owner="other").json["id"]
    reply, took_s = wait(world, job)

    assert (reply.status, reply.problem) == (404, "unknown-job")
    assert took_s == 0
