"""Messages of one queue: each is on its own."""

import io
import json

from nowlater.log import logger
from tests.integration.lambdas import lambda_context
from tests.integration.world import World


def test_a_failure_does_not_touch_the_others(world: World) -> None:
    jobs = [
        world.submit(operation, given).json["id"]
        for operation, given in (
            ("fail", {}),
            ("echo", {"value": 1}),
            ("slow", {}),
            ("meanwhile", {}),
        )
    ]
    world.work()

    seen = [world.see(job)["status"] for job in jobs]
    assert seen == ["queued", "succeeded", "failed", "succeeded"]


def test_no_message_is_held_while_a_job_runs(world: World) -> None:
    """However many a queue hands over: the process that runs the job may never come back."""
    jobs = [world.submit("meanwhile", {}).json["id"] for _ in range(3)]
    seen = list[dict[str, int]]()
    world.meanwhile(lambda _: seen.append(world.waiting()))
    got = world.receive("FlexibleQueue")
    returned = world.app("work").handler({"Records": got}, lambda_context())

    assert seen == [{"visible": 2, "hidden": 1, "delayed": 0}]
    assert returned["batchItemFailures"] == [{"itemIdentifier": r["messageId"]} for r in got[1:]]
    statuses = [(world.see(job)["status"], world.see(job)["attempt"]) for job in jobs]
    assert statuses == [("succeeded", 1), ("queued", 0), ("queued", 0)]


def test_a_message_that_cannot_be_put_off_comes_back_by_itself(world: World) -> None:
    job = world.submit("flaky", {"failures": 1}).json["id"]
    world.faults.unreachable("sqs.ChangeMessageVisibility")
    returned = world.work()

    assert len(returned["batchItemFailures"]) == 1
    world.faults.clear()
    world.pass_time(330)
    world.work()
    assert world.see(job)["result"] == {"attempt": 2}


def test_jobs_of_many_owners_are_kept_apart_in_one_queue(world: World) -> None:
    owners = ("acme", "other", "a.b@c-d_e")
    jobs = {o: world.submit("echo", {"value": o}, owner=o).json["id"] for o in owners}
    world.work()

    results = {o: world.see(job, owner=o)["result"] for o, job in jobs.items()}
    assert results == {o: o for o in owners}


def test_what_is_logged_names_owner_and_job_and_no_payload(world: World) -> None:
    logged = io.StringIO()
    before = logger.registered_handler.setStream(logged)
    job = world.submit("echo", {"value": "between us"}, key="my key").json["id"]
    world.work()
    world.call("result", id=job)
    logger.registered_handler.setStream(before)

    assert "between us" not in logged.getvalue()
    assert "my key" not in logged.getvalue()
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    assert {(line["owner"], line["job_id"]) for line in lines if "job_id" in line} == {
        ("acme", job)
    }


def test_an_operation_that_raises_no_exception_does_not_touch_the_rest(world: World) -> None:
    jobs = [world.submit(name, {}).json["id"] for name in ("panic", "half-a-character")]
    jobs.append(world.submit().json["id"])

    assert world.work() == {"batchItemFailures": [], "records": 3}
    assert [world.see(job)["status"] for job in jobs] == ["failed", "failed", "succeeded"]
