"""A queue that subscribes to a stack's topic, as a user's own queue would."""

import json
from contextlib import suppress
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError


class HasTopic(Protocol):
    """A stack, or another object with a topic's ARN and clients for its account."""

    @property
    def outputs(self) -> dict[str, str]: ...

    def client(self, service: str) -> Any: ...


class Inbox:
    """The events that a subscriber receives."""

    def __init__(self, stack: HasTopic, name: str, **attributes: str) -> None:
        """Create a queue with this name, and subscribe it; `attributes` are the subscription's."""
        self._sqs, self._sns = stack.client("sqs"), stack.client("sns")
        topic = stack.outputs["TopicArn"]
        self._queue = self._sqs.create_queue(QueueName=name)["QueueUrl"]
        try:
            self._subscription = self._subscribe(topic, {"RawMessageDelivery": "true"} | attributes)
        except BaseException:
            with suppress(BotoCoreError, ClientError):  # the first error is the one to report
                self._sqs.delete_queue(QueueUrl=self._queue)
            raise

    def _subscribe(self, topic: str, attributes: dict[str, str]) -> str:
        queue = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])
        arn = queue["Attributes"]["QueueArn"]
        policy = {"Policy": _policy(arn, topic)}
        self._sqs.set_queue_attributes(QueueUrl=self._queue, Attributes=policy)
        subscription = self._sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=attributes
        )
        return str(subscription["SubscriptionArn"])

    def receive(self, wait_s: int) -> list[dict[str, Any]]:
        """Return the next events, up to ten; waits for the first one."""
        response = self._sqs.receive_message(
            QueueUrl=self._queue, MaxNumberOfMessages=10, WaitTimeSeconds=wait_s
        )
        messages = response.get("Messages", [])
        for message in messages:
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]

    def close(self) -> None:
        """End the subscription, and delete the queue."""
        try:
            self._sns.unsubscribe(SubscriptionArn=self._subscription)
        finally:
            self._sqs.delete_queue(QueueUrl=self._queue)


def _policy(queue: str, topic: str) -> str:
    """Return the policy that lets a topic send to a queue."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
