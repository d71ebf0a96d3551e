"""Messages that SQS hands to a Lambda: each handled by itself, and kept where it is not done."""

from collections.abc import Callable, Iterable
from typing import Any

from nowlater.log import logger
from nowlater.services import Services
from nowlater.timing import seconds_until


def each(
    services: Services,
    records: Iterable[dict[str, Any]],
    handle: Callable[[dict[str, Any]], float | None],
) -> dict[str, Any]:
    """Handle the records of an SQS event; returns a partial batch response, raises nothing.

    `handle` returns None where a message is done with, else in how many seconds to show it again;
    one that it raises at is left to the queue's visibility time-out.
    """
    kept = []
    for record in records:
        try:
            wait_s = handle(record)
            if wait_s is not None:
                services.queues.postpone(record, wait_s)
                kept.append({"itemIdentifier": record["messageId"]})
        except Exception:  # one message must not fail the others
            logger.exception("a message was left", extra={"message_id": record["messageId"]})
            kept.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": kept}


def receives(record: dict[str, Any]) -> int:
    """Return how often a message was received, this time included."""
    return int(record["attributes"]["ApproximateReceiveCount"])


def sent_ago_s(services: Services, record: dict[str, Any]) -> float:
    """Return how long ago a message was sent."""
    return seconds_until(services.clock(), int(record["attributes"]["SentTimestamp"]))
