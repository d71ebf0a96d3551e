"""Messages that SQS hands to a Lambda: each handled by itself, and kept where it is not done."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from nowlater.instants import seconds_until
from nowlater.log import logger
from nowlater.services import Services

#: What lines say of the message that is being handled: the next one is about something else.
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
    """A message that says nothing that could be done, however often it comes; the text is why."""


def read[T](record: dict[str, Any], kind: type[T]) -> T:
    """Return what a message carries; raises UnreadableMessage."""
    try:
        return msgspec.json.decode(record["body"], type=kind)
    except (msgspec.MsgspecError, RecursionError) as fault:
        raise UnreadableMessage(str(fault)) from fault


def each(
    services: Services,
    records: Iterable[dict[str, Any]],
    handle: Callable[[dict[str, Any]], MessageOutcome],
) -> dict[str, Any]:
    """Handle the records of an SQS event; returns a partial batch response, raises nothing.

    A message for which `handle` raises is retained until the queue's visibility time-out. If it
    raises UnreadableMessage, the message goes to the dead letters.
    """
    kept = []
    for record in records:
        logger.remove_keys(_OF_ONE_MESSAGE)
        try:
            outcome = _handled(services, record, handle)
            if isinstance(outcome, RetryIn):
                services.queues.postpone(record, outcome.seconds)
                kept.append({"itemIdentifier": record["messageId"]})
        except Exception:  # one message must not fail the others
            logger.exception("message_retained", extra={"message_id": record["messageId"]})
            kept.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": kept}


def _handled(
    services: Services, record: dict[str, Any], handle: Callable[[dict[str, Any]], MessageOutcome]
) -> MessageOutcome:
    try:
        return handle(record)
    except UnreadableMessage as fault:
        services.queues.set_aside(record, str(fault))
        said = {"message_id": record["messageId"], "reason": str(fault)}
        logger.error("message_moved_to_dead_letters", extra=said)
        return DONE


def set_aside_for(record: dict[str, Any]) -> dict[str, str]:
    """Return what a dead letter that was set aside says: which message it was, of which queue, and why."""
    told = record.get("messageAttributes", {})
    texts = {name: told.get(name, {}).get("stringValue") for name in ("reason", "was", "queue")}
    return {name: text for name, text in texts.items() if text is not None}


def receives(record: dict[str, Any]) -> int:
    """Return how often a message was received, this time included."""
    return int(record["attributes"]["ApproximateReceiveCount"])


def sent_ago_s(services: Services, record: dict[str, Any]) -> float:
    """Return how long ago a message was sent."""
    return seconds_until(services.clock(), int(record["attributes"]["SentTimestamp"]))
