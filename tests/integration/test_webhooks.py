"""Webhooks: what is sent to a callback, when it is sent again, and when no more."""

import json
import re
from itertools import pairwise
from typing import Any

import pytest

from nowlater.notifications.delivery import GIVE_UP_AFTER_S, WAITS_S
from tests import receiver as plays
from tests import stack
from tests.integration.callbacks import ended, queued, settled, signature
from tests.integration.lambdas import lambda_context
from tests.integration.world import START, World
from tests.receiver import Behaviour, Receiver


def tries(world: World, job: str) -> list[dict[str, Any]]:
    """Return the tries that the log shows."""
    (delivery,) = world.call("deliveries", id=job).json["deliveries"]
    return list(delivery["attempts"])


def state(world: World, job: str) -> str:
    (delivery,) = world.call("deliveries", id=job).json["deliveries"]
    return str(delivery["state"])


def times_s(world: World, job: str) -> list[float]:
    """Return when each try was made, in seconds from the start."""
    item = world.delivery(job)
    assert item is not None
    return [(int(made["at"]) - START) / 1000 for made in item["attempts"]]


def test_a_webhook_has_the_same_body_as_the_message_of_the_topic(
    world: World, receiver: Receiver
) -> None:
    ended(world, receiver)
    world.send_webhooks()
    (got,) = receiver.requests
    (notification,) = world.published()

    assert got.method == "POST"
    assert got.path == "/hook"
    assert got.headers["content-type"] == "application/json"
    assert got.body.decode() == notification["Message"]


