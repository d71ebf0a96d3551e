"""Dead letters: keeps what no worker could read, and ends the job that it points at, if it does."""

from typing import Any

import msgspec

from nowlater import ending, ids, object_keys
from nowlater.batch import sent_ago_s
from nowlater.job import Ref
from nowlater.log import logger
from nowlater.services import Services
from nowlater.timing import whole_seconds_until
from nowlater.work import SUBMIT_LIFE_S


def bury(services: Services, event: dict[str, Any]) -> dict[str, Any]:
    """Handle an SQS event of dead letters; returns a partial batch response, raises nothing."""
    kept = []
    for record in event["Records"]:
        try:
            wait_s = _bury(services, record)
            if wait_s is not None:
                services.queues.postpone(record, wait_s)
                kept.append({"itemIdentifier": record["messageId"]})
        except Exception:  # one letter must not keep the others
            logger.exception("a dead letter was left", extra={"message_id": record["messageId"]})
            kept.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": kept}


def _bury(services: Services, record: dict[str, Any]) -> float | None:
    """Bury one letter; return in how many seconds to look at it again, None when that was all."""
    services.bucket.put(
        object_keys.dead_letter_key(record["messageId"]), record["body"].encode(), "text/plain"
    )
    logger.error("dead letter", extra={"message_id": record["messageId"]})
    try:
        ref = msgspec.json.decode(record["body"], type=Ref)
    except msgspec.MsgspecError:
        return None
    if not ids.is_id(ref.id):
        return None
    there = services.store.get(ref)
    if there is None:
        return 5 if sent_ago_s(services, record) < SUBMIT_LIFE_S else None
    if there.is_ended:
        return None
    written = ending.bury(services, there, "The job's message could not be worked on.")
    if written.job is None or written.job.is_ended:
        return None
    return whole_seconds_until(written.job.lease_until or 0, services.clock()) + 1
