"""What a Lambda is handed and what it hands back: contexts, queue records, HTTP replies."""

import base64
import json
import uuid
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any


@dataclass
class Reply:
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def problem(self) -> str | None:
        """The name of the problem that it tells, if it tells one."""
        if self.headers.get("content-type") != "application/problem+json":
            return None
        return str(self.json["type"]).rpartition("/")[2]


def lambda_context(remaining_s: float = 60, request_id: str | None = None) -> Any:
    return SimpleNamespace(
        aws_request_id=request_id or str(uuid.uuid4()),
        function_name="nowlater",
        memory_limit_in_mb=512,
        invoked_function_arn="arn:aws:lambda:eu-central-1:123456789012:function:nowlater",
        get_remaining_time_in_millis=lambda: remaining_s * 1000,
    )


def record_of(message: dict[str, Any], arn: str, ahead_ms: int) -> dict[str, Any]:
    """Return a received message as Lambda hands it on, its times those of the world's clock."""
    sent = str(int(message["Attributes"]["SentTimestamp"]) + ahead_ms)
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"] | {"SentTimestamp": sent},
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
    }


def reply_of(answer: dict[str, Any]) -> Reply:
    headers = {k.lower(): v for k, v in answer.get("headers", {}).items()}
    body = answer.get("body") or ""
    data = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
    return Reply(answer["statusCode"], headers, data)
