"""Who may do what: an owner with its own jobs, and a key with its own scopes."""

from typing import Any

import pytest

from tests.integration.world import World

ON_A_JOB = ("status", "result", "cancel", "retry", "erase")
SCOPES = {
    "sync": "invoke",
    "submit": "invoke",
    "hybrid": "invoke",
    "upload": "invoke",
    "retry": "invoke",
    "status": "read",
    "result": "read",
    "list": "read",
    "operations": "read",
    "operation": "read",
    "cancel": "manage",
    "erase": "manage",
}


@pytest.mark.parametrize("name", ON_A_JOB)
@pytest.mark.parametrize("ended", [False, True])
@pytest.mark.parametrize("owner", ["other", "acme-2", "ACME", "a"])
def test_another_owners_job_is_unknown_on_every_route(
    world: World, name: str, ended: bool, owner: str
) -> None:
    job = world.submit().json["id"]
    if ended:
        world.work()
    before = (world.see(job), world.counts())
    reply = world.call(name, id=job, owner=owner, headers={"idempotency-key": None})
    unknown = world.call(name, id=job[:-12] + "0" * 12, owner=owner)

    assert (reply.status, reply.problem) == (404, "unknown-job")
    assert reply.json == unknown.json
    assert (world.see(job), world.counts()) == before


def test_a_list_shows_its_owners_jobs_alone(world: World) -> None:
    mine = world.submit(owner="acme").json["id"]
    theirs = world.submit(owner="acme2").json["id"]

    for owner, job in (("acme", mine), ("acme2", theirs), ("acm", None)):
        listed = [j["id"] for j in world.call("list", query={}, owner=owner).json["jobs"]]
        assert listed == [job] * (job is not None)


def test_the_cursor_of_one_owner_opens_nothing_to_another(world: World) -> None:
    job = world.submit(owner="acme").json["id"]
    world.pass_time(1)
    cursor = world.submit(owner="acme").json["id"]
    query = {"cursor": cursor}

    assert [j["id"] for j in world.call("list", query=query).json["jobs"]] == [job]
    assert world.call("list", query=query, owner="other").json["jobs"] == []


@pytest.mark.parametrize(("name", "scope"), SCOPES.items())
def test_a_key_without_the_scope_is_refused_with_the_missing_scope(
    world: World, name: str, scope: str
) -> None:
    job = world.submit().json["id"]
    before = world.counts()
    others = " ".join({"invoke", "read", "manage"} - {scope})
    changes: dict[str, Any] = {"id": job} if name in ON_A_JOB else {}
    for scopes in (others, "", scope.upper(), scope + "s"):
        reply = world.call(name, scopes=scopes, **changes)

        assert (reply.status, reply.problem) == (403, "missing-scope"), scopes
        assert reply.json["scope"] == scope
        assert world.counts() == before
    assert world.call(name, scopes=scope, **changes).problem != "missing-scope"


@pytest.mark.parametrize("name", ["health", "problem", "unknown"])
def test_public_routes_are_open_to_all(world: World, name: str) -> None:
    assert world.call(name).status in (200, 404)
    assert world.call(name).problem in (None, "unknown-route")
