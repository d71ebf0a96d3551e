"""A receiver that jobs call back, and jobs that do."""

import json
import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from nowlater.log import logger
from tests.integration.world import World
from tests.receiver import Behaviour, Receiver


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.fixture
def lines() -> Iterator[list[Any]]:
    """The lines of the log, as they are written."""
    written: list[Any] = []
    handler = logging.Handler()
    handler.emit = lambda said: written.append(json.loads(logger.registered_formatter.format(said)))  # type: ignore[method-assign]
    logger.addHandler(handler)
    yield written
    logger.removeHandler(handler)


def ended(world: World, to: Receiver, *plays: Behaviour, **envelope: Any) -> str:
    """Have a job end whose callback the receiver is, and answer by these behaviours; return its id."""
    if plays:
        to.plays[:] = plays
    callback = {"url": to.url()} | envelope.pop("callback", {})
    job: str = world.submit("echo", {"value": 1}, callback=callback, **envelope).json["id"]
    world.work()
    world.notify()
    return job


def signature(receiver: Receiver, secret: str) -> str:
    """Return how the standard's own library would sign the last webhook with a secret."""
    got = receiver.requests[-1]
    at = datetime.fromtimestamp(int(got.headers["webhook-timestamp"]), UTC)
    return str(Webhook(secret).sign(got.headers["webhook-id"], at, got.body.decode()))


def queued(world: World) -> list[str]:
    """Return the bodies of the webhooks that are in the queue, leaving them there."""
    url = world.ids["WebhookQueue"]
    got = world.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    for message in got:
        world.sqs.change_message_visibility(
            QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
        )
    return [message["Body"] for message in got]


def settled(world: World) -> None:
    """Let time pass from try to try, until nothing of a delivery is left to do."""
    for _ in range(200):
        world.send_webhooks()
        world.sweep()
        world.send_webhooks()
        waiting = [int(item["next_at"]) for item in world.items() if "next_at" in item]
        if not waiting and not sum(world.waiting("Webhook").values()):
            return
        world.pass_time(max(1, min(waiting, default=0) - world.now) / 1000 + 1)
    raise AssertionError("deliveries go on for ever")
