"""The topic: events published in batches."""

from dataclasses import dataclass

from nowlater import aws

#: SNS takes so many messages, and so many bytes in all, in one batch.
BATCH, BATCH_BYTES = 10, 256 * 1024


@dataclass(frozen=True)
class Message:
    """An event as SNS carries it."""

    body: str
    attributes: dict[str, str]


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
