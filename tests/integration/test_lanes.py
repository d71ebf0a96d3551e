"""What waits and runs in the lanes: of all owners in numbers, of one's own exactly."""

from typing import Any

from tests.integration.runs import dies, killed, meanwhile
from tests.integration.world import World


def lanes(world: World, owner: str = "acme") -> dict[str, Any]:
    """Return the lanes by their names."""
    page = world.call("lanes", owner=owner).json
    return {lane.pop("lane"): lane for lane in page["lanes"]}


def fresh(world: World, owner: str = "acme") -> dict[str, Any]:
    world.restart("status")
    return lanes(world, owner)


NOTHING = {"queued": 0, "running": 0, "waiting_since": None}


def test_an_idle_stack_has_two_empty_lanes(world: World) -> None:
    empty = {"waiting": 0, "in_flight": 0, "delayed": 0, "concurrency": 2, "yours": NOTHING}

    assert lanes(world) == {"on-time": empty, "flexible": empty}


def test_each_lane_has_its_own_jobs_and_since_when_the_oldest_waits(world: World) -> None:
    world.submit(deadline={"within": 600})
    world.pass_time(5)
    world.submit(deadline={"within": 600})
    world.submit(start={"after": 60})
    found = lanes(world)

    assert (found["on-time"]["waiting"], found["flexible"]["delayed"]) == (2, 1)
    assert found["on-time"]["yours"] == {
        "queued": 2,
        "running": 0,
        "waiting_since": "2026-11-24T12:00:00.000Z",
    }
    assert found["flexible"]["yours"] == NOTHING
    world.pass_time(100)
    assert fresh(world)["flexible"]["yours"]["waiting_since"] == "2026-11-24T12:01:05.000Z"


def test_a_job_that_runs_waits_no_longer(world: World) -> None:
    meanwhile(world, dies(world))
    killed(world)
    found = lanes(world)["flexible"]

    assert (found["waiting"], found["in_flight"]) == (0, 1)
    assert found["yours"] == NOTHING | {"running": 1}


def test_a_failed_job_waits_from_when_its_next_attempt_may_start(world: World) -> None:
    meanwhile(world, lambda _: 1 / 0)
    world.work()
    waits = lanes(world)["flexible"]["yours"]

    assert waits["queued"] == 1
    assert "2026-11-24T12:00:00.500Z" <= waits["waiting_since"] <= "2026-11-24T12:00:01.000Z"


def test_another_owner_is_seen_as_a_number_of_messages_and_no_more(world: World) -> None:
    world.submit(owner="other")
    found = lanes(world)["flexible"]

    assert (found["waiting"], found["yours"]) == (1, NOTHING)
    assert lanes(world, "other")["flexible"]["yours"]["queued"] == 1


def test_lanes_are_read_once_in_ten_seconds(world: World) -> None:
    world.call("lanes")
    world.submit()
    world.calls.clear()
    world.pass_time(9)
    page = world.call("lanes").json
    assert (page["as_of"], world.calls) == ("2026-11-24T12:00:00.000Z", [])
    world.pass_time(1)
    page = world.call("lanes").json

    assert page["as_of"] == "2026-11-24T12:00:10.000Z"
    assert sorted(world.calls) == ["dynamodb.Query", *["sqs.GetQueueAttributes"] * 2]
