"""Jobs that call a receiver back, and what becomes of their webhooks."""

import argparse
from datetime import UTC, datetime
from typing import Any

import boto3
from standardwebhooks import Webhook

from local.redrive import redrive
from nowlater.aws.table import Table
from tests.integration.world import World
from tests.receiver import Behaviour, Receiver


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
    """Return the bodies of the webhooks in the queue, which stay in it."""
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


def run_redrive(world: World, meanwhile: Any = lambda **_: None, **asked: Any) -> None:
    """Run `make redrive`; `meanwhile` happens before each of its writes."""
    client = boto3.client("dynamodb")
    client.meta.events.register("before-call.dynamodb.UpdateItem", meanwhile)
    table = Table(world.ids["Table"], client)
    redrive(table, argparse.Namespace(**{"owner": None, "host": None, "list": False} | asked))
