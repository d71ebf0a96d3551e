"""The queues: sends messages that name jobs, and webhooks; postpones received messages."""

import math
from typing import Any, NamedTuple, Protocol

import msgspec

from nowlater.aws import session
from nowlater.cache import Cache
from nowlater.instants import LONGEST_POSTPONEMENT_S, Clock
from nowlater.lane import Lane


class Message(Protocol):
    """A struct that is sent as JSON."""

    @property
    def group(self) -> str:
        """The SQS message group."""
        ...


class Depth(NamedTuple):
    """The approximate numbers of messages in a queue."""

    #: They could be received now.
    visible: int
    #: They were received, or are hidden until their next attempt.
    in_flight: int
    #: They were sent with a delay that has not passed.
    delayed: int


class Queues:
    """The queues of the two lanes, the webhooks and the dead letters.

    SQS is fair between message groups: in a lane these are the owners, for webhooks the hosts. Tools
    pass their own client.
    """

    def __init__(
        self, urls: dict[Lane, str], webhooks: str, dead_letters: str, client: Any = None
    ) -> None:
        self._urls, self._webhooks, self._dead_letters = urls, webhooks, dead_letters
        self._client = client or session.client("sqs")

    def send(self, lane: Lane, message: Message, delay_s: int = 0) -> None:
        """Send a message that names a job, to be received after a delay of at most 15 min."""
        self._client.send_message(
            QueueUrl=self._urls[lane],
            MessageBody=msgspec.json.encode(message).decode(),
            MessageGroupId=message.group,
            DelaySeconds=min(delay_s, LONGEST_POSTPONEMENT_S),
        )

    def send_webhooks[T: Message](self, webhooks: list[T]) -> list[T]:
        """Send up to ten webhooks; return those that SQS did not accept."""
        entries = [
            {
                "Id": str(n),
                "MessageBody": msgspec.json.encode(webhook).decode(),
                "MessageGroupId": webhook.group,
            }
            for n, webhook in enumerate(webhooks)
        ]
        response = self._client.send_message_batch(QueueUrl=self._webhooks, Entries=entries)
        return [webhooks[int(failed["Id"])] for failed in response.get("Failed", [])]

    def depth(self, lane: Lane) -> Depth:
        """Return the approximate numbers of messages of a lane."""
        names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
        response = self._client.get_queue_attributes(
            QueueUrl=self._urls[lane], AttributeNames=names
        )
        return Depth(*(int(response["Attributes"][name]) for name in names))

    def postpone(self, record: dict[str, Any], seconds: float) -> None:
        """Hide a received message, a record of Lambda's event, for at most 15 min."""
        self._client.change_message_visibility(
            QueueUrl=_url(record["eventSourceARN"], self._webhooks),
            ReceiptHandle=record["receiptHandle"],
            VisibilityTimeout=min(math.ceil(seconds), LONGEST_POSTPONEMENT_S),
        )

    def set_aside(self, record: dict[str, Any], reason: str) -> None:
        """Send a received message's body to the dead letters, with its id, its queue and a reason."""
        queue = record["eventSourceARN"].rpartition(":")[2]
        attributes = {"original_message_id": record["messageId"], "queue": queue, "reason": reason}
        self._client.send_message(
            QueueUrl=self._dead_letters,
            MessageBody=record["body"],
            MessageAttributes={
                name: {"DataType": "String", "StringValue": text}
                for name, text in attributes.items()
            },
        )


class Depths:
    """The numbers of messages in each lane, at most ten seconds old."""

    def __init__(self, queues: Queues, clock: Clock) -> None:
        self._queues, self._cache = queues, Cache[Depth](clock)

    def of(self, lane: Lane) -> Depth:
        """Return the approximate numbers of messages in a lane."""
        return self._cache.get(lane, lambda: self._queues.depth(lane))


def _url(arn: str, sibling: str) -> str:
    """Return a queue's URL from its ARN; the URLs of the stack's queues differ only in the name."""
    return f"{sibling.rpartition('/')[0]}/{arn.rpartition(':')[2]}"
