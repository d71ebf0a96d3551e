"""A delivery: one webhook being sent until it is accepted, each try on record."""

import re
from typing import Any, Literal

import msgspec

from nowlater.instants import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    Instant,
    Kept,
    after,
    seconds_until,
    to_rfc3339,
)
from nowlater.jobs.callback import DEFAULT_FORMAT

type State = Literal["waiting", "delivered", "given-up", "erased"]

#: How long to wait after the first try that failed, the second, …; after the last, again and again.
WAITS_S = (5, 5 * MINUTE_S, 30 * MINUTE_S, 2 * HOUR_S, 5 * HOUR_S, 10 * HOUR_S)
#: A wait differs from these by up to this part, so that what failed together does not come together.
JITTER = 0.1
#: What no try within this time delivered is given up.
PATIENCE_S = 3 * DAY_S
#: The log is kept for so long, and so many tries in it.
LOG_S, MAX_TRIES = 14 * DAY_S, 50
#: The mark of an erased one outlives all that could still have it sent: an end that could not be
#: told is kept for 90 days by Lambda, and then perhaps as many by Notify (the template's `aws/lambda/`).
ERASED_S = 200 * DAY_S
#: What the log says of one that is given up: the template's alarm counts these words.
GIVEN_UP = "delivery_given_up"
#: The answers whose `Retry-After` counts, and the one that means: never again (Standard Webhooks).
_LATER, GONE = (429, 503), 410


class Webhook(msgspec.Struct, frozen=True, kw_only=True):
    """One event for one callback: all that a message of the delivery queue carries."""

    owner: str
    job: str
    number: int = 1
    url: str
    #: The event's id, and the event itself as JSON, which is sent as this media type.
    event: str
    body: str
    media_type: str = DEFAULT_FORMAT
    #: Where the API was when the job was accepted: no callback may lead there.
    base: str
    #: When the job ended, or the delivery was asked for again.
    since: Instant

    @property
    def size(self) -> int:
        """Bytes, as SQS counts them."""
        return len(msgspec.json.encode(self))

    @property
    def group(self) -> str:
        """The callback's host, as a message group's id."""
        return host(self.url)[:128]


class Try(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of sending a webhook once: a status, or a failure and a sentence about it."""

    at: Kept
    status: int | None = None
    failure: str | None = None
    detail: str | None = None
    latency_ms: int = 0
    #: Bytes of the answer's body, as far as they were read, and its beginning where it is text.
    size: int = 0
    excerpt: str | None = None
    #: Seconds, as the answer's `Retry-After` says.
    retry_after_s: int | None = None

    @property
    def is_success(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook and how far it has come, as the table keeps it."""

    owner: str
    job: str
    number: int = 1
    state: State = "waiting"
    url: str = ""
    event: str = ""
    media_type: str = DEFAULT_FORMAT
    base: str = ""
    since: Kept = 0
    #: The event, unless a message in the queue has it or it was delivered.
    body: str | None = None
    #: Tries in all, and since `since`; the last ones.
    count: int = 0
    failed: int = 0
    tries: tuple[Try, ...] = ()
    #: The id of the message that the last try was made for, and that goes on.
    message: str | None = None
    #: No try is made before this.
    next_at: Kept | None = None
    due_at: Kept | None = None
    due_shard: int | None = None
    ttl: int | None = None

    @property
    def host(self) -> str:
        return host(self.url)

    def webhook(self, body: str) -> Webhook:
        """Return what a message carries to have this sent."""
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
    """Return the host of a callback's URL, with the port that it names."""
    return re.split("[/?]", url)[2].lower()


def ttl(now: Instant) -> int:
    """Return until when the log is kept that was last written now, as DynamoDB has it."""
    return after(now, LOG_S) // 1000


def of(webhook: Webhook) -> Delivery:
    """Return the delivery of a webhook that was never sent."""
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


def tried(delivery: Delivery, made: Try, chance: float) -> dict[str, Any]:
    """Return what a try changes of a delivery: it is over, or has a next time.

    `chance`, from 0 to 1, spreads the next times.
    """
    changes: dict[str, Any] = {
        "count": delivery.count + 1,
        "tries": (*delivery.tries, made)[-MAX_TRIES:],
        "ttl": ttl(made.at),
        "next_at": None,
    }
    if made.is_success:
        return changes | {"state": "delivered"}
    wait_s = _wait_s(delivery, made, chance)
    next_at = after(made.at + made.latency_ms, wait_s)
    if made.status == GONE or seconds_until(next_at, delivery.since) > PATIENCE_S:
        return changes | {"state": "given-up"}
    return changes | {"state": "waiting", "failed": delivery.failed + 1, "next_at": next_at}


def _wait_s(delivery: Delivery, made: Try, chance: float) -> float:
    """Return how long to wait: as an answer asks, but at most as the last of ours, and not for fifty tries."""
    usual = WAITS_S[min(delivery.failed, len(WAITS_S) - 1)]
    if made.status in _LATER and made.retry_after_s is not None:
        age_s = seconds_until(made.at, delivery.since)
        return min(max(made.retry_after_s, WAITS_S[0], age_s / 5), WAITS_S[-1])
    return usual * (1 + JITTER * (2 * chance - 1))


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
        "tries": [_shown(made) for made in delivery.tries],
        "links": {"replay": f"{url}/replay"},
    }


def _shown(made: Try) -> dict[str, Any]:
    return {
        "at": to_rfc3339(made.at),
        "status": made.status,
        "failure": made.failure and {"name": made.failure, "detail": made.detail},
        "latency_ms": made.latency_ms,
        "size": made.size,
        "reply": made.excerpt,
    }
