"""The topic: events published in batches."""

from dataclasses import dataclass

from nowlater.aws import session


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


class Topic:
    """Where each end of a job is told."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._client = session.client("sns")

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
