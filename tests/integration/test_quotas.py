"""Quotas: an owner with too many jobs is refused for a while, and no other owner is."""

from typing import Any

import pytest

from tests import stack
from tests.integration.lambdas import Reply
from tests.integration.world import World
from tests.snippets import table

QUERY = "dynamodb.Query"
#: Doors that accept jobs, and how to ask at each.
DOORS = ("submit", "hybrid", "retry")


def allow(world: World, **quotas: int) -> None:
    """Set the stack's quotas: `owner_waiting`, and its `shards`."""
    world.restart("submit", "hybrid", **quotas)


def fill(world: World, count: int, shard: int = 0, **attributes: Any) -> None:
    """Record so many jobs of acme, like one that it has submitted and older than all others."""
    job = world.submit("echo", {"value": 1}).json["id"]
    item = world.job(job) | attributes | {"PK": f"JOB#acme#{shard}"}
    with world.table.batch_writer() as batch:
        for n in range(count):
            batch.put_item(Item=item | {"SK": f"{shard}1000{n:03x}{job[8:]}"})


def until_refused(world: World, most: int, **asked: Any) -> tuple[int, Reply]:
    """Submit until it is refused; return how many jobs were accepted, and the refusal."""
    for accepted in range(most + 1):
        reply = world.submit("echo", {"value": accepted}, **asked)
        if reply.status != 202:
            return accepted, reply
    raise AssertionError(f"{most} jobs were accepted, and the next")


def ask(world: World, door: str, ended: str, **headers: str) -> Reply:
    """Ask for a job at one of the doors; `ended` is one to retry."""
    changes: dict[str, Any] = {"id": ended} if door == "retry" else {"operation": "echo"}
    changes |= {} if door == "retry" else {"body": {"input": {"value": 1}}}
    headers = {"prefer": "respond-async"} | headers
    return world.call(door, headers={"idempotency-key": None} | headers, **changes)


def test_the_quotas_are_documented_as_the_template_has_them() -> None:
    parameters = stack.template()["Parameters"]
    documented = {
        row[0].strip("`"): int(row[2]) for row in table("http-api.md", "parameter | limits")
    }

    names = ("OwnerWaiting", "OwnerUploads")
    assert documented == {name: parameters[name]["Default"] for name in names}


def test_an_owner_with_too_many_unfinished_jobs_is_refused_at_the_next_look(world: World) -> None:
    allow(world, owner_waiting=5)
    accepted, refused = until_refused(world, 10)

    assert accepted == 10
    assert (refused.status, refused.problem) == (429, "too-many-jobs")
    assert refused.headers["retry-after"] == "10"
    assert refused.headers["ratelimit"] == '"unfinished-jobs";r=0;t=10'
    assert refused.headers["ratelimit-policy"] == '"unfinished-jobs";q=5;qu="concurrent-requests"'
    assert refused.headers["cache-control"] == "no-store"


def test_a_refused_request_leaves_nothing_and_costs_no_call(world: World) -> None:
    allow(world, owner_waiting=5)
    until_refused(world, 10)
    before = world.counts()
    world.calls.clear()
    refused = world.submit("echo", {"value": "x" * 5000})

    assert refused.problem == "too-many-jobs"
    assert world.calls == []
    assert world.counts() == before


@pytest.mark.parametrize("door", DOORS)
def test_every_door_refuses_that_accepts_jobs(world: World, door: str) -> None:
    ended = world.submit("echo", {"value": 1}).json["id"]
    world.work()
    allow(world, owner_waiting=5)
    replies = [ask(world, door, ended) for _ in range(12)]

    assert [r.status for r in replies] == [202] * 10 + [429] * 2
    assert replies[-1].problem == "too-many-jobs"
    assert world.sync().status == 200


@pytest.mark.parametrize("door", DOORS)
def test_a_replay_is_answered_even_over_the_quota(world: World, door: str) -> None:
    ended = world.submit("echo", {"value": 1}).json["id"]
    world.work()
    allow(world, owner_waiting=5)
    key = {"idempotency-key": "k"}
    first = ask(world, door, ended, **key)
    others = [ask(world, door, ended) for _ in range(12)]
    again = ask(world, door, ended, **key)
    new = ask(world, door, ended, **{"idempotency-key": "another"})

    assert others[-1].problem == "too-many-jobs"
    assert (again.status, again.json["id"]) == (202, first.json["id"])
    assert again.headers["idempotency-replayed"] == "true"
    assert new.problem == "too-many-jobs"


