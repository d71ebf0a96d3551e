"""Sends webhooks: each message of the delivery queue is one, to be sent now, or at its next time."""

import random
from typing import Any

import msgspec

from nowlater.instants import LONGEST_POSTPONEMENT_S, Instant, whole_seconds_until
from nowlater.jobs import callback, store
from nowlater.log import logger
from nowlater.notifications import delivery, signing
from nowlater.notifications import secrets as owner_secrets
from nowlater.notifications.delivery import Delivery, Try, Webhook
from nowlater.outbound import client, targets
from nowlater.outbound.http1 import Unsent
from nowlater.outbound.targets import RefusedUrl, Target
from nowlater.services import Services
from nowlater.sqs_batch import each, read, receives

#: What all of a try may take, from looking the name up to the end of the answer.
TOTAL_S = 15
#: A host that its breaker is open for is left alone so long; after so many times that is a try.
_HELD_S, _HOLDS = 30, 10


def send_webhooks(services: Services, event: dict[str, Any]) -> dict[str, Any]:
    """Handle an SQS event of webhooks; returns a partial batch response, raises nothing."""
    return each(services, event["Records"], lambda record: _deliver(services, record))


def _deliver(services: Services, record: dict[str, Any]) -> float | None:
    """Send a webhook if it is time; return in how many seconds again, None where this was all."""
    webhook = read(record, Webhook)
    logger.append_keys(owner=webhook.owner, job_id=webhook.job)
    there = services.deliveries.get(webhook.owner, webhook.job, webhook.number)
    there = there or delivery.of(webhook)
    if there.state != "waiting" or there.since != webhook.since:
        return None  # it is over, or was asked for again, which sent another message
    now = services.clock()
    if whole_seconds_until(there.next_at or 0, now) > 0:
        return _early_s(there, now)
    made = _try(services, webhook, now, may_hold=receives(record) <= _HOLDS)
    if made is None:
        return _HELD_S * (1 + random.random())
    changes = delivery.tried(there, made, random.random())
    next_at = changes["next_at"]
    wait_s = None if next_at is None else whole_seconds_until(next_at, services.clock())
    is_in_table = wait_s is not None and wait_s > LONGEST_POSTPONEMENT_S
    changes |= store.due(webhook.job, next_at if is_in_table else None)
    changes["body"] = webhook.body if is_in_table or changes["state"] == "given-up" else None
    changes["message"] = record["messageId"]
    if not services.deliveries.record(there, changes):
        return _goes_on_s(services, webhook, record["messageId"])
    _tell(made, changes["state"])
    return None if is_in_table else wait_s


def _early_s(there: Delivery, now: Instant) -> float | None:
    """Return in how many seconds a message is to be shown again that has come before its time."""
    early_s = whole_seconds_until(there.next_at or 0, now)
    waits_in_table = there.due_at is not None and early_s > LONGEST_POSTPONEMENT_S
    return None if waits_in_table else early_s


def _goes_on_s(services: Services, webhook: Webhook, message: str) -> float | None:
    """Return when a message is to be shown again whose try was not noted; None: another goes on.

    SQS may hand out one message twice: who deletes it, deletes it for the other try as well.
    """
    there = services.deliveries.get(webhook.owner, webhook.job, webhook.number)
    if there is None or there.state != "waiting" or there.since != webhook.since:
        return None
    return _early_s(there, services.clock()) if there.message == message else None


def _try(services: Services, webhook: Webhook, now: Instant, *, may_hold: bool) -> Try | None:
    """Send a webhook; return what came of it, None where its host is left alone for now."""
    try:
        where = _target(services, webhook)
    except RefusedUrl as fault:
        return Try(at=now, failure="address-refused", detail=str(fault))
    if services.breaker.is_open(where.authority):
        detail = f"{where.host} has just not answered several times; it was left alone."
        return None if may_hold else Try(at=now, failure="held-back", detail=detail)
    body = webhook.body.encode()
    secrets = owner_secrets.active(services, webhook.owner, where.host)
    headers = {"content-type": webhook.media_type}
    headers |= signing.headers(webhook.event, now, body, secrets)
    try:
        reply = client.send(where, body, headers, services.settings.callback_rules, total_s=TOTAL_S)
    except Unsent as fault:
        services.breaker.failed(where.authority)
        return Try(at=now, failure=fault.kind, detail=str(fault), latency_ms=fault.latency_ms)
    services.breaker.answered(where.authority)
    return Try(at=now, **msgspec.structs.asdict(reply))


def _target(services: Services, webhook: Webhook) -> Target:
    own = callback.hosts_of((webhook.base, services.settings.public_url))
    return targets.target(webhook.url, services.settings.callback_rules, own)


def _tell(made: Try, state: str) -> None:
    said = {"state": state, "status": made.status, "failure": made.failure}
    if state == "given-up":
        logger.error(delivery.GIVEN_UP, extra=said | {"detail": made.detail})
    else:
        logger.info("delivery_attempted", extra=said | {"latency_ms": made.latency_ms})
