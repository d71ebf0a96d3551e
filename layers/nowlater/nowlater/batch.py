"""Works through a batch of messages, and tells SQS which of them it must keep."""

from typing import Any

import msgspec

from nowlater.job import Ref
from nowlater.log import logger
from nowlater.services import Services
from nowlater.timing import seconds_until
from nowlater.work import Remaining, work

#: After this much of a batch, what has not been claimed is given back: other workers are idle.
_SPENT_S = 10


def batch(
    services: Services,
    event: dict[str, Any],
    holder: str,
    remaining: Remaining,
    *,
    or_exit: bool = False,
) -> dict[str, Any]:
    """Work on the jobs of an SQS event in order, never-tried ones first.

    Returns a partial batch response: messages named in it stay in the queue. Raises nothing.
    """
    began, kept = services.clock(), []
    for record in sorted(event["Records"], key=was_received_before):
        try:
            wait_s: float | None = 0
            if seconds_until(services.clock(), began) < _SPENT_S:
                ref = msgspec.json.decode(record["body"], type=Ref)
                age_s = sent_ago_s(services, record)
                left = work(
                    services, ref, holder, age_s=age_s, remaining=remaining, or_exit=or_exit
                )
                wait_s = left.again_s
            if wait_s is not None:
                services.queues.postpone(record, wait_s)
                kept.append({"itemIdentifier": record["messageId"]})
        except Exception:  # one message must not fail the others
            logger.exception("a message was left", extra={"message_id": record["messageId"]})
            kept.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": kept}


def was_received_before(record: dict[str, Any]) -> bool:
    """Tell whether a message was received before this time."""
    return int(record["attributes"]["ApproximateReceiveCount"]) > 1


def sent_ago_s(services: Services, record: dict[str, Any]) -> float:
    """Return how long ago a message was sent."""
    return seconds_until(services.clock(), int(record["attributes"]["SentTimestamp"]))
