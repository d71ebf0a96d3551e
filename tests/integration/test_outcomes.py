"""What comes of a run: a result, another try, a wait, or a last failure that says no more than it may."""

import json
from typing import Any

import pytest

from nowlater.instants import DAY_S
from tests.integration.runs import ended_as, wait_s
from tests.integration.world import START, World


def test_a_job_that_fails_is_tried_again(world: World) -> None:
    job = world.submit("flaky", {"failures": 1}).json["id"]
    world.work()
    between = world.see(job)
    world.pass_time(1)
    world.work()

    assert (between["status"], between["attempt"], between["error"]) == ("queued", 1, None)
    assert world.see(job)["result"] == {"attempt": 2}
    assert world.messages() == 0


def test_the_waits_between_tries_grow(world: World) -> None:
    job = world.submit("flaky", {"failures": 9}, deadline={"within": 3600}).json["id"]
    waits = []
    for _ in range(4):
        world.work("OnTime")
        waits.append(wait_s(world, job))
        world.pass_time(waits[-1] - 0.01)
        assert world.work("OnTime")["records"] == 0 or world.see(job)["status"] == "queued"
        world.pass_time(1)
    world.work("OnTime")

    assert [0.5 * 2**n <= wait <= 2**n for n, wait in enumerate(waits)] == [True] * 4
    assert ended_as(world, job) == "operation-failed"


def test_the_last_failure_ends_the_job_without_showing_its_cause(world: World) -> None:
    job = world.submit("fail", {"message": "secret of the house"}).json["id"]
    for _ in range(3):
        world.work()
        world.pass_time(60)
    world.notify()

    assert ended_as(world, job) == "operation-failed"
    assert world.see(job)["attempt"] == 3
    (notification,) = world.published()
    everywhere = json.dumps([world.see(job), world.call("result", id=job).json, notification])
    assert "secret" not in everywhere
    assert "Traceback" not in everywhere
    assert "RuntimeError" not in everywhere


def test_a_wrong_result_is_a_failure(world: World) -> None:
    job = world.submit("wrong-result", {}).json["id"]
    for _ in range(3):
        world.work()
        world.pass_time(60)

    assert ended_as(world, job) == "operation-failed"
    assert "secret" not in json.dumps(world.see(job))


def test_a_refusal_is_final_and_says_why(world: World) -> None:
    job = world.submit("fail", {"kind": "refused", "message": "no tables here"}).json["id"]
    world.work()

    assert (ended_as(world, job), world.messages()) == ("refused", 0)
    assert world.see(job)["attempt"] == 1
    assert world.see(job)["error"]["detail"] == "no tables here"


def test_a_refusal_in_more_words_than_a_record_holds_is_cut(world: World) -> None:
    job = world.submit("long-refusal", {}).json["id"]
    world.work()

    assert ended_as(world, job) == "refused"
    assert len(json.dumps(world.see(job))) < 10_000


def test_an_input_that_turns_out_not_to_fit_is_final(world: World) -> None:
    begun = world.call("upload", body={"size": 1})
    key = f"uploads/acme/{begun.json['id']}"
    world.s3.put_object(Bucket=world.ids["Bucket"], Key=key, Body=b"x")
    job = world.submit("read", {"file": begun.json["use"]}).json["id"]
    world.s3.delete_object(Bucket=world.ids["Bucket"], Key=key)
    world.work()

    assert (ended_as(world, job), world.messages()) == ("invalid-input", 0)
    assert world.see(job)["attempt"] == 1


def test_a_run_that_takes_too_long_is_stopped(world: World) -> None:
    job = world.submit("slow", {}).json["id"]
    world.work()

    assert ended_as(world, job) == "timed-out"
    assert "0.2 s" in world.see(job)["error"]["detail"]


def test_a_run_that_was_stopped_has_used_up_a_try(world: World) -> None:
    job = world.submit("fail", {"kind": "hang"}).json["id"]
    world.work(remaining_s=8.2)

    seen = world.see(job)
    assert (seen["status"], seen["attempt"]) == ("queued", 1)
    assert world.job(job)["attempts_left"] == 2


def test_an_operation_that_is_no_longer_served_fails_its_jobs(world: World) -> None:
    job = world.submit("echo", {"value": 1}).json["id"]
    world.job(job, operation="gone")
    world.pass_time(3600)  # until then a deployment may be under way
    world.work()

    assert (ended_as(world, job), world.messages()) == ("refused", 0)


# ── unavailable ───────────────────────────────────────────────────────────────────────────────


def test_waiting_for_something_else_uses_up_no_try_and_grows(world: World) -> None:
    job = world.submit("never-available", {}).json["id"]
    waits: list[Any] = []
    for _ in range(7):
        world.work()
        waits.append(wait_s(world, job))
        world.pass_time(waits[-1])

    assert waits == [40, 80, 160, 320, 640, 900, 900]
    item = world.job(job)
    assert (item["status"], item["attempt"], item["attempts_left"]) == ("queued", 7, 3)


def test_an_unavailable_job_is_run_once_its_dependency_is_available(world: World) -> None:
    given = {"failures": 2, "kind": "unavailable", "retry_after": 5}
    job = world.submit("flaky", given).json["id"]
    for _ in range(3):
        world.work()
        world.pass_time(10)

    assert world.see(job)["result"] == {"attempt": 3}


def test_waiting_ends_with_the_deadline(world: World) -> None:
    job = world.submit("never-available", {}, deadline={"within": 100}).json["id"]
    for _ in range(3):
        world.work("OnTime")
        world.pass_time(50)

    assert ended_as(world, job) == "deadline-exceeded"
    world.work("OnTime")
    assert (world.job(job)["status"], world.messages()) == ("failed", 0)


def test_waiting_ends_after_three_days(world: World) -> None:
    job = world.submit("never-available", {}, deadline={"within": 5 * DAY_S}).json["id"]
    world.work("OnTime")
    world.pass_time(3 * DAY_S)
    world.work("OnTime")
    world.notify()

    assert ended_as(world, job) == "unavailable"
    assert world.see(job)["error"]["detail"] == "the model is loading"
    assert (world.messages(), len(world.published())) == (0, 1)


def test_a_long_wait_is_kept_in_the_record_and_not_in_the_queue(world: World) -> None:
    job = world.submit("much-later", {}).json["id"]
    world.work()

    assert (world.see(job)["status"], world.messages()) == ("queued", 0)
    assert world.job(job)["due_at"] == START + (3600 - 600) * 1000
    world.pass_time(3000)
    world.sweep()
    assert world.waiting()["delayed"] == 1
    assert "due_at" not in world.job(job)
    world.pass_time(600)
    world.work()
    assert world.see(job)["attempt"] == 2


@pytest.mark.parametrize(("operation", "due"), [("never-available", 7200), ("much-later", 3000)])
def test_a_promise_stays_in_sight_while_its_job_waits(
    world: World, operation: str, due: int
) -> None:
    job = world.submit(operation, {}, deadline={"within": 7200}).json["id"]
    world.work("OnTime")

    assert world.job(job)["due_at"] == START + due * 1000
