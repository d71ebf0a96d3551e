"""Sends webhooks: each message of the delivery queue is one, sent now or at its next time."""

import random
from typing import Any

import msgspec

from nowlater.instants import LONGEST_POSTPONEMENT_S, Instant, whole_seconds_until
from nowlater.jobs import callback, store
from nowlater.log import logger
from nowlater.notifications import delivery, signing
from nowlater.notifications import secrets as owner_secrets
from nowlater.notifications.delivery import Delivery, DeliveryAttempt, Webhook
from nowlater.outbound import client, targets
from nowlater.outbound.http1 import Unsent
from nowlater.outbound.targets import RefusedUrl, Target
from nowlater.services import Services
from nowlater.sqs_batch import DONE, MessageOutcome, RetryIn, each, read, receives

#: The time limit of an attempt, from the look-up of the name to the end of the response.
TOTAL_S = 15
#: How long a webhook is held while its host's breaker is open, and how often before that counts as
#: a failed attempt.
_HOLD_S, _MAX_HOLDS = 30, 10


def send_webhooks(services: Services, event: dict[str, Any]) -> dict[str, Any]:
    """Handle an SQS event of webhooks; returns a partial batch response, raises nothing."""
    return each(services, event["Records"], lambda record: _deliver(services, record))


def _deliver(services: Services, record: dict[str, Any]) -> MessageOutcome:
    """Make an attempt at a webhook if it is time, and record it."""
    webhook = read(record, Webhook)
    logger.append_keys(owner=webhook.owner, job_id=webhook.job)
    stored = services.deliveries.get(webhook.owner, webhook.job, webhook.number)
    before = stored or delivery.of(webhook)
    if before.state != "waiting" or before.since != webhook.since:
        return DONE  # the delivery ended, or was resent, which sent another message
    now = services.clock()
    if whole_seconds_until(before.next_at or 0, now) > 0:
        return _wait_for_next(before, now)
    attempt = _attempt(services, webhook, now, may_hold=receives(record) <= _MAX_HOLDS)
    if attempt is None:
        return RetryIn(_HOLD_S * (1 + random.random()))
    changes = delivery.changes_after(before, attempt, random.random())
    next_at = changes["next_at"]
    wait_s = None if next_at is None else whole_seconds_until(next_at, services.clock())
    is_sent_by_sweep = wait_s is not None and wait_s > LONGEST_POSTPONEMENT_S
    changes |= store.due(webhook.job, next_at if is_sent_by_sweep else None)
    keeps_body = is_sent_by_sweep or changes["state"] == "given-up"
    changes["body"] = webhook.body if keeps_body else None
    changes["message"] = record["messageId"]
    if not services.deliveries.record(before, changes):
        return _after_conflict(services, webhook, record["messageId"])
    _log_attempt(attempt, changes["state"])
    return DONE if wait_s is None or is_sent_by_sweep else RetryIn(wait_s)


def _wait_for_next(stored: Delivery, now: Instant) -> MessageOutcome:
    """Return what becomes of a message that was received before the delivery's next time."""
    wait_s = whole_seconds_until(stored.next_at or 0, now)
    is_sent_by_sweep = stored.due_at is not None and wait_s > LONGEST_POSTPONEMENT_S
    return DONE if is_sent_by_sweep else RetryIn(wait_s)


def _after_conflict(services: Services, webhook: Webhook, message_id: str) -> MessageOutcome:
    """Return what becomes of a message whose attempt could not be recorded, since another one was.

    SQS may deliver one message twice: deleting it then deletes it for the recorded attempt as well.
    """
    stored = services.deliveries.get(webhook.owner, webhook.job, webhook.number)
    if stored is None or stored.state != "waiting" or stored.since != webhook.since:
        return DONE
    is_same_message = stored.message == message_id
    return _wait_for_next(stored, services.clock()) if is_same_message else DONE


def _attempt(
    services: Services, webhook: Webhook, now: Instant, *, may_hold: bool
) -> DeliveryAttempt | None:
    """Send a webhook; return the attempt, None if it is held because its host does not respond."""
    try:
        target = _target(services, webhook)
    except RefusedUrl as fault:
        return DeliveryAttempt(at=now, failure="address-refused", detail=str(fault))
    if services.breaker.is_open(target.authority):
        detail = f"{target.host} did not respond several times in a row, so nothing was sent now."
        return None if may_hold else DeliveryAttempt(at=now, failure="held-back", detail=detail)
    body = webhook.body.encode()
    secrets = owner_secrets.active(services, webhook.owner, target.host)
    headers = {"content-type": webhook.media_type}
    headers |= signing.headers(webhook.event, now, body, secrets)
    rules = services.settings.callback_rules
    try:
        reply = client.send(target, body, headers, rules, total_s=TOTAL_S)
    except Unsent as fault:
        services.breaker.failed(target.authority)
        return DeliveryAttempt(
            at=now, failure=fault.kind, detail=str(fault), latency_ms=fault.latency_ms
        )
    services.breaker.responded(target.authority)
    return DeliveryAttempt(at=now, **msgspec.structs.asdict(reply))


def _target(services: Services, webhook: Webhook) -> Target:
    own_hosts = callback.hosts_of((webhook.base, services.settings.public_url))
    return targets.target(webhook.url, services.settings.callback_rules, own_hosts)


def _log_attempt(attempt: DeliveryAttempt, state: delivery.State) -> None:
    fields = {"state": state, "status": attempt.status, "failure": attempt.failure}
    if state == "given-up":
        logger.error(delivery.GIVEN_UP, extra=fields | {"detail": attempt.detail})
    else:
        logger.info("delivery_attempted", extra=fields | {"latency_ms": attempt.latency_ms})
