"""Dead letters: what nobody could handle is kept, and the job or delivery that it is about ended.

What was set aside is kept alone: who received it could not read it, and what it is about may go on.
"""

from typing import Any

import msgspec

from nowlater.aws import payload_keys
from nowlater.jobs import ids, store, transitions
from nowlater.jobs.model import Ref
from nowlater.log import logger
from nowlater.notifications import delivery
from nowlater.notifications.delivery import Webhook
from nowlater.services import Services
from nowlater.sqs_batch import each, sent_ago_s, set_aside_for
from nowlater.worker import settle
from nowlater.worker.attempt import SUBMIT_LIFE_S


def handle(services: Services, event: dict[str, Any]) -> dict[str, Any]:
    """Handle an SQS event of dead letters; returns a partial batch response, raises nothing."""
    return each(services, event["Records"], lambda record: _bury(services, record))


def _bury(services: Services, record: dict[str, Any]) -> float | None:
    """HandleDeadLetters one letter; return in how many seconds to look at it again, None when that was all."""
    set_aside = set_aside_for(record)
    logger.error("dead_letter", extra={"message_id": record["messageId"]} | set_aside)
    about = None if "reason" in set_aside else _about(record["body"])
    if isinstance(about, Webhook):
        _give_up(services, about)
        return None
    services.bucket.put(
        payload_keys.dead_letter_key(record["messageId"]), record["body"].encode(), "text/plain"
    )
    return None if about is None else _bury_job(services, about, sent_ago_s(services, record))


def _about(body: str) -> Ref | Webhook | None:
    """Return the job or the webhook that a letter is about, None where nobody can tell."""
    try:
        said = msgspec.json.decode(body, type=dict[str, Any])
        kind: type[Ref | Webhook] = Webhook if "url" in said else Ref
        return msgspec.convert(said, kind)
    except (msgspec.MsgspecError, RecursionError):
        return None


def _bury_job(services: Services, ref: Ref, age_s: float) -> float | None:
    if not ids.is_id(ref.id):
        return None
    there = services.store.get(ref)
    if there is None:
        return 5 if age_s < SUBMIT_LIFE_S else None
    if there.is_ended:
        return None
    written = transitions.exhaust(services, there, "The job's message could not be worked on.")
    return None if written.done else settle.leave(services, written.job).again_s


def _give_up(services: Services, webhook: Webhook) -> None:
    """Have a delivery be one that was given up, unless another message goes on with it, or went well.

    The event is kept with it, and nowhere else: there it is erased with its job.
    """
    there = services.deliveries.get(webhook.owner, webhook.job, webhook.number)
    there = there or delivery.of(webhook)
    if there.since != webhook.since:
        return  # it was asked for again
    changes: dict[str, Any] = {"state": "given-up", "body": webhook.body}
    changes |= {"ttl": delivery.ttl(services.clock())} | store.due(webhook.job, None)
    if services.deliveries.record(there, changes):
        said = {"owner": webhook.owner, "job_id": webhook.job, "failure": "dead-letter"}
        logger.error(delivery.GIVEN_UP, extra=said)
