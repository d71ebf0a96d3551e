"""Handles dead letters: stores messages that no Lambda could handle, and ends their job or delivery.

A message that was moved here because a Lambda could not read it is only stored: a newer version may
read it, and its job or delivery may go on.
"""

from typing import Any

import msgspec

from nowlater.aws import payload_keys
from nowlater.jobs import model, store, transitions
from nowlater.jobs.model import Ref
from nowlater.log import logger
from nowlater.notifications import delivery
from nowlater.notifications.delivery import Webhook
from nowlater.services import Services
from nowlater.sqs_batch import DONE, MessageOutcome, RetryIn, each, sent_ago_s, set_aside_details
from nowlater.worker import settle
from nowlater.worker.attempt import SUBMIT_TIMEOUT_S


def handle(services: Services, event: dict[str, Any]) -> dict[str, Any]:
    """Handle an SQS event of dead letters; returns a partial batch response, raises nothing."""
    return each(services, event["Records"], lambda record: _handle_letter(services, record))


def _handle_letter(services: Services, record: dict[str, Any]) -> MessageOutcome:
    set_aside = set_aside_details(record)
    logger.error("dead_letter", extra={"message_id": record["messageId"]} | set_aside)
    content = None if "reason" in set_aside else _read_content(record["body"])
    if isinstance(content, Webhook):
        _give_up_delivery(services, content)
        return DONE
    services.bucket.put(
        payload_keys.dead_letter_key(record["messageId"]), record["body"].encode(), "text/plain"
    )
    if content is None:
        return DONE
    return _exhaust_job(services, content, sent_ago_s(services, record))


def _read_content(body: str) -> Ref | Webhook | None:
    """Return the job or the webhook that a letter names, None if it is unreadable."""
    try:
        fields = msgspec.json.decode(body, type=dict[str, Any])
        kind: type[Ref | Webhook] = Webhook if "url" in fields else Ref
        return msgspec.convert(fields, kind)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _exhaust_job(services: Services, ref: Ref, age_s: float) -> MessageOutcome:
    """End the job whose message no worker could handle."""
    if not model.is_id(ref.id):
        return DONE
    job = services.store.get(ref)
    if job is None:
        return RetryIn(5) if age_s < SUBMIT_TIMEOUT_S else DONE
    if job.is_ended:
        return DONE
    written = transitions.exhaust(services, job, "No worker could handle the job's message.")
    return DONE if written.done else settle.reconcile(services, written.job).message


def _give_up_delivery(services: Services, webhook: Webhook) -> None:
    """Mark a delivery as given up, unless it was delivered or another message continues it.

    The event is stored with the delivery only, so that it is erased with its job.
    """
    stored = services.deliveries.get(webhook.owner, webhook.job, webhook.number)
    before = stored or delivery.of(webhook)
    if before.since != webhook.since:
        return  # its owner had it sent again
    changes: dict[str, Any] = {"state": "given-up", "body": webhook.body}
    changes |= {"ttl": delivery.ttl(services.clock())} | store.due(webhook.job, None)
    if services.deliveries.record(before, changes):
        fields = {"owner": webhook.owner, "job_id": webhook.job, "failure": "dead-letter"}
        logger.error(delivery.GIVEN_UP, extra=fields)
