"""Dead letters: kept where an operator can read them, and their jobs ended, if they have one."""

from typing import Any

import pytest

from tests.integration.callbacks import ended, settled
from tests.integration.dead_letters import UNREADABLE, kept, letters, pointer, send
from tests.integration.runs import UNKNOWN
from tests.integration.world import START, World
from tests.receiver import Receiver, busy


@pytest.mark.parametrize("body", UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_cannot_be_read_is_kept_and_taken_off_the_queue(world: World, body: str) -> None:
    send(world, body)
    answer = world.handle_dead_letters()

    assert answer["batchItemFailures"] == []
    assert (kept(world), letters(world), world.items()) == ([body], 0, [])


def test_a_job_that_waits_for_its_lost_message_is_ended(world: World) -> None:
    job = world.submit().json["id"]
    send(world, pointer(job))
    world.handle_dead_letters()
    world.notify()

    seen = world.see(job)
    assert (seen["status"], letters(world), len(kept(world))) == ("failed", 0, 1)
    assert seen["error"]["type"].endswith("/problems/attempts-exhausted")
    assert len(world.published()) == 1


def test_a_running_job_is_not_touched_until_its_lease_is_over(world: World) -> None:
    job = world.submit("meanwhile", {}).json["id"]

    def handle_letter(_: Any) -> None:
        send(world, pointer(job))
        world.handle_dead_letters()

    world.meanwhile(handle_letter)
    world.work()

    assert (world.see(job)["status"], letters(world)) == ("succeeded", 1)
    world.pass_time(30)
    assert world.handle_dead_letters()["records"] == 0
    world.pass_time(1)
    world.handle_dead_letters()
    assert (world.see(job)["status"], letters(world)) == ("succeeded", 0)


def test_a_job_whose_worker_is_dead_is_ended_once_its_lease_is_over(world: World) -> None:
    job = world.submit().json["id"]
    world.job(job, status="running", attempt=1, lease_until=START + 30_000, lease_holder="dead")
    send(world, pointer(job))
    world.handle_dead_letters()
    assert world.see(job)["status"] == "running"
    world.pass_time(31)
    world.handle_dead_letters()

    assert (world.see(job)["status"], letters(world)) == ("failed", 0)


def test_a_dead_letter_of_a_late_job_ends_it_as_readers_were_shown(world: World) -> None:
    job = world.submit(deadline={"within": 60}).json["id"]
    world.pass_time(62)
    shown = world.see(job)
    send(world, pointer(job))
    world.handle_dead_letters()
    world.notify()

    assert (world.see(job), letters(world)) == (shown, 0)
    assert shown["error"]["type"].endswith("/problems/deadline-exceeded")
    assert len(world.published()) == 1


def test_an_ended_job_is_not_touched(world: World) -> None:
    job = world.submit().json["id"]
    world.work()
    before = world.see(job)
    send(world, pointer(job))
    world.handle_dead_letters()

    assert (world.see(job), letters(world)) == (before, 0)


def test_a_letter_whose_record_may_still_come_is_looked_at_again(world: World) -> None:
    send(world, pointer(UNKNOWN))
    young = world.handle_dead_letters()
    world.pass_time(61)
    old = world.handle_dead_letters()

    assert [len(a["batchItemFailures"]) for a in (young, old)] == [1, 0]
    assert (letters(world), world.items()) == (0, [])


def test_one_dead_letter_that_cannot_be_handled_does_not_stop_the_others(world: World) -> None:
    broken, job = (world.submit().json["id"] for _ in range(2))
    world.job(broken, created="yesterday")
    send(world, pointer(broken))
    send(world, pointer(job))
    answer = world.handle_dead_letters()

    assert len(answer["batchItemFailures"]) == 1
    assert world.see(job)["status"] == "failed"


def test_a_dead_letter_stays_in_the_queue_while_the_bucket_does_not_answer(world: World) -> None:
    job = world.submit().json["id"]
    send(world, pointer(job))
    world.faults.unreachable("s3.PutObject")
    answer = world.handle_dead_letters()

    assert len(answer["batchItemFailures"]) == 1
    assert (world.see(job)["status"], letters(world)) == ("queued", 1)


# ── webhooks ──────────────────────────────────────────────────────────────────────────────────


def letter(world: World) -> str:
    """Take the one waiting webhook off its queue, as SQS does with a message that could not be handled."""
    url = world.ids["WebhookQueue"]
    (message,) = world.sqs.receive_message(QueueUrl=url)["Messages"]
    world.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    return str(message["Body"])


def given_up(lines: list[Any]) -> list[Any]:
    """Return the lines that the alarm counts."""
    return [line for line in lines if line["message"] == "delivery_given_up"]


def test_a_webhook_is_given_up_and_forgotten_in_time(
    world: World, receiver: Receiver, lines: list[Any]
) -> None:
    job = ended(world, receiver)
    send(world, letter(world))
    world.handle_dead_letters()
    (said,) = given_up(lines)
    item = world.delivery(job) or {}

    assert (item["state"], "body" in item) == ("given-up", True)
    assert item["ttl"] == START // 1000 + 14 * 86_400
    assert {"owner": "acme", "job_id": job, "failure": "dead-letter"}.items() <= said.items()


def test_a_webhook_that_was_delivered_is_not_said_to_be_given_up(
    world: World, receiver: Receiver, lines: list[Any]
) -> None:
    job = ended(world, receiver)
    body = letter(world)
    world.call("replay", id=job)
    world.send_webhooks()
    send(world, body)
    world.handle_dead_letters()

    assert (world.delivery(job) or {})["state"] == "delivered"
    assert given_up(lines) == []


def test_a_webhook_that_was_asked_for_again_is_not_given_up_with_its_older_message(
    world: World, receiver: Receiver, lines: list[Any]
) -> None:
    job = ended(world, receiver)
    body = letter(world)
    world.pass_time(10)
    world.call("replay", id=job)
    send(world, body)
    world.handle_dead_letters()
    assert given_up(lines) == []
    settled(world)

    assert len(receiver.requests) == 1
    assert (world.delivery(job) or {})["state"] == "delivered"


def test_a_pending_webhook_of_an_erased_job_is_not_kept(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver)
    body = letter(world)
    world.call("erase", id=job)
    send(world, body)
    world.handle_dead_letters()

    assert world.objects() == []
    assert str(receiver.port) not in str(world.items())


def test_a_webhook_that_is_given_up_while_it_is_tried_stays_so(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver)
    body = letter(world)
    world.sqs.send_message(QueueUrl=world.ids["WebhookQueue"], MessageBody=body)
    send(world, body)
    world.faults.once("dynamodb.UpdateItem", lambda _: world.handle_dead_letters() and None)
    world.send_webhooks()

    assert (world.delivery(job) or {})["state"] == "given-up"


def test_a_webhook_that_is_given_up_is_not_swept(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver, busy("2000"))
    body = letter(world)
    world.sqs.send_message(QueueUrl=world.ids["WebhookQueue"], MessageBody=body)
    world.send_webhooks()
    assert "due_at" in (world.delivery(job) or {})
    send(world, body)
    world.handle_dead_letters()

    assert not {"due_at", "due_shard"} & (world.delivery(job) or {}).keys()
