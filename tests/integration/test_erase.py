"""Nothing that a job held remains after it was erased or has expired."""

import json
from typing import Any

import pytest

from tests.integration.runs import cancel_and_erase
from tests.integration.world import World

ROUTES = ("status", "result", "cancel", "retry", "erase")


def ended(world: World, given: str = "secret", **envelope: Any) -> str:
    """Return the id of a job that was worked on."""
    job = world.submit("echo", {"value": given}, **envelope).json["id"]
    world.work()
    return str(job)


@pytest.mark.parametrize("size", [10, 20_000])
def test_an_erased_job_leaves_a_stub_that_holds_nothing_of_it(world: World, size: int) -> None:
    job = ended(world, "secret" * size, tags={"order": "secret"})
    reply = world.call("erase", id=job)

    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["cache-control"] == "no-store"
    assert world.objects() == []
    stub = world.job(job)
    assert "secret" not in json.dumps(stub, default=str)
    assert (stub["status"], stub["erased"]) == ("succeeded", True)
    assert stub["ttl"] > 0


@pytest.mark.parametrize("name", ROUTES)
def test_an_erased_job_is_gone_for_every_route(world: World, name: str) -> None:
    job = ended(world)
    world.call("erase", id=job)
    reply = world.call(name, id=job)

    assert (reply.status, reply.problem) == (410, "job-expired")
    assert world.call("list", query={}).json["jobs"] == []


@pytest.mark.parametrize("name", ROUTES)
def test_a_job_past_its_keep_is_gone_for_every_route(world: World, name: str) -> None:
    job = ended(world, retention=3600)
    world.pass_time(3599.999)
    before = world.call("status", id=job)
    world.pass_time(0.001)
    reply = world.call(name, id=job)

    assert (before.status, before.json["expires"]) == (200, "2026-11-24T13:00:00.000Z")
    assert (reply.status, reply.problem) == (410, "job-expired")
    assert world.call("list", query={}).json["jobs"] == []


def test_an_unfinished_job_is_not_erased(world: World) -> None:
    job = world.submit().json["id"]
    reply = world.call("erase", id=job)

    assert (reply.status, reply.problem) == (409, "unfinished")
    assert world.see(job)["status"] == "queued"


def test_a_running_job_is_not_erased(world: World) -> None:
    job, replies = world.submit("meanwhile", {}).json["id"], []
    world.meanwhile(lambda _: replies.append(world.call("erase", id=job)))
    world.work()

    assert [r.problem for r in replies] == ["unfinished"]
    assert world.see(job)["status"] == "succeeded"


def test_a_job_that_missed_its_deadline_can_be_erased_at_once(world: World) -> None:
    job = world.submit(given={"text": "x" * 4000}, deadline={"within": 60}).json["id"]
    world.pass_time(62)
    reply = world.call("erase", id=job)

    assert reply.status == 204
    assert (world.job(job)["status"], world.objects()) == ("failed", [])


def test_an_erased_job_is_neither_run_nor_published_again(world: World) -> None:
    job = world.submit().json["id"]
    world.call("cancel", id=job)
    world.notify()
    world.published()
    world.call("erase", id=job)
    world.work()
    world.notify()
    world.sweep()

    assert (world.job(job)["status"], world.messages()) == ("canceled", 0)
    assert world.published() == []


def test_the_stored_result_of_a_lost_attempt_is_erased_too(world: World) -> None:
    """The first attempt stores its result after the second has ended the job."""
    job = world.submit("echo", {"value": "x" * 20_000}).json["id"]
    world.faults.once("s3.PutObject", lambda _: _second_attempt(world))
    world.work()
    world.call("erase", id=job)

    assert world.job(job)["attempt"] == 2
    assert world.objects() == []


def _second_attempt(world: World) -> None:
    world.pass_time(400)
    world.work()


def test_a_lost_reply_erases_all_the_same(world: World) -> None:
    job = ended(world)
    world.faults.lost_reply("dynamodb.UpdateItem")

    assert world.call("erase", id=job).status == 204
    assert world.call("status", id=job).status == 410


def test_a_second_erase_removes_what_a_failed_one_did_not(world: World) -> None:
    job = ended(world, "secret" * 20_000)
    world.faults.unreachable("dynamodb.UpdateItem")
    failed = world.call("erase", id=job)
    remaining = world.objects()
    world.faults.clear()
    again = world.call("erase", id=job)

    assert (failed.status, failed.problem, remaining) == (503, "try-again", [])
    assert (again.status, world.objects()) == (204, [])
    assert "secret" not in json.dumps(world.items(), default=str)


def test_a_result_that_comes_after_the_job_was_erased_is_taken_away(world: World) -> None:
    job = world.submit("echo", {"value": "x" * 20_000}).json["id"]

    world.faults.once("s3.PutObject", lambda _: cancel_and_erase(world, job))
    world.work()

    assert world.job(job)["attempt"] == 1
    assert world.objects() == []
