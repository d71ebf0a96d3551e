"""SendWebhooks at each of its decisions: to send or not, to keep the message or leave it to the table."""

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import receiver as plays
from tests.integration.callbacks import ended, queued, settled
from tests.integration.faults import answered
from tests.integration.lambdas import lambda_context
from tests.integration.world import START, World
from tests.receiver import Receiver


def send(world: World, url: str, base: str = "https://api.example.com") -> str:
    """Put a webhook on the queue as Notify does; return its job."""
    job = "019ac1d2-7b5e-7c31-8f44-5d1f3b0a9e77"
    webhook = {"owner": "acme", "job": job, "url": url, "event": f"{job}/succeeded", "body": "{}"}
    world.sqs.send_message(
        QueueUrl=world.ids["WebhookQueue"],
        MessageBody=json.dumps(webhook | {"base": base, "since": START}),
    )
    return job


def failures(world: World, job: str) -> list[str]:
    return [str(made.get("failure")) for made in (world.delivery(job) or {})["attempts"]]


def messages(world: World) -> int:
    return sum(world.waiting("Webhook").values())


def replay_later(world: World, job: str) -> None:
    """Have the owner ask for a delivery again, a second later."""
    world.pass_time(1)
    world.call("replay", id=job)


def copy(world: World) -> None:
    """Send the one message that is in the queue a second time, as SQS may."""
    (body,) = queued(world)
    world.sqs.send_message(QueueUrl=world.ids["WebhookQueue"], MessageBody=body)


# ── to whom ───────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_sent_to_the_api_that_the_job_was_asked_for_at(
    world: World, receiver: Receiver
) -> None:
    job = send(world, receiver.url(), base=receiver.url("/v1"))
    world.send_webhooks()

    assert (receiver.requests, failures(world, job)) == ([], ["address-refused"])


@pytest.mark.parametrize("setting", ["public_url", "loopback_callbacks"])
def test_nothing_is_sent_to_a_url_that_may_not_be_called_any_more(
    world: World, receiver: Receiver, setting: str
) -> None:
    now_is = {"public_url": receiver.url("/v1"), "loopback_callbacks": False}[setting]
    world.restart("send_webhooks", **{setting: now_is})
    job = ended(world, receiver)
    world.send_webhooks()

    assert (receiver.requests, failures(world, job)) == ([], ["address-refused"])
    assert (world.delivery(job) or {})["state"] == "waiting"


def test_a_message_from_before_a_replay_is_dropped(world: World, receiver: Receiver) -> None:
    """Without this, a copy that is dropped or becomes a dead letter would drop the replay too."""
    job = ended(world, receiver, plays.answer(500), plays.ok)
    world.send_webhooks()
    world.pass_time(10)
    (old,) = queued(world)
    world.call("replay", id=job)
    returned = [
        world.app("send_webhooks").handler(_handed_out(old, n), lambda_context()) for n in range(2)
    ]

    assert returned == [{"batchItemFailures": []}] * 2
    assert len(receiver.requests) == 1
    settled(world)
    assert (world.delivery(job) or {})["state"] == "delivered"
    assert len(receiver.requests) == 2


def _handed_out(body: str, number: int) -> dict[str, Any]:
    """Return the event in which SQS hands out a message."""
    times = {"ApproximateReceiveCount": "2", "SentTimestamp": str(START)}
    record = {"messageId": "1", "receiptHandle": str(number), "body": body, "attributes": times}
    return {"Records": [record | {"eventSourceARN": "arn:aws:sqs:eu-central-1:1:WebhookQueue"}]}


def test_a_message_is_in_the_group_of_its_callbacks_host(world: World, receiver: Receiver) -> None:
    ended(world, receiver)
    (message,) = world.sqs.receive_message(
        QueueUrl=world.ids["WebhookQueue"], AttributeNames=["MessageGroupId"]
    )["Messages"]

    assert message["Attributes"]["MessageGroupId"] == urlsplit(receiver.url()).netloc


