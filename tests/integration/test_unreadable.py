"""Messages that cannot be read: set aside at once, kept for an operator, and reported once."""

import json
from typing import Any

import pytest

from tests.integration.dead_letters import UNREADABLE, kept, letters
from tests.integration.world import World

QUEUES = ("FlexibleQueue", "OnTimeQueue", "WebhookQueue")


def send(world: World, queue: str, body: str) -> str:
    """Send a message; return its id."""
    sent = world.sqs.send_message(
        QueueUrl=world.ids[queue], MessageBody=body, MessageGroupId="acme"
    )
    return str(sent["MessageId"])


def receive(world: World, queue: str) -> dict[str, Any]:
    """Have the Lambda of a queue handle its messages."""
    if queue == "WebhookQueue":
        return world.send_webhooks()
    return world.work(queue.removesuffix("Queue"))


def waiting(world: World, queue: str) -> int:
    return sum(world.waiting(queue.removesuffix("Queue")).values())


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("body", UNREADABLE, ids=range(len(UNREADABLE)))
def test_a_message_that_cannot_be_read_is_set_aside_at_once_and_kept(
    world: World, queue: str, body: str
) -> None:
    send(world, queue, body)
    first = receive(world, queue)
    set_aside = (first["batchItemFailures"], waiting(world, queue), letters(world))
    handled = world.handle_dead_letters()

    assert set_aside == ([], 0, 1)
    assert (handled["batchItemFailures"], letters(world)) == ([], 0)
    assert (kept(world), world.items()) == ([body], [])
    assert receive(world, queue)["records"] == 0


def test_the_rest_of_the_batch_is_worked_on(world: World) -> None:
    send(world, "FlexibleQueue", "{")
    job = world.submit().json["id"]
    done = world.work()

    assert (done["records"], done["batchItemFailures"]) == (2, [])
    assert world.see(job)["status"] == "succeeded"


@pytest.mark.parametrize("queue", QUEUES)
def test_a_message_that_cannot_be_set_aside_is_received_again(world: World, queue: str) -> None:
    send(world, queue, "{")
    world.faults.fails("sqs.SendMessage")
    failed = receive(world, queue)
    after_failure = (len(failed["batchItemFailures"]), waiting(world, queue), letters(world))
    world.pass_time(931)
    receive(world, queue)

    assert after_failure == (1, 1, 0)
    assert (waiting(world, queue), letters(world)) == (0, 1)


def test_after_a_lost_reply_a_message_is_kept_twice_rather_than_not_at_all(world: World) -> None:
    world.faults.unheard("sqs.SendMessage")
    send(world, "FlexibleQueue", "{")
    world.work()
    world.pass_time(931)
    world.work()
    world.handle_dead_letters()

    assert set(kept(world)) == {"{"}
    assert (waiting(world, "FlexibleQueue"), letters(world)) == (0, 0)


def test_the_logs_say_why_a_message_was_set_aside_and_what_it_was(
    world: World, lines: list[Any]
) -> None:
    was = send(world, "FlexibleQueue", '{"owner": "secret of the house"}')
    world.work()
    world.handle_dead_letters()
    errors = [line for line in lines if line["level"] == "ERROR"]
    reason = "Object missing required field `id`"

    assert [line["message"] for line in errors] == ["message_moved_to_dead_letters", "dead_letter"]
    assert (errors[0]["message_id"], errors[0]["reason"]) == (was, reason)
    assert (errors[1]["original_message_id"], errors[1]["reason"]) == (was, reason)
    assert world.ids["FlexibleQueue"].endswith(f"/{errors[1]['queue']}")
    assert world.objects("dead-letters/") == [f"dead-letters/{errors[1]['message_id']}"]
    assert not [line for line in errors if "exception_name" in line]  # FaultsAlarm is not for these
    assert "secret of the house" not in json.dumps(lines)


def test_a_job_whose_pointer_came_to_the_webhooks_goes_on(world: World, lines: list[Any]) -> None:
    job = world.submit().json["id"]
    body = json.dumps({"owner": "acme", "id": job})
    send(world, "WebhookQueue", body)
    world.send_webhooks()
    world.handle_dead_letters()
    letter = next(line for line in lines if line["message"] == "dead_letter")
    before = (world.see(job)["status"], kept(world), letters(world))
    world.work()

    assert before == ("queued", [body], 0)
    assert world.ids["WebhookQueue"].endswith(f"/{letter['queue']}")
    assert world.see(job)["status"] == "succeeded"


def test_the_log_lines_of_a_message_do_not_name_the_job_before_it(
    world: World, lines: list[Any]
) -> None:
    world.submit()
    send(world, "FlexibleQueue", "{")
    world.work()
    (error,) = [line for line in lines if line["level"] == "ERROR"]

    assert not {"owner", "job_id", "operation", "attempt"} & error.keys()
    assert "job_id" in next(line for line in lines if line["message"] == "job_ended")


def test_only_text_attributes_of_a_foreign_dead_letter_are_read(
    world: World, lines: list[Any]
) -> None:
    world.sqs.send_message(
        QueueUrl=world.ids["DeadLetterQueue"],
        MessageBody="{",
        MessageAttributes={"reason": {"DataType": "Binary", "BinaryValue": b"x"}},
    )
    handled = world.handle_dead_letters()

    assert (handled["batchItemFailures"], kept(world), letters(world)) == ([], ["{"], 0)
    assert "reason" not in next(line for line in lines if line["message"] == "dead_letter")


def test_a_dead_letter_that_sqs_has_moved_has_no_reason(world: World, lines: list[Any]) -> None:
    send(world, "DeadLetterQueue", "{")
    world.handle_dead_letters()
    (error,) = [line for line in lines if line["level"] == "ERROR"]

    assert error["message"] == "dead_letter"
    assert not {"original_message_id", "queue", "reason"} & error.keys()


def test_a_message_that_can_be_read_is_never_set_aside(world: World) -> None:
    job = world.submit().json["id"]
    world.faults.unreachable("dynamodb.UpdateItem")
    kept_back = world.work()
    world.faults.clear()

    assert (len(kept_back["batchItemFailures"]), letters(world)) == (1, 0)
    assert world.see(job)["status"] == "queued"