def test_a_webhook_is_signed_so_that_the_library_of_the_standard_accepts_it(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver)
    world.send_webhooks()
    (got,) = receiver.requests
    secret = world.call("secret", query={"host": "127.0.0.1"}).json["secret"]

    assert got.headers["webhook-id"] == f"{job}/succeeded"
    assert got.headers["webhook-timestamp"] == str(START // 1000)
    assert got.headers["webhook-signature"] == signature(receiver, secret)


def test_only_ends_that_were_asked_for_are_sent(world: World, receiver: Receiver) -> None:
    ended(world, receiver, callback={"events": ["failed", "canceled"]})
    world.send_webhooks()

    assert receiver.requests == []
    assert len(world.published()) == 1


@pytest.mark.parametrize("end", ["succeeded", "failed", "canceled"])
def test_each_kind_of_end_is_sent(world: World, receiver: Receiver, end: str) -> None:
    operation = {"succeeded": "echo", "failed": "fail", "canceled": "echo"}[end]
    given = {"message": "no", "kind": "refused"} if end == "failed" else {"value": 1}
    callback = {"url": receiver.url(), "events": [end]}
    job = world.submit(operation, given, callback=callback).json["id"]
    if end == "canceled":
        world.call("cancel", id=job)
    world.work()
    world.notify()
    world.send_webhooks()
    (got,) = receiver.requests

    assert json.loads(got.body)["data"]["status"] == end


def test_a_job_of_the_hybrid_door_calls_back_too(world: World, receiver: Receiver) -> None:
    world.hybrid("echo", {"value": 1}, callback={"url": receiver.url()})
    world.notify()
    world.send_webhooks()

    assert len(receiver.requests) == 1


def test_a_retried_job_calls_back_like_the_old_one(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver, callback={"events": ["succeeded"]})
    world.send_webhooks()
    again = world.call("retry", id=job, headers={"idempotency-key": None}).json["id"]
    world.work()
    world.notify()
    world.send_webhooks()

    assert [r.headers["webhook-id"] for r in receiver.requests] == [
        f"{job}/succeeded",
        f"{again}/succeeded",
    ]


@pytest.mark.parametrize("media_type", [None, "application/json", "application/cloudevents+json"])
def test_every_try_has_the_media_type_that_the_callback_asks_for(
    world: World, receiver: Receiver, media_type: str | None
) -> None:
    callback = {} if media_type is None else {"format": media_type}
    job = ended(world, receiver, plays.busy("2000"), plays.ok, callback=callback)
    world.send_webhooks()
    world.pass_time(2001)  # it has waited in the table
    world.sweep()
    world.send_webhooks()
    world.call("replay", id=job)
    world.send_webhooks()
    world.call("retry", id=job, headers={"idempotency-key": None})
    world.work()
    world.notify()
    world.send_webhooks()

    sent_as = [r.headers["content-type"] for r in receiver.requests]
    assert sent_as == [media_type or "application/json"] * 4
    assert len({r.body for r in receiver.requests[:3]}) == 1
    secret = world.call("secret", query={"host": "127.0.0.1"}).json["secret"]
    assert signature(receiver, secret) == receiver.requests[-1].headers["webhook-signature"]


@pytest.mark.parametrize("down", [1, 2, 3, 5])
def test_a_receiver_that_was_down_gets_the_next_try_with_the_same_id_and_a_new_time(
    world: World, receiver: Receiver, down: int
) -> None:
    job = ended(world, receiver, *[plays.answer(500)] * down, plays.ok)
    settled(world)
    stamps = [int(r.headers["webhook-timestamp"]) for r in receiver.requests]

    assert len(receiver.requests) == down + 1
    assert {r.headers["webhook-id"] for r in receiver.requests} == {f"{job}/succeeded"}
    assert {r.body for r in receiver.requests} == {receiver.requests[0].body}
    assert stamps == sorted(set(stamps))
    assert state(world, job) == "delivered"


def test_a_webhook_is_tried_ever_later_for_three_days_and_then_given_up(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver, plays.answer(500), retention=30 * 86_400)
    settled(world)
    made = times_s(world, job)
    waits = [b - a for a, b in pairwise(made)]
    usual = [*WAITS_S, *[WAITS_S[-1]] * len(waits)][: len(waits)]

    assert state(world, job) == "given-up"
    for wait, expected in zip(waits, usual, strict=True):
        assert 0.9 * expected <= wait <= 1.1 * expected + 2
    assert GIVE_UP_AFTER_S - 1.2 * WAITS_S[-1] <= made[-1] <= GIVE_UP_AFTER_S


def test_what_is_given_up_is_a_line_of_the_log_that_the_alarm_counts(
    world: World, receiver: Receiver, lines: list[Any]
) -> None:
    job = ended(world, receiver, plays.answer(500), plays.gone)
    settled(world)
    pattern = stack.template()["Resources"]["GivenUp"]["Properties"]["FilterPattern"]
    words = re.fullmatch(r'\{ \$\.message = "([^"]+)" \}', pattern)
    (line,) = [line for line in lines if words and line["message"] == words[1]]

    assert line["level"] == "ERROR"
    assert {"owner": "acme", "job_id": job, "status": 410}.items() <= line.items()


def test_the_log_has_neither_the_payload_nor_the_url_of_a_webhook(
    world: World, receiver: Receiver, lines: list[Any]
) -> None:
    callback = {"url": receiver.url() + "?token=sesame"}
    receiver.plays[:] = [plays.answer(404, b"no such thing", Content_Type="text/plain"), plays.gone]
    job = world.submit("echo", {"value": "a payload"}, callback=callback).json["id"]
    world.work()
    world.notify()
    settled(world)
    world.call("replay", id=job)
    secret = world.call("secret", query={"host": "127.0.0.1"}).json["secret"]
    sent = receiver.requests[0].headers["webhook-signature"]

    assert len(receiver.requests) == 2
    for hidden in ("sesame", "a payload", "no such thing", secret, sent, "a master secret"):
        assert [line for line in lines if hidden in str(line)] == []


def test_a_receiver_that_answers_gone_is_never_called_again(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver, plays.gone)
    settled(world)

    assert len(receiver.requests) == 1
    assert state(world, job) == "given-up"
    assert sum(world.waiting("Webhook").values()) == 0


@pytest.mark.parametrize(
    ("play", "status"),
    [
        (plays.redirect("http://127.0.0.1/elsewhere"), 301),
        (plays.answer(400), 400),
        (plays.answer(404), 404),
        (plays.answer(500), 500),
    ],
)
def test_any_other_status_is_a_failure(
    world: World, receiver: Receiver, play: Behaviour, status: int
) -> None:
    job = ended(world, receiver, play)
    world.send_webhooks()

    assert [made["status"] for made in tries(world, job)] == [status]
    assert state(world, job) == "waiting"


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_a_success(world: World, receiver: Receiver, status: int) -> None:
    job = ended(world, receiver, plays.answer(status))
    world.send_webhooks()

    assert state(world, job) == "delivered"
    assert sum(world.waiting("Webhook").values()) == 0


@pytest.mark.parametrize(
    ("asked", "status", "wait_s"),
    [
        ("120", 429, 120),
        ("120", 503, 120),
        ("0", 429, 5),
        ("1000000", 429, 36_000),
        ("120", 500, 5),
        ("soon", 429, 5),
    ],
)
def test_retry_after_is_honoured_within_bounds(
    world: World, receiver: Receiver, asked: str, status: int, wait_s: int
) -> None:
    job = ended(world, receiver, plays.busy(asked, status))
    world.send_webhooks()
    item = world.delivery(job) or {}
    answered_at = START + int(item["attempts"][0]["latency_ms"])

    assert int(item["next_at"]) - answered_at == pytest.approx(wait_s * 1000, rel=0.1, abs=1)


@pytest.mark.nightly
def test_a_receiver_that_always_wants_it_in_a_second_is_asked_a_bounded_number_of_times(
    world: World, receiver: Receiver
) -> None:
    ended(world, receiver, plays.busy("1"), retention=30 * 86_400)
    settled(world)

    assert len(receiver.requests) <= 60


def test_a_message_that_comes_twice_sends_once_it_was_delivered(
    world: World, receiver: Receiver
) -> None:
    (_, again) = (ended(world, receiver), world.ends())
    world.send_webhooks()
    assert again == []
    job = ended(world, receiver)
    records = [r for r in queued(world) if job in json.dumps(r)]
    world.send_webhooks()
    for record in records:
        world.sqs.send_message(
            QueueUrl=world.ids["WebhookQueue"], MessageBody=record, MessageGroupId="x"
        )
    world.send_webhooks()

    assert [r.headers["webhook-id"] for r in receiver.requests].count(f"{job}/succeeded") == 1
    assert sum(world.waiting("Webhook").values()) == 0


def test_a_second_message_of_a_waiting_delivery_adds_no_try(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver, plays.answer(500), plays.ok)
    (body,) = queued(world)
    world.send_webhooks()
    world.sqs.send_message(QueueUrl=world.ids["WebhookQueue"], MessageBody=body, MessageGroupId="x")
    world.send_webhooks()

    assert len(tries(world, job)) == 1, "before its time"
    settled(world)
    assert state(world, job) == "delivered"
    assert len(tries(world, job)) == 2


def test_a_try_that_dies_before_it_is_written_down_is_made_again(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver)
    world.faults.unreachable("dynamodb.UpdateItem")
    world.send_webhooks()
    world.faults.clear()
    assert world.delivery(job) is None
    world.pass_time(60)
    world.send_webhooks()

    assert len(receiver.requests) == 2
    assert len(tries(world, job)) == 1
    assert state(world, job) == "delivered"


def test_a_try_whose_writing_down_was_not_confirmed_is_not_made_again(
    world: World, receiver: Receiver
) -> None:
    job = ended(world, receiver)
    for _ in range(2):
        world.faults.lost_reply("dynamodb.UpdateItem")
    world.send_webhooks()
    world.pass_time(60)
    world.send_webhooks()

    assert len(receiver.requests) == 1
    assert state(world, job) == "delivered"


def test_a_message_that_alone_has_a_delivery_is_kept_by_a_lambda_whose_clock_is_behind(
    world: World, receiver: Receiver
) -> None:
    """SQS may hand one message to two Lambdas: to the other it waits for a little more than 15 min."""
    job = ended(world, receiver, plays.busy("899"), plays.ok)
    world.send_webhooks()
    assert "due_at" not in (world.delivery(job) or {})
    world.pass_time(900)  # it is visible
    world.now -= 905_000
    world.send_webhooks()
    settled(world)

    assert state(world, job) == "delivered"


def test_an_event_outlives_its_job(world: World, receiver: Receiver) -> None:
    ended(world, receiver, *[plays.answer(500)] * 6, plays.ok, retention=3600)
    settled(world)

    assert len(receiver.requests) == 7
    assert {r.body for r in receiver.requests} == {receiver.requests[0].body}


def test_a_dead_host_is_not_called_for_a_while_and_others_are(
    world: World, receiver: Receiver
) -> None:
    with Receiver() as dead:
        url = dead.url()
    for _ in range(6):
        world.submit("echo", {"value": 1}, callback={"url": url})
    world.submit("echo", {"value": 1}, callback={"url": receiver.url()})
    world.work()
    world.notify()
    world.send_webhooks()
    made = [len(i["attempts"]) for i in world.items() if i["PK"].startswith("DELIVERY#")]

    assert len(receiver.requests) == 1
    assert sum(made) == 3 + 1, "three failures in a row, and then no more"
    assert world.waiting("Webhook")["hidden"] == 6


def test_a_delivery_held_back_again_and_again_is_tried_at_last(world: World) -> None:
    with Receiver() as dead:
        url = dead.url()
    jobs = [world.submit("echo", {"value": 1}, callback={"url": url}).json["id"] for _ in range(9)]
    world.work()
    world.notify()
    for _ in range(60):
        world.send_webhooks()
        world.pass_time(31)
    failures = [made["failure"]["name"] for job in jobs for made in tries(world, job)]

    assert set(failures) == {"unreachable", "held-back"}
    assert all(len(tries(world, job)) >= 2 for job in jobs)


def test_a_dead_letter_of_a_delivery_is_given_up_visibly(world: World, receiver: Receiver) -> None:
    job = ended(world, receiver)
    (body,) = queued(world)
    world.sqs.send_message(QueueUrl=world.ids["DeadLetterQueue"], MessageBody=body)
    world.handle_dead_letters()
    world.send_webhooks()

    assert receiver.requests == []
    assert state(world, job) == "given-up"
    assert world.objects("dead-letters/") == [], "it is kept with the delivery"


def test_an_end_whose_webhook_sqs_refused_is_published_again_until_sqs_takes_it(
    world: World, receiver: Receiver
) -> None:
    callback = {"url": receiver.url()}
    job = world.submit("echo", {"value": 1}, callback=callback).json["id"]
    world.work()
    records = world.ends()
    world.faults.unreachable("sqs.SendMessageBatch")
    with pytest.raises(Exception, match="1 were not sent to their callbacks"):
        world.app("notify").handler({"Records": records}, lambda_context())
    world.faults.clear()
    world.app("notify").handler({"Records": records}, lambda_context())
    world.send_webhooks()

    assert [r.headers["webhook-id"] for r in receiver.requests] == [f"{job}/succeeded"]
