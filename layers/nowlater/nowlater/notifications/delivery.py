"""A delivery: one webhook, sent until it is accepted, with a log of its attempts."""

import re
from typing import Any, Literal

import msgspec

from nowlater.instants import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    Instant,
    StoredInstant,
    after,
    seconds_until,
    to_rfc3339,
)
from nowlater.jobs.callback import DEFAULT_FORMAT

type State = Literal["waiting", "delivered", "given-up", "erased"]

#: The waits after the first failed attempt, the second, …; the last one repeats.
WAITS_S = (5, 5 * MINUTE_S, 30 * MINUTE_S, 2 * HOUR_S, 5 * HOUR_S, 10 * HOUR_S)
#: The part by which a wait varies, so that deliveries that failed together are not retried together.
JITTER = 0.1
#: A delivery that is not accepted within this time is given up.
GIVE_UP_AFTER_S = 3 * DAY_S
#: The retention of a delivery's log, and the number of attempts in it.
LOG_RETENTION_S, MAX_ATTEMPTS = 14 * DAY_S, 50
#: How long the tombstone of an erased delivery outlives every message that could send it: Lambda
#: retains an unpublished end for 90 days, and Notify perhaps again (the template's `aws/lambda/`).
TOMBSTONE_S = 200 * DAY_S
#: The log message of a delivery that is given up: the template's alarm counts it.
GIVEN_UP = "delivery_given_up"
#: The statuses whose `Retry-After` counts, and the one that ends a delivery (Standard Webhooks).
_RETRY_LATER, GONE = (429, 503), 410


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one callback: the content of a message of the delivery queue."""

    owner: str
    job: str
    number: int = 1
    url: str
    #: The event's id, the event as JSON, and the media type that it is sent as.
    event: str
    body: str
    media_type: str = DEFAULT_FORMAT
    #: The API's URL when it accepted the job: no webhook is sent there.
    base: str
    #: When the job ended, or its owner had the delivery sent again.
    since: Instant

    @property
    def size(self) -> int:
        """Bytes, as SQS counts them."""
        return len(msgspec.json.encode(self))

    @property
    def group(self) -> str:
        """The callback's host, as a message group's id."""
        return host(self.url)[:128]


class DeliveryAttempt(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The outcome of sending a webhook once: a status, or a failure and a sentence about it."""

    at: StoredInstant
    status: int | None = None
    failure: str | None = None
    detail: str | None = None
    latency_ms: int = 0
    #: The bytes read of the response's body, and its beginning where it is text.
    size: int = 0
    excerpt: str | None = None
    #: The response's `Retry-After`.
    retry_after_s: int | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook, its state and its log of attempts, as the table stores them."""

    owner: str
    job: str
    number: int = 1
    state: State = "waiting"
    url: str = ""
    event: str = ""
    media_type: str = DEFAULT_FORMAT
    base: str = ""
    since: StoredInstant = 0
    #: The event, unless a message in the queue carries it or it was delivered.
    body: str | None = None
    #: The number of all attempts, of those that failed since `since`, and the last attempts.
    count: int = 0
    failed: int = 0
    attempts: tuple[DeliveryAttempt, ...] = ()
    #: The id of the message of the last attempt, which continues the delivery.
    message: str | None = None
    #: No attempt starts before this.
    next_at: StoredInstant | None = None
    due_at: StoredInstant | None = None
    due_shard: int | None = None
    ttl: int | None = None

    @property
    def host(self) -> str:
        return host(self.url)

    def webhook(self, body: str) -> Webhook:
        """Return the message content that sends this delivery."""
        return Webhook(
            owner=self.owner,
            job=self.job,
            number=self.number,
            url=self.url,
            event=self.event,
            body=body,
            media_type=self.media_type,
            base=self.base,
            since=self.since,
        )


def host(url: str) -> str:
    """Return the host of a callback's URL, with the port if the URL names one."""
    return re.split("[/?]", url)[2].lower()


def ttl(now: Instant) -> int:
    """Return DynamoDB's `ttl`, in seconds since the epoch, of a log that is written now."""
    return after(now, LOG_RETENTION_S) // 1000


def of(webhook: Webhook) -> Delivery:
    """Return the delivery of a webhook before its first attempt."""
    return Delivery(
        owner=webhook.owner,
        job=webhook.job,
        number=webhook.number,
        url=webhook.url,
        event=webhook.event,
        media_type=webhook.media_type,
        base=webhook.base,
        since=webhook.since,
    )


def changes_after(delivery: Delivery, attempt: DeliveryAttempt, chance: float) -> dict[str, Any]:
    """Return the attributes of a delivery that an attempt changes: its state, log and next time.

    `chance`, from 0 to 1, is the random part of the wait before the next attempt.
    """
    changes: dict[str, Any] = {
        "count": delivery.count + 1,
        "attempts": (*delivery.attempts, attempt)[-MAX_ATTEMPTS:],
        "ttl": ttl(attempt.at),
        "next_at": None,
    }
    if attempt.is_success:
        return changes | {"state": "delivered"}
    wait_s = _wait_s(delivery, attempt, chance)
    next_at = after(attempt.at + attempt.latency_ms, wait_s)
    if attempt.status == GONE or seconds_until(next_at, delivery.since) > GIVE_UP_AFTER_S:
        return changes | {"state": "given-up"}
    return changes | {"state": "waiting", "failed": delivery.failed + 1, "next_at": next_at}


def _wait_s(delivery: Delivery, attempt: DeliveryAttempt, chance: float) -> float:
    """Return the wait before the next attempt: the scheduled one, or the response's `Retry-After`.

    The latter is limited to the longest scheduled wait, and to at least a fifth of the delivery's
    age, so that short ones do not lead to more attempts than the log holds.
    """
    if attempt.status in _RETRY_LATER and attempt.retry_after_s is not None:
        age_s = seconds_until(attempt.at, delivery.since)
        return min(max(attempt.retry_after_s, WAITS_S[0], age_s / 5), WAITS_S[-1])
    scheduled_s = WAITS_S[min(delivery.failed, len(WAITS_S) - 1)]
    return scheduled_s * (1 + JITTER * (2 * chance - 1))


def representation(delivery: Delivery, base: str) -> dict[str, Any]:
    """Return the delivery as its owner sees it, in JSON types."""
    next_at = delivery.next_at if delivery.state == "waiting" else None
    url = f"{base}/jobs/{delivery.job}/deliveries/{delivery.number}"
    return {
        "number": delivery.number,
        "event": delivery.event,
        "url": delivery.url,
        "state": delivery.state,
        "count": delivery.count,
        "next": None if next_at is None else to_rfc3339(next_at),
        "attempts": [_attempt_representation(attempt) for attempt in delivery.attempts],
        "links": {"replay": f"{url}/replay"},
    }


def _attempt_representation(attempt: DeliveryAttempt) -> dict[str, Any]:
    return {
        "at": to_rfc3339(attempt.at),
        "status": attempt.status,
        "failure": attempt.failure and {"name": attempt.failure, "detail": attempt.detail},
        "latency_ms": attempt.latency_ms,
        "size": attempt.size,
        "reply": attempt.excerpt,
    }
