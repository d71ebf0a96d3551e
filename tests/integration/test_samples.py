"""The sample events of `events/`: each does on any day what docs/sam-local.md says of it."""

import json
import re
from typing import Any

import pytest

from nowlater.instants import Instant, from_rfc3339
from nowlater.outbound import client
from nowlater.outbound.http1 import Unsent
from tests import snippets, stack
from tests.integration.lambdas import lambda_context
from tests.integration.world import ROUTES, World

#: After the samples' own time, on a leap day, over a year's end, and long after.
DAYS = (
    "2026-11-25T12:00:00Z",
    "2026-12-31T23:59:59.999Z",
    "2028-02-29T00:00:00Z",
    "2041-06-01T06:00:00Z",
    "2099-12-01T00:00:00Z",
)
EVENTS = sorted(path.stem for path in (stack.ROOT / "events").glob("*.json"))
#: What each sample event is answered by a stack in which nothing is stored, a day apart or not.
NOT_HTTP: dict[str, Any] = {
    "authorize": {"isAuthorized": False},
    "handle-dead-letters": [],
    "send-webhooks": ["3c1d2f5e-0a51-4d0b-9c3a-6f1f9a5f7c11"],
    "notify": {"published": 1},
    "sweep": None,
    "work": [],
}


def answer(world: World, name: str) -> Any:
    """Return the status and the problem of the answer to a sample event; or what the handler returns."""
    if name in ROUTES:
        reply = world.call(name)
        return reply.status, reply.problem
    returned = world.app(name.replace("-", "_")).handler(stack.event(name), lambda_context())
    if returned and "batchItemFailures" in returned:
        return [failure["itemIdentifier"] for failure in returned["batchItemFailures"]]
    return returned


def at(world: World, now: Instant) -> None:
    world.pass_time((now - world.now) / 1000)


@pytest.fixture(autouse=True)
def no_such_host(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host name of the samples' callback cannot be resolved."""

    def unresolved(*_: Any, **__: Any) -> Any:
        raise Unsent("unresolved", "hooks.example.com has no address.", 1)

    monkeypatch.setattr(client, "send", unresolved)


@pytest.mark.parametrize("name", EVENTS)
def test_a_sample_event_is_answered_alike_on_any_day(world: World, name: str) -> None:
    answers = []
    for day in DAYS:
        world.empty()
        at(world, from_rfc3339(day))
        answers.append(answer(world, name))

    assert answers == answers[:1] * len(DAYS)
    if name in NOT_HTTP:
        assert answers[0] == NOT_HTTP[name]


@pytest.mark.parametrize("day", DAYS)
def test_the_webhook_of_the_sample_is_tried_and_tried_again(world: World, day: str) -> None:
    at(world, from_rfc3339(day))
    body = json.loads(stack.event("send-webhooks")["Records"][0]["body"])
    answer(world, "send-webhooks")
    once = world.delivery(body["job"]) or {}
    world.pass_time(10)
    answer(world, "send-webhooks")
    twice = world.delivery(body["job"]) or {}

    assert [(made["state"], made["count"]) for made in (once, twice)] == [
        ("waiting", 1),
        ("waiting", 2),
    ]


def test_the_page_names_every_sample_event() -> None:
    named = {
        event
        for _, cell, _ in snippets.table("sam-local.md", "Lambda")
        for event in re.findall(r"([a-z-]+)\.json", cell)
    }

    assert named == set(EVENTS)
