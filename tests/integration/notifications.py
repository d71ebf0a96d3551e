"""Ends of jobs, and their notifications on the topic."""

import json
from typing import Any
from urllib.parse import parse_qs

from botocore.awsrequest import AWSResponse

from tests.integration.faults import answered
from tests.integration.world import World

PUBLISH = "sns.PublishBatch"


def ended(world: World, count: int = 1, value: Any = 1, **envelope: Any) -> list[str]:
    jobs = [world.submit("echo", {"value": value}, **envelope).json["id"] for _ in range(count)]
    while world.work()["records"]:
        pass
    return jobs


def published_ids(world: World) -> list[str]:
    """Return the ids of the jobs whose ends were published."""
    return sorted(
        json.loads(notification["Message"])["subject"] for notification in world.published()
    )


def refusing(*refused: int) -> Any:
    """Answer a batch as SNS does that took all but some of its messages."""

    def answer(request: Any) -> AWSResponse:
        sent = parse_qs(request.body if isinstance(request.body, str) else request.body.decode())
        ids = [v[0] for k, v in sent.items() if k.endswith(".Id")]
        parts = [
            f"<member><Id>{n}</Id><Code>InternalError</Code><SenderFault>false</SenderFault></member>"
            if int(n) in refused
            else ""
            for n in ids
        ]
        body = (
            '<PublishBatchResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/">'
            f"<PublishBatchResult><Failed>{''.join(parts)}</Failed></PublishBatchResult>"
            "</PublishBatchResponse>"
        )
        return answered(request.url, 200, body.encode(), **{"content-type": "text/xml"})

    return answer
