"""Checks of notifications: completion events on the topic and webhooks, as a caller sees them."""

import json
import re
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.failure import Failure
from local.inbox import Inbox
from local.verify.caller import Caller
from local.verify.finding import Broken, Check, Skipped

#: The name of a run's queue, by which an operator recognizes it.
_QUEUE = "nowlater-verify-{run}"


class Topic:
    """A topic, used with the user's own AWS credentials."""

    def __init__(self, arn: str) -> None:
        """Raise Failure if this is not the ARN of a topic."""
        if not (match := re.fullmatch(r"arn:[^:]+:sns:([^:]+):\d+:[^:]+", arn)):
            raise Failure(f"TOPIC must be the stack's output TopicArn, and is {arn!r}.")
        self.outputs = {"TopicArn": arn}
        self._session: Any = boto3.Session(region_name=match[1])

    def client(self, service: str) -> Any:
        return self._session.client(service)


def subscribe(topic: str, run: str) -> Inbox:
    """Create a queue that receives all events until it is closed; raises Failure."""
    try:
        return Inbox(Topic(topic), _QUEUE.format(run=run))
    except (BotoCoreError, ClientError) as fault:
        raise Failure(
            f"No queue can be subscribed to TOPIC: {fault}\n"
            "This needs AWS credentials of the stack's account with sqs:CreateQueue, "
            "sqs:SetQueueAttributes, sqs:GetQueueAttributes, sqs:ReceiveMessage, "
            "sqs:DeleteMessage, sqs:DeleteQueue, sns:Subscribe and sns:Unsubscribe."
        ) from fault


def describe_remaining_queue(run: str, fault: Exception) -> str:
    """Return what to do if the queue of a run could not be deleted."""
    return (
        f"The queue {_QUEUE.format(run=run)} or its subscription to the topic remains "
        f"({fault}). Delete them in the account."
    )


def _secret(api: Caller) -> str:
    body = api.expect(200, "GET", "/webhooks/secret?host=hooks.example.com").json()
    if not str(body["secret"]).startswith("whsec_"):
        raise Broken("the secret does not have the form of Standard Webhooks", "Webhooks")
    return "a secret in the form of Standard Webhooks"


def _webhook(api: Caller) -> str:
    url = api.options.receiver or f"https://nowlater-verify-{api.run}.invalid/"
    job = api.wait_for_success(api.submit(callback={"url": url})["id"])
    delivery = api.poll(lambda: _read_delivery(api, job), lambda delivery: delivery["count"])
    if not delivery["count"]:
        raise _find_silent_part(api, job)
    first = delivery["attempts"][0]
    if api.options.receiver is None:
        failure = (first["failure"] or {}).get("name")
        return f"attempted at once: {failure or first['status']}, as the host does not exist"
    delivery = api.poll(lambda: _read_delivery(api, job), lambda it: it["state"] == "delivered")
    if delivery["state"] != "delivered":
        result = first["status"] or json.dumps(first["failure"])
        raise Broken(f"the receiver did not accept it: {result}", "SendWebhooks")
    return f"delivered: {delivery['attempts'][-1]['status']} after {delivery['count']} attempts"


def _read_delivery(api: Caller, job: Any) -> Any:
    (delivery,) = api.expect(200, "GET", f"/jobs/{job['id']}/deliveries").json()["deliveries"]
    return delivery


def _find_silent_part(api: Caller, job: Any) -> Broken:
    """Return which part sends nothing: a replay goes directly to the queue, without Notify."""
    api.expect(202, "POST", f"/jobs/{job['id']}/deliveries/1/replay")
    delivery = api.poll(lambda: _read_delivery(api, job), lambda delivery: delivery["count"])
    after = f"after {api.options.patience_s:g} s"
    if delivery["count"]:
        return Broken(
            f"no event is published {after}; a replay, which does not need Notify, is sent",
            "Notify",
        )
    return Broken(f"no webhook is sent {after}, and no replay either", "SendWebhooks")


def _topic(api: Caller) -> str:
    if api.inbox is None:
        raise Skipped("add the stack's output TopicArn, with AWS credentials: TOPIC=arn:aws:sns:…")
    inbox, events = api.inbox, list[Any]()
    job = api.wait_for_success(api.submit()["id"])

    def receive() -> list[Any]:
        events.extend(e for e in inbox.receive(wait_s=2) if e["subject"] == job["id"])
        return events

    if not api.poll(receive, bool):
        raise Broken(f"no event was received within {api.options.patience_s:g} s", "Topic")
    if events[0]["id"] != f"{job['id']}/succeeded":
        raise Broken(f"the event of the job is {events[0]['id']}", "Notify")
    return f"{events[0]['type']}, in a queue that was subscribed for this check"


CHECKS = (
    Check("webhooks have a secret that signs them", _secret),
    Check("the job's callback receives its completion event (webhook)", _webhook),
    Check("the topic receives completion events", _topic),
)
