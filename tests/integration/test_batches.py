"""A batch of messages in one worker: each is on its own."""

import io
import json

from nowlater.log import logger
from tests.integration.lambdas import lambda_context
from tests.integration.world import World


def test_a_failure_does_not_touch_the_rest_of_the_batch(world: World) -> None:
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


def test_what_a_batch_has_no_time_for_is_given_back_at_once(world: World) -> None:
    jobs = [world.submit("meanwhile", {}).json["id"] for _ in range(3)]
    world.meanwhile(lambda _: world.pass_time(9.999), lambda _: world.pass_time(0.001))
    left = world.work()

    assert [world.see(job)["status"] for job in jobs] == ["succeeded", "succeeded", "queued"]
    assert len(left["batchItemFailures"]) == 1
    assert world.see(jobs[2])["attempt"] == 0
    assert world.waiting() == {"visible": 1, "hidden": 0, "delayed": 0}
    world.work()
    assert world.see(jobs[2])["status"] == "succeeded"


def test_what_was_never_tried_comes_first(world: World) -> None:
    order = list[str]()
    failing = world.submit("meanwhile", {}).json["id"]

    def fail(_: object) -> None:
        raise RuntimeError

    world.meanwhile(fail)
    world.work()
    world.pass_time(1)
    fresh = [world.submit("meanwhile", {}).json["id"] for _ in range(2)]
    world.meanwhile(*[lambda context: order.append(context.job_id)] * 3)
    world.work()

    assert order == [*fresh, failing]


def test_what_was_given_back_again_and_again_comes_before_what_may_have_failed(
    world: World,
) -> None:
    """With fresh ones in each batch it would never have its turn."""
    order = list[str]()
    fresh, starved, tried = (world.submit("meanwhile", {}).json["id"] for _ in range(3))
    world.meanwhile(*[lambda context: order.append(context.job_id)] * 3)
    received = {tried: 3, starved: 11, fresh: 1}
    records = [
        {
            "messageId": job,
            "receiptHandle": job,
            "body": json.dumps({"owner": "acme", "id": job}),
            "attributes": {"ApproximateReceiveCount": str(times), "SentTimestamp": str(world.now)},
            "eventSourceARN": "arn:aws:sqs:eu-central-1:1:FlexibleQueue",
        }
        for job, times in received.items()
    ]
    world.app("work").handler({"Records": records}, lambda_context())

    assert order == [starved, fresh, tried]


def test_a_message_that_cannot_be_put_off_comes_back_by_itself(world: World) -> None:
    job = world.submit("flaky", {"failures": 1}).json["id"]
    world.faults.unreachable("sqs.ChangeMessageVisibility")
    left = world.work()

    assert len(left["batchItemFailures"]) == 1
    world.faults.clear()
    world.pass_time(330)
    world.work()
    assert world.see(job)["result"] == {"attempt": 2}


def test_jobs_of_many_owners_are_kept_apart_in_one_batch(world: World) -> None:
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
