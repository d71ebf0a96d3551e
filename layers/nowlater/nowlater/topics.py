"""The topic: events published in batches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nowlater import aws

#: SNS takes so many messages, and so many bytes in all, in one batch.
_BATCH, _BATCH_BYTES = 10, 256 * 1024


@dataclass(frozen=True)
class Message:
    """An event as SNS carries it."""

    body: str
    attributes: dict[str, str]

    @property
    def size(self) -> int:
        """Bytes, as SNS counts them: of the body, and of the attributes with their types."""
        counted = [len(name + "String" + value) for name, value in self.attributes.items()]
        return len(self.body.encode()) + sum(counted)


def batches(messages: Iterable[Message]) -> Iterator[list[Message]]:
    """Yield the messages in lists that SNS takes at once."""
    batch, size = list[Message](), 0
    for message in messages:
        if len(batch) == _BATCH or (batch and size + message.size > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += message.size
    if batch:
        yield batch


class Topic:
    """Where each end of a job is told."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._client = aws.client("sns")

    def publish(self, messages: list[Message]) -> list[Message]:
        """Publish up to a batch of messages; return those that SNS did not take."""
        entries = [
            {
                "Id": str(n),
                "Message": message.body,
                "MessageAttributes": {
                    name: {"DataType": "String", "StringValue": value}
                    for name, value in message.attributes.items()
                },
            }
            for n, message in enumerate(messages)
        ]
        answer = self._client.publish_batch(TopicArn=self._arn, PublishBatchRequestEntries=entries)
        return [messages[int(failed["Id"])] for failed in answer.get("Failed", [])]
