"""Time limits count from when API Gateway got the request: a cold start is not added to them."""

from collections.abc import Callable
from typing import Any

import pytest

from nowlater.api.request import GATEWAY_S
from tests.integration.lambdas import Reply
from tests.integration.runs import time_out
from tests.integration.world import World


def run_s(world: World, came: int | None) -> float:
    """Ask at the sync door for what takes 20 s at most; return how long it may run."""
    seen = list[int]()
    world.meanwhile(lambda context: seen.append(context.deadline))
    reply = world.call("sync", operation="meanwhile", body={"input": {}}, came=came)
    (deadline,) = seen

    assert reply.status == 200
    return (deadline - world.now) / 1000


def waits(world: World, ask: Callable[[], Reply]) -> tuple[Reply, float]:
    """Return the reply, and how many seconds it was waited for."""
    began_s = world.time.s
    return ask(), world.time.s - began_s


def ago(world: World, seconds: float) -> int:
    return world.now - round(1000 * seconds)


@pytest.mark.parametrize(
    ("ago_s", "left_s"), [(0, 20), (8, 20), (8.5, 19.5), (20, 8), (27, 1), (28, 1), (30, 1)]
)
def test_a_run_at_the_sync_door_ends_28_s_after_the_request_came(
    world: World, ago_s: float, left_s: float
) -> None:
    assert run_s(world, ago(world, ago_s)) == left_s


@pytest.mark.parametrize("ago_s", [-0.001, -5, GATEWAY_S + 0.001, 86_400])
def test_a_time_that_cannot_be_right_is_not_believed(world: World, ago_s: float) -> None:
    assert run_s(world, ago(world, ago_s)) == 20


def test_a_request_that_does_not_say_when_it_came_has_all_the_time(world: World) -> None:
    assert run_s(world, None) == 20


def test_a_time_in_seconds_as_sam_local_gives_it_is_not_believed(world: World) -> None:
    assert run_s(world, world.now // 1000) == 20


@pytest.mark.parametrize(
    ("prefer", "ago_s", "waited_s"),
    [
        ("wait=25", 0, 25),
        ("wait=25", 10, 15),
        ("wait=5", 10, 5),
        ("wait=20", 5, 20),
        ("wait=20", 24.5, 1),
        ("wait=25", 3600, 25),
    ],
)
def test_the_hybrid_door_answers_25_s_after_the_request_came_at_the_latest(
    world: World, prefer: str, ago_s: float, waited_s: float
) -> None:
    time_out(world, runs=False)
    asked: dict[str, Any] = {
        "operation": "text-stats",
        "body": {"input": {"text": "To be."}},
        "headers": {"prefer": f"{prefer}, handling=strict", "idempotency-key": None},
        "came": ago(world, ago_s),
    }
    reply, took_s = waits(world, lambda: world.call("hybrid", **asked))

    assert (reply.status, reply.problem) == (504, "timed-out")
    assert took_s == waited_s


@pytest.mark.parametrize(
    ("prefer", "ago_s", "waited_s"),
    [("wait=20", 0, 20), ("wait=20", 12, 8), ("wait=3", 12, 3), ("wait=3", 19.5, 1)],
)
def test_the_status_is_answered_20_s_after_the_request_came_at_the_latest(
    world: World, prefer: str, ago_s: float, waited_s: float
) -> None:
    job = world.submit().json["id"]
    asked: dict[str, Any] = {"id": job, "headers": {"prefer": prefer}, "came": ago(world, ago_s)}
    reply, took_s = waits(world, lambda: world.call("status", **asked))

    assert (reply.status, reply.json["status"]) == (200, "queued")
    assert reply.headers["preference-applied"] == prefer
    assert took_s == waited_s
