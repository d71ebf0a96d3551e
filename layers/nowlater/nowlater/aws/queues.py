"""The queues: messages that point at jobs, and webhooks, sent, and put off."""

import math
from typing import Any, Protocol

import msgspec

from nowlater.aws import session
from nowlater.cache import Cache
from nowlater.instants import LONGEST_POSTPONEMENT_S, Clock
from nowlater.lanes import Lane


class Message(Protocol):
    """What is sent as JSON: a struct."""

    @property
    def group(self) -> str:
        """What SQS is fair between."""
        ...


class Queues:
    """The two lanes, the webhooks, and the dead letters.

    An owner's messages in a lane are one group, and so are the webhooks for one host: SQS is fair
    between groups.
    """

    def __init__(self, urls: dict[Lane, str], webhooks: str, dead_letters: str) -> None:
        self._urls, self._webhooks, self._dead_letters = urls, webhooks, dead_letters
        self._client = session.client("sqs")

    def send(self, lane: Lane, message: Message, delay_s: int = 0) -> None:
        """Send a message that points at a job, to be received after a delay of at most 15 min."""
        self._client.send_message(
            QueueUrl=self._urls[lane],
            MessageBody=msgspec.json.encode(message).decode(),
            MessageGroupId=message.group,
            DelaySeconds=min(delay_s, LONGEST_POSTPONEMENT_S),
        )

    def send_webhooks[T: Message](self, webhooks: list[T]) -> list[T]:
        """Send up to a batch of webhooks; return those that SQS did not take."""
        entries = [
            {
                "Id": str(n),
                "MessageBody": msgspec.json.encode(webhook).decode(),
                "MessageGroupId": webhook.group,
            }
            for n, webhook in enumerate(webhooks)
        ]
        answer = self._client.send_message_batch(QueueUrl=self._webhooks, Entries=entries)
        return [webhooks[int(failed["Id"])] for failed in answer.get("Failed", [])]

    def depth(self, lane: Lane) -> int:
        """Return about how many messages of a lane could be received now."""
        name = "ApproximateNumberOfMessages"
        answer = self._client.get_queue_attributes(QueueUrl=self._urls[lane], AttributeNames=[name])
        return int(answer["Attributes"][name])

    def postpone(self, record: dict[str, Any], seconds: float) -> None:
        """Hide a received message, as Lambda hands it on, for that long, at most 15 min."""
        self._client.change_message_visibility(
            QueueUrl=_url(record["eventSourceARN"], self._webhooks),
            ReceiptHandle=record["receiptHandle"],
            VisibilityTimeout=min(math.ceil(seconds), LONGEST_POSTPONEMENT_S),
        )

    def set_aside(self, record: dict[str, Any], reason: str) -> None:
        """Send what a received message says to the dead letters, with its id, queue and the reason."""
        queue = record["eventSourceARN"].rpartition(":")[2]
        told = {"was": record["messageId"], "queue": queue, "reason": reason}
        self._client.send_message(
            QueueUrl=self._dead_letters,
            MessageBody=record["body"],
            MessageAttributes={
                name: {"DataType": "String", "StringValue": text} for name, text in told.items()
            },
        )


class Depths:
    """How many messages wait in each lane, as it was at most ten seconds ago."""

    def __init__(self, queues: Queues, clock: Clock) -> None:
        self._queues, self._cache = queues, Cache[int](clock)

    def of(self, lane: Lane) -> int:
        """Return about how many messages wait in a lane."""
        return self._cache.get(lane, lambda: self._queues.depth(lane))


def _url(arn: str, sibling: str) -> str:
    """Return a queue's URL, which differs from its siblings' in the name alone."""
    return f"{sibling.rpartition('/')[0]}/{arn.rpartition(':')[2]}"
