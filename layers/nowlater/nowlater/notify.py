"""Tells the ends of jobs: reads them off the table's stream, and publishes them to the topic."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from nowlater import aws, event, job, object_keys, store
from nowlater.log import logger
from nowlater.services import Services
from nowlater.table import unpack_item
from nowlater.topics import Message, batches


class NotAllTold(Exception):
    """Some ends were not told; the stream will show the records again."""


def notify(services: Services, records: Iterable[dict[str, Any]]) -> int:
    """Publish an event for each record that shows a job's end; return how many.

    A record that no event can be made of is kept in the bucket, and skipped.
    Raises NotAllTold once it has published all that it can: ids are stable, told twice is allowed.
    """
    told = 0
    failed: list[Message] = []
    for messages in batches(_ends(services, records)):
        try:
            refused = services.topic.publish(messages)
        except aws.FAILURES:
            logger.exception("the topic did not answer")
            refused = messages
        failed += refused
        told += len(messages) - len(refused)
    if failed:
        raise NotAllTold(f"{len(failed)} of {len(failed) + told} events were not published")
    return told


def _ends(services: Services, records: Iterable[dict[str, Any]]) -> Iterator[Message]:
    for record in records:
        try:
            message = _end(record["dynamodb"])
        except Exception:  # told again and again, it would hold up all that come after it
            logger.exception("a record cannot be told", extra={"record": record["eventID"]})
            key = object_keys.untold_key(record["eventID"])
            services.bucket.put(key, msgspec.json.encode(record), "application/json")
            continue
        if message is not None:
            yield message


def _end(images: dict[str, Any]) -> Message | None:
    new, old = (unpack_item(images.get(k, {})) for k in ("NewImage", "OldImage"))
    if new.get("status") in job.ENDED and old.get("status") in job.UNFINISHED:
        return event.of_end(store.from_item(new))
    return None
