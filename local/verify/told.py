"""How ends are told: by the topic and by webhooks, as far as a caller can see that."""

import json
import re
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from local.failure import Failure
from local.inbox import Inbox
from local.verify.caller import Caller
from local.verify.finding import Broken, Check, Skipped

#: Queues that were made are named so, and an operator knows whose they were.
_QUEUE = "nowlater-verify-{run}"


class Topic:
    """A topic by its ARN, where the user's credentials are good."""

    def __init__(self, arn: str) -> None:
        """Raises Failure where this is no topic's ARN."""
        if not (named := re.fullmatch(r"arn:[^:]+:sns:([^:]+):\d+:[^:]+", arn)):
            raise Failure(f"TOPIC has to be the stack's output TopicArn, and is {arn!r}")
        self.outputs = {"TopicArn": arn}
        self._session: Any = boto3.Session(region_name=named[1])

    def client(self, service: str) -> Any:
        return self._session.client(service)


def subscribe(topic: str, run: str) -> Inbox:
    """Make a queue that hears of each end, until it is closed; raises Failure."""
    try:
        return Inbox(Topic(topic), _QUEUE.format(run=run))
    except (BotoCoreError, ClientError) as fault:
        raise Failure(
            f"no queue can be subscribed to TOPIC: {fault}\n"
            "It needs AWS credentials of the stack's account, for sqs:CreateQueue, "
            "sqs:SetQueueAttributes, sqs:GetQueueAttributes, sqs:ReceiveMessage, "
            "sqs:DeleteMessage, sqs:DeleteQueue, sns:Subscribe and sns:Unsubscribe."
        ) from fault


def left(run: str, fault: Exception) -> str:
    """Return what to do where the queue of a run could not be taken away."""
    return (
        f"The queue {_QUEUE.format(run=run)} or its subscription to the topic is left over "
        f"({fault}). Delete them in the account."
    )


def _secret(api: Caller) -> str:
    shown = api.expect(200, "GET", "/webhooks/secret?host=hooks.example.com").json()
    if not str(shown["secret"]).startswith("whsec_"):
        raise Broken("the secret is not of the form of Standard Webhooks", "Webhooks")
    return "a secret of the form of Standard Webhooks"


def _webhook(api: Caller) -> str:
    url = api.asked.receiver or f"https://nowlater-verify-{api.run}.invalid/"
    job = api.succeeded(api.submit(callback={"url": url})["id"])
    seen = api.until(lambda: _delivery(api, job), lambda delivery: delivery["count"])
    if not seen["count"]:
        raise _silence(api, job)
    tried = seen["attempts"][0]
    if api.asked.receiver is None:
        failure = (tried["failure"] or {}).get("name")
        return f"tried at once: {failure or tried['status']}, as nobody is there"
    seen = api.until(lambda: _delivery(api, job), lambda it: it["state"] == "delivered")
    if seen["state"] != "delivered":
        came = tried["status"] or json.dumps(tried["failure"])
        raise Broken(f"the receiver did not take it: {came}", "SendWebhooks")
    return f"delivered: {seen['attempts'][-1]['status']} after {seen['count']} attempts"


def _delivery(api: Caller, job: Any) -> Any:
    (delivery,) = api.expect(200, "GET", f"/jobs/{job['id']}/deliveries").json()["deliveries"]
    return delivery


def _silence(api: Caller, job: Any) -> Broken:
    """Return who is silent: a replay goes to the queue itself, past Notify."""
    api.expect(202, "POST", f"/jobs/{job['id']}/deliveries/1/replay")
    seen = api.until(lambda: _delivery(api, job), lambda delivery: delivery["count"])
    after = f"after {api.asked.patience_s:g} s"
    if seen["count"]:
        return Broken(
            f"no end is told {after}; a replay, which goes past Notify, is sent", "Notify"
        )
    return Broken(f"no webhook is sent {after}, and no replay either", "SendWebhooks")


def _topic(api: Caller) -> str:
    if api.inbox is None:
        raise Skipped("give the stack's output TopicArn, with AWS credentials: TOPIC=arn:aws:sns:…")
    inbox, events = api.inbox, list[Any]()
    job = api.succeeded(api.submit()["id"])

    def look() -> list[Any]:
        events.extend(e for e in inbox.receive(wait_s=2) if e["subject"] == job["id"])
        return events

    if not api.until(look, bool):
        raise Broken(f"nothing was told within {api.asked.patience_s:g} s", "Topic")
    if events[0]["id"] != f"{job['id']}/succeeded":
        raise Broken(f"the event of the job is {events[0]['id']}", "Notify")
    return f"{events[0]['type']}, in a queue that was subscribed for it"


CHECKS = (
    Check("webhooks have a secret to be signed with", _secret),
    Check("an end is told to the job's callback (webhook)", _webhook),
    Check("an end is told on the topic", _topic),
)
