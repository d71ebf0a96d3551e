"""Deliveries and the breaker: what a try changes, and when the next one is made."""

import msgspec
import pytest

from nowlater.notifications import delivery
from nowlater.notifications.delivery import (
    GIVE_UP_AFTER_S,
    MAX_ATTEMPTS,
    WAITS_S,
    Delivery,
    DeliveryAttempt,
    Webhook,
)
from nowlater.outbound.circuit_breaker import FAILURES, PAUSE_S, Breaker

SINCE = 1_000_000_000_000
FRESH = Delivery(owner="acme", job="j", url="https://Hooks.example.com/a", since=SINCE)


def failed(at_s: float = 0, **how: int) -> DeliveryAttempt:
    return DeliveryAttempt(at=SINCE + round(at_s * 1000), **({"status": 500} | how))


def wait_s(delivery_before: Delivery, made: DeliveryAttempt, chance: float = 0.5) -> float:
    changes = delivery.changes_after(delivery_before, made, chance)
    return float(changes["next_at"] - made.at) / 1000


@pytest.mark.parametrize("times", range(9))
@pytest.mark.parametrize(("chance", "part"), [(0, 0.9), (0.5, 1), (1, 1.1)])
def test_a_wait_is_the_next_of_the_list_and_a_tenth_less_or_more(
    times: int, chance: float, part: float
) -> None:
    usual = [*WAITS_S, *[WAITS_S[-1]] * 9][times]
    before = msgspec.structs.replace(FRESH, failed=times)

    assert wait_s(before, failed(), chance) == pytest.approx(usual * part)


def test_a_wait_begins_when_the_answer_has_come() -> None:
    assert wait_s(FRESH, failed(latency_ms=15_000)) == WAITS_S[0] + 15


@pytest.mark.parametrize(
    ("age_s", "asked_s", "waited_s"),
    [(0, 0, 5), (0, 4, 5), (0, 6, 6), (100, 1, 20), (100, 30, 30), (86_400, 60, 17_280), (0, 40_000, 36_000)],
)  # fmt: skip
def test_who_asks_for_a_wait_gets_it_within_bounds_that_grow_with_the_age(
    age_s: int, asked_s: int, waited_s: int
) -> None:
    assert wait_s(FRESH, failed(age_s, status=429, retry_after_s=asked_s)) == waited_s


def test_the_last_of_all_tries_comes_after_two_days_and_twenty_hours() -> None:
    """As docs/guarantees.md and docs/notifications.md say."""
    at_s, tries = 0.0, 1
    current = msgspec.structs.replace(FRESH, **delivery.changes_after(FRESH, failed(), 0.5))
    while current.next_at is not None:
        at_s, tries = (current.next_at - SINCE) / 1000, tries + 1
        current = msgspec.structs.replace(
            current, **delivery.changes_after(current, failed(at_s), 0.5)
        )

    assert round(at_s / 3600) == 2 * 24 + 20
    assert (tries, current.state) == (12, "given-up")


@pytest.mark.parametrize(
    ("last_s", "state"), [(GIVE_UP_AFTER_S - 5, "waiting"), (GIVE_UP_AFTER_S - 4.999, "given-up")]
)
def test_no_try_is_made_after_three_days(last_s: float, state: str) -> None:
    assert delivery.changes_after(FRESH, failed(last_s), 0.5)["state"] == state


@pytest.mark.parametrize(
    ("status", "state"),
    [(199, "waiting"), (200, "delivered"), (299, "delivered"), (300, "waiting"), (410, "given-up")],
)
def test_success_is_any_2xx(status: int, state: str) -> None:
    assert delivery.changes_after(FRESH, failed(status=status), 0.5)["state"] == state


def test_the_last_tries_are_kept() -> None:
    full = msgspec.structs.replace(FRESH, attempts=tuple(failed(n) for n in range(MAX_ATTEMPTS)))
    kept = delivery.changes_after(full, failed(99), 0.5)["attempts"]

    assert (kept[0], kept[-1], len(kept)) == (failed(1), failed(99), MAX_ATTEMPTS)


@pytest.mark.parametrize(
    ("state", "is_shown"), [("waiting", True), ("delivered", False), ("given-up", False)]
)
def test_only_what_waits_has_a_next_try(state: delivery.State, is_shown: bool) -> None:
    current = msgspec.structs.replace(FRESH, state=state, next_at=SINCE)

    assert (delivery.representation(current, "")["next"] is not None) is is_shown


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://Hooks.example.com/a", "hooks.example.com"),
        ("https://hooks.example.com:8443/a", "hooks.example.com:8443"),
        ("https://hooks.example.com?a=/b", "hooks.example.com"),
        ("https://hooks.example.com", "hooks.example.com"),
        ("https://" + "a." * 100 + "com/", ("a." * 100)[:128]),
    ],
)
def test_a_group_of_messages_is_a_host_as_far_as_sqs_takes_it(url: str, host: str) -> None:
    current = msgspec.structs.replace(FRESH, url=url)

    assert current.webhook("{}").group == host


def test_a_webhook_read_from_the_table_is_the_one_that_was_written() -> None:
    webhook = Webhook(
        owner="o", job="j", number=2, url="https://u", event="e", body="b", base="h", since=SINCE
    )

    assert delivery.of(webhook).webhook("b") == webhook


# ── the breaker ───────────────────────────────────────────────────────────────────────────────


def test_a_breaker_opens_at_some_failures_in_a_row_and_for_a_while() -> None:
    now = SINCE
    breaker = Breaker(lambda: now)
    seen = []
    for _ in range(FAILURES):
        seen.append(breaker.is_open("a"))
        breaker.failed("a")
    seen += [breaker.is_open("a"), breaker.is_open("b")]
    now += PAUSE_S * 1000 - 1
    seen.append(breaker.is_open("a"))
    now += 1
    seen.append(breaker.is_open("a"))
    breaker.failed("a")

    assert (FAILURES, PAUSE_S) == (3, 30)  # as the docs say
    assert seen == [False, False, False, True, False, True, False]
    assert breaker.is_open("a"), "one more failure begins the next pause"


def test_an_answer_closes_a_breaker_and_failures_count_from_zero() -> None:
    breaker = Breaker(lambda: SINCE)
    for _ in range(FAILURES):
        breaker.failed("a")
    breaker.responded("a")
    assert not breaker.is_open("a")
    for _ in range(FAILURES - 1):
        breaker.failed("a")

    assert not breaker.is_open("a")
