"""An owner's list of jobs, and jobs to be listed."""

from typing import Any

from tests.integration.world import World


def listed(world: World, owner: str = "acme", **query: str) -> list[str]:
    """Return the ids of a list's first page."""
    reply = world.call("list", query=query, owner=owner)
    assert reply.status == 200, reply.json
    return [job["id"] for job in reply.json["jobs"]]


def submitted(world: World, count: int, **envelope: Any) -> list[str]:
    """Submit jobs a second apart; return their ids, newest first."""
    ids = []
    for _ in range(count):
        world.pass_time(1)
        ids.append(str(world.submit(**envelope).json["id"]))
    return ids[::-1]