# ── when ──────────────────────────────────────────────────────────────────────────────────────


def test_no_try_is_made_a_moment_too_early(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver, plays.answer(500), plays.ok)
    world.send_webhooks()
    next_at = int((world.delivery(job) or {})["next_at"])
    world.pass_time(10)
    world.now = next_at - 500
    world.send_webhooks()

    assert len(receiver.requests) == 1
    assert messages(world) == 1


def test_a_replay_is_sent_at_once_though_a_clock_is_a_little_behind(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver)
    world.send_webhooks()
    world.call("replay", id=job)
    world.now -= 500
    world.send_webhooks()
    world.pass_time(1)
    world.send_webhooks()

    assert len(receiver.requests) == 2


def test_a_host_is_held_back_for_at_least_its_pause(world: World) -> None:
    with Receiver() as dead:
        url = dead.url()
    for _ in range(4):
        world.submit("echo", {"value": 1}, callback={"url": url})
    world.work()
    world.notify()
    world.send_webhooks()
    world.pass_time(4)

    assert world.waiting("Webhook")["hidden"] == 4
    world.pass_time(24)
    held = [i for i in world.items() if i["PK"].startswith("DELIVERY#")]
    assert len(held) == 3
    assert world.waiting("Webhook") == {"visible": 3, "hidden": 1, "delayed": 0}


def test_a_host_that_answers_in_between_is_not_held_back(world: World, receiver: Receiver) -> None:
    receiver.plays[:] = [plays.reset, plays.reset, plays.answer(500), plays.reset, plays.ok]
    for _ in range(5):
        world.submit("echo", {"value": 1}, callback={"url": receiver.url()})
    world.work()
    world.notify()
    world.send_webhooks()

    assert len(receiver.requests) == 5


def test_a_failure_is_timed_too(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver, plays.raw(b"HTTP/1.1 2", pause_s=0.1))
    world.send_webhooks()
    (made,) = (world.delivery(job) or {})["attempts"]

    assert (made["failure"], made["latency_ms"] >= 100) == ("broken", True)


# ── the message or the table ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("play", "is_kept"),
    [
        (plays.ok, False),
        (plays.answer(500), False),
        (plays.busy("2000"), True),
        (plays.gone, True),
    ],
    ids=["delivered", "waits as a message", "waits in the table", "given up"],
)
def test_the_table_keeps_an_event_that_no_message_has(
    world: World, receiver: Receiver, play: Any, is_kept: bool
) -> None:
    job = ended(world, receiver, play)
    (sent,) = (notification["Message"] for notification in world.published())
    world.send_webhooks()

    assert (world.delivery(job) or {}).get("body") == (sent if is_kept else None)


def test_a_second_message_of_a_waiting_delivery_is_dropped(
    world: World, receiver: Receiver
) -> None:
    ended(world, receiver, plays.busy("2000"), plays.ok)
    copy(world)
    url = world.ids["WebhookQueue"]
    world.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=60)
    world.send_webhooks()
    world.pass_time(61)
    world.send_webhooks()

    assert (len(receiver.requests), messages(world)) == (1, 0)


def test_two_messages_that_are_tried_at_once_leave_one(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver, plays.answer(500))
    copy(world)
    url = world.ids["WebhookQueue"]
    world.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=1)

    def the_other(request: Any) -> None:
        world.pass_time(2)
        world.send_webhooks()

    world.faults.once("dynamodb.UpdateItem", the_other)
    world.send_webhooks()

    assert len(receiver.requests) == 2
    assert (world.delivery(job) or {})["count"] == 1
    assert messages(world) == 1


