"""Calls to AWS that had their effect and whose reply was lost: they count as done."""

import pytest

from tests import receiver as plays
from tests.integration.callbacks import ended
from tests.integration.faults import let
from tests.integration.runs import VISIBILITY_S
from tests.integration.world import World
from tests.receiver import Receiver

UPDATE = "dynamodb.UpdateItem"


def test_a_claim_whose_reply_was_lost_is_a_claim(world: World) -> None:
    job = world.submit("meanwhile", {}).json["id"]
    world.faults.lost_reply(UPDATE)
    world.work()

    seen = world.see(job)
    assert (seen["status"], seen["attempt"], seen["result"]) == ("succeeded", 1, 1)


@pytest.mark.parametrize("size", [10, 20_000])
def test_an_end_whose_reply_was_lost_is_an_end(world: World, size: int) -> None:
    job = world.submit("echo", {"value": "x" * size}).json["id"]
    world.faults.once(UPDATE, let)
    world.faults.lost_reply(UPDATE)
    world.work()
    world.notify()

    assert (world.see(job)["status"], world.messages()) == ("succeeded", 0)
    assert len(world.published()) == 1


def test_a_job_given_back_with_a_lost_reply_is_tried_again(world: World) -> None:
    job = world.submit("flaky", {"failures": 1}).json["id"]
    world.faults.once(UPDATE, let)
    world.faults.lost_reply(UPDATE)
    world.work()
    world.pass_time(1)
    world.work()

    assert world.see(job)["result"] == {"attempt": 2}


def test_a_progress_whose_reply_was_lost_does_not_look_like_a_cancel(world: World) -> None:
    job = world.submit("meanwhile", {}).json["id"]
    world.meanwhile(lambda context: context.progress(1 / 3, "a third"))
    world.faults.once(UPDATE, let)
    world.faults.lost_reply(UPDATE)
    world.work()

    assert world.see(job)["status"] == "succeeded"
    assert float(world.job(job)["progress"]["fraction"]) == 1 / 3


def test_progress_that_cannot_be_written_does_not_end_the_run(world: World) -> None:
    job = world.submit("meanwhile", {}).json["id"]

    def report(context: object) -> None:
        world.faults.unreachable(UPDATE)
        context.progress(0.5)  # type: ignore[attr-defined]
        world.faults.clear()

    world.meanwhile(report)
    world.work()

    assert world.see(job)["status"] == "succeeded"


@pytest.mark.parametrize("key", [None, "k"])
def test_a_record_whose_put_was_lost_is_accepted_once(world: World, key: str | None) -> None:
    if key is not None:
        world.faults.once("dynamodb.PutItem", let)
    world.faults.lost_reply("dynamodb.PutItem")
    reply = world.submit(key=key)
    world.work()

    assert (reply.status, "idempotency-replayed" in reply.headers) == (202, False)
    assert world.see(reply.json["id"])["attempt"] == 1


def test_a_key_whose_put_was_lost_names_the_job_of_its_request(world: World) -> None:
    world.faults.lost_reply("dynamodb.PutItem")
    reply = world.submit(key="k")

    assert (reply.status, "idempotency-replayed" in reply.headers) == (202, False)
    assert world.submit(key="k").json["id"] == reply.json["id"]
    assert len(world.items()) == 2


def test_a_message_whose_reply_was_lost_is_sent_twice_and_worked_on_once(world: World) -> None:
    world.faults.lost_reply("sqs.SendMessage")
    reply = world.submit("meanwhile", {})
    assert world.waiting()["visible"] == 2
    world.work()

    seen = world.see(reply.json["id"])
    assert (seen["status"], seen["attempt"], world.messages()) == ("succeeded", 1, 0)


def test_a_record_claimed_before_its_submit_heard_of_it_is_not_put_again(world: World) -> None:
    """The reply of the put is lost, and a worker ends the job before the put is sent again."""
    world.faults.lost_reply("dynamodb.PutItem", then=world.work)
    reply = world.submit()

    assert (reply.status, reply.json["status"]) == (202, "succeeded")
    assert world.see(reply.json["id"])["attempt"] == 1


def test_a_submit_whose_record_has_no_reply_is_refused_and_its_key_finds_the_job(
    world: World,
) -> None:
    world.faults.once("dynamodb.PutItem", let)
    world.faults.unheard("dynamodb.PutItem")
    refused = world.submit(key="k")
    world.work()
    again = world.submit(key="k")

    assert (refused.status, refused.problem) == (503, "try-again")
    assert (again.status, again.json["status"]) == (202, "succeeded")
    assert again.headers["idempotency-replayed"] == "true"


def test_without_a_key_its_owners_list_shows_the_job_of_a_request_that_heard_nothing(
    world: World,
) -> None:
    world.faults.unheard("dynamodb.PutItem")
    refused = world.submit()
    world.work()
    listed = world.call("list", query={}).json["jobs"]

    assert (refused.status, refused.problem) == (503, "try-again")
    assert [job["status"] for job in listed] == ["succeeded"]


def test_a_worker_whose_claim_has_no_reply_leaves_the_job_to_the_next(world: World) -> None:
    job = world.submit("meanwhile", {}).json["id"]
    world.faults.unheard(UPDATE)
    returned = world.work()

    assert len(returned["batchItemFailures"]) == 1
    assert world.see(job)["status"] == "running"
    world.pass_time(VISIBILITY_S)
    world.work()
    assert (world.see(job)["status"], world.see(job)["attempt"]) == ("succeeded", 2)


def test_a_worker_that_cannot_store_its_result_leaves_the_job_to_the_next(world: World) -> None:
    job = world.submit("echo", {"value": "x" * 20_000}).json["id"]
    world.faults.unreachable("s3.PutObject")
    world.work()
    world.faults.clear()
    world.pass_time(VISIBILITY_S)
    world.work()

    assert (world.see(job)["status"], world.see(job)["attempt"]) == ("succeeded", 2)


def test_a_request_that_reaches_no_table_can_be_sent_again(world: World) -> None:
    job = world.submit().json["id"]
    world.faults.unreachable("dynamodb.GetItem")
    world.faults.unreachable("dynamodb.Query")
    replies = [world.call(n, id=job) for n in ("status", "result", "cancel", "erase", "retry")]
    replies.append(world.call("list", query={}))

    for reply in replies:
        assert (reply.status, reply.problem) == (503, "try-again")
        assert reply.headers["retry-after"]


def test_a_try_that_failed_and_was_noted_with_a_lost_reply_is_made_again(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver, plays.answer(500), plays.answer(200))
    world.faults.lost_reply(UPDATE)
    world.send_webhooks()
    world.pass_time(10)
    world.send_webhooks()

    delivery = world.delivery(job)
    assert delivery is not None
    assert (delivery["state"], delivery["count"], len(receiver.requests)) == ("delivered", 2, 2)
