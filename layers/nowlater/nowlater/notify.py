"""Tells the ends of jobs, which it reads off the table's stream, and counts how long runs took."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from nowlater import aws, event, job, object_keys, store
from nowlater.job import Job
from nowlater.log import logger
from nowlater.services import Services
from nowlater.table import unpack_item
from nowlater.timing import seconds_until
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
    _write_counts(services)
    if failed:
        raise NotAllTold(f"{len(failed)} of {len(failed) + told} events were not published")
    return told


def _ends(services: Services, records: Iterable[dict[str, Any]]) -> Iterator[Message]:
    for record in records:
        try:
            ended = _ended(record["dynamodb"])
            message = None if ended is None else event.of_end(ended)
        except Exception:  # told again and again, it would hold up all that come after it
            logger.exception("a record cannot be told", extra={"record": record["eventID"]})
            key = object_keys.untold_key(record["eventID"])
            services.bucket.put(key, msgspec.json.encode(record), "application/json")
            continue
        if ended is not None and message is not None:
            _count(services, ended)
            yield message


def _ended(images: dict[str, Any]) -> Job | None:
    new, old = (unpack_item(images.get(k, {})) for k in ("NewImage", "OldImage"))
    if new.get("status") in job.ENDED and old.get("status") in job.UNFINISHED:
        return store.from_item(new)
    return None


def _count(services: Services, ended: Job) -> None:
    """Count how long the run took: estimates rest on it."""
    if ended.status == "succeeded" and ended.started is not None and ended.ended is not None:
        services.runtimes.count(ended.operation, seconds_until(ended.ended, ended.started))


def _write_counts(services: Services) -> None:
    try:
        services.runtimes.write()
    except aws.FAILURES:  # the next time will do
        logger.warning("run times were not written", exc_info=True)