def test_one_message_that_is_tried_twice_at_once_stays_for_the_next_try(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver, plays.answer(500), plays.answer(500), plays.ok)

    def once_more(request: Any) -> None:
        world.pass_time(61)
        world.send_webhooks()

    world.faults.once("dynamodb.UpdateItem", once_more)
    world.send_webhooks()
    assert messages(world) == 1
    world.pass_time(10)
    world.send_webhooks()

    assert ((world.delivery(job) or {})["state"], len(receiver.requests)) == ("delivered", 3)


def test_a_delivery_replayed_during_a_try_is_sent_again(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver)

    world.faults.once("dynamodb.UpdateItem", lambda _: replay_later(world, job))
    settled(world)

    assert (len(receiver.requests), messages(world)) == (2, 0)


# ── the sweep ─────────────────────────────────────────────────────────────────────────────────


def in_table(world: World, receiver: Receiver) -> str:
    """Have a delivery wait in the table; return its job."""
    job = ended(world, receiver, plays.busy("2000"))
    world.send_webhooks()
    return job


def refused(request: Any) -> Any:
    """Answer as SQS does that takes none of a batch."""
    failed = {"Id": "0", "SenderFault": False, "Code": "InternalError"}
    body = json.dumps({"Successful": [], "Failed": [failed]}).encode()
    return answered(request.url, 200, body)


def test_a_delivery_that_the_queue_does_not_take_is_swept_again(
    world: World, receiver: Receiver
) -> None:
    job = in_table(world, receiver)
    world.pass_time(2001)
    world.faults.once("sqs.SendMessageBatch", refused)
    world.sweep()
    assert "due_at" in (world.delivery(job) or {})
    world.sweep()

    assert (messages(world), "due_at" in (world.delivery(job) or {})) == (1, False)


def test_a_delivery_replayed_while_it_is_swept_keeps_its_next_look(
    world: World, receiver: Receiver
) -> None:
    """Should the replay's own message be lost, it is the sweep that sends another."""
    job = in_table(world, receiver)
    world.pass_time(2001)

    world.faults.once("sqs.SendMessageBatch", lambda _: replay_later(world, job))
    world.sweep()

    assert int((world.delivery(job) or {})["due_at"]) == world.now + 60_000


def test_a_delivery_postponed_after_the_sweep_read_its_index_is_not_touched(
    world: World, receiver: Receiver
) -> None:
    jobs = [in_table(world, receiver) for _ in range(2)]
    world.pass_time(2001)

    def put_off(request: Any) -> None:
        sent = [job for job in jobs if job in str(request.body)]
        (other,) = (world.delivery(job) or {} for job in jobs if job not in sent)
        world.table.put_item(Item=other | {"due_at": world.now + 1000})

    world.faults.once("sqs.SendMessageBatch", put_off)
    world.sweep()

    assert messages(world) == 1


def test_a_replay_that_the_queue_does_not_take_is_made_by_the_sweep(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver)
    world.send_webhooks()
    world.faults.once("sqs.SendMessageBatch", refused)
    assert world.call("replay", id=job).status == 202
    assert messages(world) == 0
    world.pass_time(60)
    world.sweep()
    world.send_webhooks()

    assert len(receiver.requests) == 2


def test_the_sweep_sends_a_delivery_that_was_never_tried_as_the_callback_asks(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver, callback={"format": "application/cloudevents+json"})
    world.pass_time(1)
    world.faults.once("sqs.SendMessageBatch", refused)
    world.call("replay", id=job)
    world.send_webhooks()  # the first message, which the replay has overtaken
    world.pass_time(60)
    world.sweep()
    world.send_webhooks()

    sent_as = [r.headers["content-type"] for r in receiver.requests]
    assert sent_as == ["application/cloudevents+json"]


def test_an_end_whose_webhook_the_queue_does_not_take_is_published_again(
    world: World, receiver: Receiver
) -> None:
    world.faults.once("sqs.SendMessageBatch", refused)
    with pytest.raises(Exception, match="and 1 were not sent to their callbacks"):
        ended(world, receiver)
