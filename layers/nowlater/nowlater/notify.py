"""Tells the ends of jobs: reads them off the table's stream, and publishes them to the topic."""

from collections.abc import Iterable, Iterator
from itertools import batched
from typing import Any

from nowlater import aws, event, job, store
from nowlater.log import logger
from nowlater.services import Services
from nowlater.table import unpack_item
from nowlater.topics import BATCH, Message


class NotAllTold(Exception):
    """Some ends were not told; the stream will show the records again."""


def notify(services: Services, records: Iterable[dict[str, Any]]) -> int:
    """Publish an event for each record that shows a job's end; return how many.

    Raises NotAllTold once it has published all that it can: ids are stable, told twice is allowed.
    """
    told = 0
    failed: list[Message] = []
    for messages in batched(_ends(records), BATCH, strict=False):
        try:
            refused = services.topic.publish(list(messages))
        except aws.FAILURES:
            logger.exception("the topic did not answer")
            refused = list(messages)
        failed += refused
        told += len(messages) - len(refused)
    if failed:
        raise NotAllTold(f"{len(failed)} of {len(failed) + told} events were not published")
    return told


def _ends(records: Iterable[dict[str, Any]]) -> Iterator[Message]:
    for record in records:
        images = record["dynamodb"]
        new, old = (unpack_item(images.get(k, {})) for k in ("NewImage", "OldImage"))
        if new.get("status") in job.ENDED and old.get("status") in job.UNFINISHED:
            yield event.of_end(store.from_item(new))
