"""Publishes the ends of jobs, which it reads from the table's stream, and counts run times."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple, Protocol

import msgspec

from nowlater.aws import payload_keys, session
from nowlater.aws.table import unpack_item
from nowlater.instants import seconds_until
from nowlater.jobs import model, store
from nowlater.jobs.model import Job
from nowlater.log import logger
from nowlater.notifications import cloud_event
from nowlater.notifications.delivery import Webhook
from nowlater.notifications.topic import Message
from nowlater.services import Services

#: The limits of a batch of SNS and SQS: messages, and bytes in total.
_BATCH, _BATCH_BYTES = 10, 256 * 1024


class Outgoing(Protocol):
    """A message with its size in bytes."""

    @property
    def size(self) -> int: ...


class _End(NamedTuple):
    """The event of a job's end, and its webhook if its callback asks for one."""

    event: Message
    webhook: Webhook | None


class NotAllPublished(Exception):
    """Some ends were not published; Lambda will retry the stream's records."""


def notify(services: Services, records: Iterable[dict[str, Any]]) -> int:
    """Publish each job's end in the records to the topic, and send it to the job's callback.

    Returns the number of ends. A record for which no event can be built is stored in the bucket and
    skipped. Raises NotAllPublished after it has sent everything that it can: the retry repeats all
    events, with the same ids, since delivery is at least once.
    """
    ends = list(_ends(services, records))
    webhooks = [end.webhook for end in ends if end.webhook is not None]
    events = [end.event for end in ends]
    unpublished = _send(events, lambda batch: services.topic.publish(batch))
    unsent = _send(webhooks, lambda batch: services.queues.send_webhooks(batch))
    _write_counts(services)
    if unpublished or unsent:
        raise NotAllPublished(
            f"of {len(ends)} events, {unpublished} were not published, "
            f"and {unsent} were not sent to their callbacks"
        )
    return len(ends)


def _send[T: Outgoing](outgoing: Iterable[T], send: Callable[[list[T]], list[T]]) -> int:
    """Send messages in batches; return how many could not be sent."""
    failed = 0
    for batch in batches(outgoing):
        try:
            failed += len(send(batch))
        except session.FAILURES:
            logger.exception("batch_not_published")
            failed += len(batch)
    return failed


def _ends(services: Services, records: Iterable[dict[str, Any]]) -> Iterator[_End]:
    for record in records:
        try:
            ended = _ended(record["dynamodb"])
            if ended is None:
                continue
            event = cloud_event.of_end(ended)
            webhook = cloud_event.for_callback(ended, event)
        except Exception:  # retries of this record would block all that follow it
            logger.exception("record_not_published", extra={"record": record["eventID"]})
            key = payload_keys.unpublished_key(record["eventID"])
            services.bucket.put_new(key, msgspec.json.encode(record), "application/json")
            continue
        _count(services, ended)
        yield _End(event, webhook)


def _ended(images: dict[str, Any]) -> Job | None:
    """Return the job that a stream record shows to have ended, if any."""
    new, old = (unpack_item(images.get(k, {})) for k in ("NewImage", "OldImage"))
    if new.get("status") in model.ENDED and old.get("status") in model.UNFINISHED:
        return store.from_item(new)
    return None


def _count(services: Services, ended: Job) -> None:
    """Count the run time of a succeeded job, for estimates."""
    if ended.status == "succeeded" and ended.started is not None and ended.ended is not None:
        services.runtimes.count(ended.operation, seconds_until(ended.ended, ended.started))


def _write_counts(services: Services) -> None:
    try:
        services.runtimes.write()
    except session.FAILURES:  # the next invocation writes them
        logger.warning("run_times_not_written", exc_info=True)


def batches[T: Outgoing](messages: Iterable[T]) -> Iterator[list[T]]:
    """Yield the messages in order, in lists that one call can send."""
    batch, size = list[T](), 0
    for message in messages:
        if len(batch) == _BATCH or (batch and size + message.size > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(message)
        size += message.size
    if batch:
        yield batch
