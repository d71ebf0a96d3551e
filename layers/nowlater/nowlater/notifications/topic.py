"""The SNS topic: publishes events in batches."""

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
        sizes = [len(name + "String" + value) for name, value in self.attributes.items()]
        return len(self.body.encode()) + sum(sizes)


class Topic:
    """The topic to which each end of a job is published."""

    def __init__(self, arn: str) -> None:
        self._arn = arn
        self._client = session.client("sns")

    def publish(self, messages: list[Message]) -> list[Message]:
        """Publish up to ten messages; return those that SNS did not accept."""
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
        response = self._client.publish_batch(
            TopicArn=self._arn, PublishBatchRequestEntries=entries
        )
        return [messages[int(failed["Id"])] for failed in response.get("Failed", [])]