def test_a_refused_request_uses_up_no_key(world: World) -> None:
    allow(world, owner_waiting=5)
    until_refused(world, 10)
    refused = world.submit(key="k")
    world.work()
    world.pass_time(10)
    accepted = world.submit(given={"text": "another"}, key="k")

    assert (refused.status, accepted.status) == (429, 202)
    assert "idempotency-replayed" not in accepted.headers


def test_a_flood_of_one_owner_refuses_no_other(world: World) -> None:
    allow(world, owner_waiting=5)
    until_refused(world, 10, owner="acme")

    for owner in ("other", "acme2", "acm"):
        assert world.submit(owner=owner).status == 202
    assert world.submit(owner="acme").status == 429


def test_a_refusal_is_remembered_for_a_while_and_over_once_jobs_have_ended(world: World) -> None:
    allow(world, owner_waiting=5)
    until_refused(world, 10)
    world.work()
    world.pass_time(9.999)
    remembered = world.submit()
    world.pass_time(0.001)

    assert remembered.headers["retry-after"] == "1"
    assert world.submit().status == 202


def test_an_owner_who_comes_back_with_as_many_is_counted_at_once(world: World) -> None:
    allow(world, owner_waiting=5)
    until_refused(world, 10)
    world.pass_time(10)

    assert world.submit().problem == "too-many-jobs"


def test_the_first_submit_is_looked_at_and_then_one_in_ten(world: World) -> None:
    looks = list[bool]()
    for _ in range(30):
        world.calls.clear()
        world.submit()
        looks.append(QUERY in world.calls)

    assert looks == [n % 10 == 0 for n in range(30)]


def test_owners_are_counted_each_for_itself(world: World) -> None:
    for owner in ("acme", "other"):
        world.calls.clear()
        world.submit(owner=owner)
        world.submit(owner=owner)

        assert world.calls.count(QUERY) == 1


def test_without_quotas_no_owner_is_read(world: World) -> None:
    allow(world, owner_waiting=0)
    for _ in range(12):
        world.submit()

    assert QUERY not in world.calls


def test_more_jobs_than_a_look_reads_are_counted_once_in_ten_seconds(world: World) -> None:
    fill(world, 149)
    allow(world, owner_waiting=1000)
    queries = list[int]()
    for pause_s in [0] * 20 + [10] * 10:
        world.pass_time(pause_s)
        world.calls.clear()
        world.submit("echo", {"value": 1})
        queries.append(world.calls.count(QUERY))

    assert [queries[n] for n in (0, 10, 20)] == [2, 1, 2]


def test_a_number_beyond_what_one_look_reads_is_held(world: World) -> None:
    fill(world, 149)
    allow(world, owner_waiting=150)
    assert world.submit().problem == "too-many-jobs"
    allow(world, owner_waiting=151)
    assert world.submit().status == 202


def test_an_owner_whose_jobs_end_as_they_come_costs_one_call_a_look(world: World) -> None:
    fill(world, 250, status="succeeded")
    allow(world, owner_waiting=150)
    world.calls.clear()

    assert world.submit("echo", {"value": 1}).status == 202
    assert world.calls.count(QUERY) == 1


def test_a_failed_read_of_the_quota_refuses_no_request(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    allow(world, owner_waiting=1)
    world.submit()
    world.restart("submit")
    world.faults.unreachable(QUERY)

    assert world.submit().status == 202
    assert "quota_check_failed" in caplog.text


@pytest.mark.parametrize(("shard", "accepted"), [(0, 0), (1, 10), (2, 20), (3, 30)])
def test_of_many_shards_each_is_looked_at_in_turn_and_stands_for_all(
    world: World, shard: int, accepted: int
) -> None:
    fill(world, 100, shard=shard)
    allow(world, owner_waiting=400, shards=4)
    world.calls.clear()

    assert until_refused(world, 30)[0] == accepted
    assert world.calls.count(QUERY) == 1 + accepted // 10
    allow(world, owner_waiting=800, shards=4)
    assert world.submit().status == 202


def test_a_malformed_request_is_refused_as_such_before_its_quota(world: World) -> None:
    allow(world, owner_waiting=5)
    until_refused(world, 10)

    assert world.call("submit", raw="{").status == 400
    assert world.submit("echo", {"values": 1}).status == 422


def test_a_job_that_cannot_be_read_hinders_no_look(world: World) -> None:
    job = world.submit().json["id"]
    world.job(job, status=None, operation=None)
    allow(world, owner_waiting=5)

    assert until_refused(world, 10)[1].problem == "too-many-jobs"
