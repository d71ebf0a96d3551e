"""Canceling a job: before it runs, while it runs, and when it is too late."""

import json

import pytest

from tests.integration.world import World


def test_a_canceled_job_is_answered_published_and_never_run(world: World) -> None:
    job = world.submit().json["id"]
    reply = world.call("cancel", id=job)
    world.work()
    world.notify()

    assert (reply.status, reply.json["status"]) == (200, "canceled")
    assert reply.json["error"]["type"].endswith("/problems/canceled")
    seen = world.see(job)
    assert (seen["status"], seen["attempt"], seen["started"]) == ("canceled", 0, None)
    assert world.messages() == 0
    (notification,) = world.published()
    assert json.loads(notification["Message"])["id"] == f"{job}/canceled"


def test_canceling_again_changes_nothing(world: World) -> None:
    job = world.submit().json["id"]
    first = world.call("cancel", id=job)
    world.pass_time(5)
    again = world.call("cancel", id=job)

    assert (again.status, again.json) == (200, first.json)
    assert again.headers["etag"] == first.headers["etag"]


@pytest.mark.parametrize(
    ("operation", "given", "end"), [("echo", {"value": 1}, "succeeded"), ("fail", {}, "failed")]
)
def test_what_has_ended_otherwise_cannot_be_canceled(
    world: World, operation: str, given: dict[str, int], end: str
) -> None:
    job = world.submit(operation, given).json["id"]
    for _ in range(3):
        world.work()
        world.pass_time(60)
    before = world.see(job)
    reply = world.call("cancel", id=job)

    assert before["status"] == end
    assert (reply.status, reply.problem) == (409, "already-ended")
    assert end in reply.json["detail"]
    assert world.see(job) == before


def test_a_scheduled_job_can_be_canceled(world: World) -> None:
    job = world.submit(start={"after": 3600}).json["id"]
    reply = world.call("cancel", id=job)
    world.pass_time(3600)
    world.sweep()

    assert (reply.status, reply.json["status"]) == (200, "canceled")
    assert world.messages() == 0


def test_a_cancel_unwinds_the_run_at_its_next_progress(world: World) -> None:
    went_on = []
    job = world.submit("meanwhile", {}).json["id"]

    def be_canceled(context: object) -> None:
        world.call("cancel", id=job)
        context.progress(0.5)  # type: ignore[attr-defined]
        went_on.append("after it was canceled")

    world.meanwhile(be_canceled)
    world.work()
    world.notify()

    assert went_on == []
    assert (world.see(job)["status"], world.messages()) == ("canceled", 0)
    assert len(world.published()) == 1


def test_the_result_of_a_run_that_did_not_notice_is_discarded(world: World) -> None:
    job = world.submit("meanwhile", {}).json["id"]
    world.meanwhile(lambda _: world.call("cancel", id=job))
    world.work()
    world.notify()

    seen = world.see(job)
    assert (seen["status"], seen["result"]) == ("canceled", None)
    assert len(world.published()) == 1


def test_a_run_that_fails_after_it_was_canceled_is_not_tried_again(world: World) -> None:
    job = world.submit("meanwhile", {}).json["id"]

    def fail(_: object) -> None:
        world.call("cancel", id=job)
        raise RuntimeError

    world.meanwhile(fail)
    world.work()

    assert (world.see(job)["status"], world.messages()) == ("canceled", 0)


def test_a_cancel_whose_reply_was_lost_is_done(world: World) -> None:
    job = world.submit().json["id"]
    world.faults.lost_reply("dynamodb.UpdateItem")
    reply = world.call("cancel", id=job)

    assert (reply.status, reply.json["status"]) == (200, "canceled")


@pytest.mark.parametrize("late_s", [0, 1, 3])
def test_a_cancel_after_the_deadline_finds_the_job_failed(world: World, late_s: int) -> None:
    job = world.submit(deadline={"within": 60}).json["id"]
    world.pass_time(60 + late_s)
    reply = world.call("cancel", id=job)

    assert (reply.status, reply.problem) == (409, "already-ended")
    assert "failed" in reply.json["detail"]
    assert world.call("result", id=job).problem == "deadline-exceeded"
