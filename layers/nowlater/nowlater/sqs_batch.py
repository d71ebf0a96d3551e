"""Handles the messages of an SQS event one by one, and reports which SQS must deliver again."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from nowlater.instants import seconds_until
from nowlater.log import logger
from nowlater.services import Services

#: Log fields of the current message; they are removed before the next one.
_OF_ONE_MESSAGE = ("owner", "job_id", "operation", "attempt")


@dataclass(frozen=True)
class Done:
    """What becomes of a message that is done: Lambda deletes it."""


@dataclass(frozen=True)
class RetryIn:
    """What becomes of a message that is not done: SQS shows it again after this time, at most 15 min."""

    seconds: float


DONE = Done()
#: What becomes of a message once it is handled.
type MessageOutcome = Done | RetryIn


class UnreadableMessage(Exception):
    """A message that cannot be read, however often it is delivered; the text is the reason."""


def read[T](record: dict[str, Any], kind: type[T]) -> T:
    """Return the decoded body of a message; raises UnreadableMessage."""
    try:
        return msgspec.json.decode(record["body"], type=kind)
    except (msgspec.MsgspecError, RecursionError) as fault:
        raise UnreadableMessage(str(fault)) from fault


def each(
    services: Services,
    records: Iterable[dict[str, Any]],
    handle: Callable[[dict[str, Any]], MessageOutcome],
) -> dict[str, Any]:
    """Handle the records of an SQS event; return the partial batch response; raise nothing.

    Where `handle` raises UnreadableMessage, the message moves to the dead-letter queue; where it raises
    anything else, the message comes back after the queue's visibility timeout.
    """
    retained = []
    for record in records:
        logger.remove_keys(_OF_ONE_MESSAGE)
        try:
            outcome = _handle_or_set_aside(services, record, handle)
            if isinstance(outcome, RetryIn):
                services.queues.postpone(record, outcome.seconds)
                retained.append({"itemIdentifier": record["messageId"]})
        except Exception:  # one message must not make the others fail
            logger.exception("message_retained", extra={"message_id": record["messageId"]})
            retained.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": retained}


def _handle_or_set_aside(
    services: Services, record: dict[str, Any], handle: Callable[[dict[str, Any]], MessageOutcome]
) -> MessageOutcome:
    try:
        return handle(record)
    except UnreadableMessage as fault:
        services.queues.set_aside(record, str(fault))
        fields = {"message_id": record["messageId"], "reason": str(fault)}
        logger.error("message_moved_to_dead_letters", extra=fields)
        return DONE


def set_aside_details(record: dict[str, Any]) -> dict[str, str]:
    """Return the reason, the original message id and the queue of a message that was set aside."""
    attributes = record.get("messageAttributes", {})
    texts = {
        name: attributes.get(name, {}).get("stringValue")
        for name in ("reason", "original_message_id", "queue")
    }
    return {name: text for name, text in texts.items() if text is not None}


def receives(record: dict[str, Any]) -> int:
    """Return how often the message was received, this time included."""
    return int(record["attributes"]["ApproximateReceiveCount"])


def sent_ago_s(services: Services, record: dict[str, Any]) -> float:
    """Return the seconds since the message was sent."""
    return seconds_until(services.clock(), int(record["attributes"]["SentTimestamp"]))
