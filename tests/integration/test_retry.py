"""Retrying: a new job with the input of one that has ended."""

from typing import Any

import pytest

from tests.integration.world import World

BASE = "https://api.example.com"


def retry(world: World, job: str, key: str | None = None, **changes: Any) -> Any:
    return world.call("retry", id=job, headers={"idempotency-key": key}, **changes)


def ended(world: World, operation: str = "echo", given: Any = None, **envelope: Any) -> str:
    job = world.submit(operation, given or {"value": "again"}, **envelope).json["id"]
    world.work()
    return str(job)


@pytest.mark.parametrize("size", [5, 5000])
def test_a_retry_is_a_new_job_with_the_same_input(world: World, size: int) -> None:
    old = ended(world, given={"value": "x" * size}, tags={"order": "42"}, retention=7200)
    reply = retry(world, old)
    new = reply.json
    world.work()

    assert (reply.status, new["status"], new["retry_of"]) == (202, "queued", old)
    assert new["id"] != old
    assert new["tags"] == {"order": "42"}
    assert reply.headers["location"] == f"{BASE}/jobs/{new['id']}"
    assert world.see(new["id"])["result"] == "x" * size
    assert world.see(new["id"])["expires"] == "2026-11-24T14:00:00.000Z"


def test_a_job_that_failed_or_was_canceled_can_be_retried(world: World) -> None:
    failed = ended(world, "fail", {"kind": "refused"})
    canceled = world.submit().json["id"]
    world.call("cancel", id=canceled)

    assert [retry(world, job).status for job in (failed, canceled)] == [202, 202]


def test_an_unfinished_job_is_not_retried(world: World) -> None:
    job = world.submit().json["id"]
    before = world.counts()
    reply = retry(world, job)

    assert (reply.status, reply.problem) == (409, "unfinished")
    assert world.counts() == before


def test_a_retry_under_a_key_is_one_job(world: World) -> None:
    old = ended(world)
    first, again = retry(world, old, "k"), retry(world, old, "k")

    assert first.json["id"] == again.json["id"]
    assert "idempotency-replayed" not in first.headers
    assert (again.status, again.headers["idempotency-replayed"]) == (202, "true")
    assert world.messages() == 1


@pytest.mark.parametrize("how", ["past its keep", "erased", "forgotten"])
def test_the_key_of_a_retry_finds_its_job_also_when_the_old_one_is_gone(
    world: World, how: str
) -> None:
    old = ended(world, retention=3600)
    world.pass_time(3500)
    first = retry(world, old, "k")
    if how == "erased":
        world.call("erase", id=old)
    elif how == "past its keep":
        world.pass_time(200)
    else:
        world.table.delete_item(Key={k: world.job(old)[k] for k in ("PK", "SK")})
    again, other = retry(world, old, "k"), retry(world, old, "another")

    assert (again.status, again.json["id"]) == (202, first.json["id"])
    assert again.headers["idempotency-replayed"] == "true"
    gone = (404, "unknown-job") if how == "forgotten" else (410, "job-expired")
    assert (other.status, other.problem) == gone


def test_a_retry_without_a_key_is_a_job_each_time(world: World) -> None:
    old = ended(world)

    assert retry(world, old).json["id"] != retry(world, old).json["id"]


def test_a_key_names_one_retry_of_one_job(world: World) -> None:
    one, other = ended(world), ended(world)
    retry(world, one, "k")
    reply = retry(world, other, "k")

    assert (reply.status, reply.problem) == (422, "idempotency-key-reused")


def test_the_key_of_the_old_job_is_not_the_retrys(world: World) -> None:
    old = ended(world, key="k")
    before = world.counts()
    reply = retry(world, old, "k")

    assert (reply.status, reply.problem) == (422, "idempotency-key-reused")
    assert world.counts() == before


def test_a_retry_needs_no_body(world: World) -> None:
    old = ended(world)
    reply = retry(world, old, raw=None)

    assert reply.status == 202


def test_a_job_whose_input_is_no_longer_kept_cannot_be_retried(world: World) -> None:
    job = world.submit("echo", {"value": "x" * 5000}).json["id"]
    world.work()
    world.s3.delete_object(Bucket=world.ids["Bucket"], Key=world.objects("inputs")[0])
    reply = world.call("retry", id=job)

    assert (reply.status, reply.problem) == (410, "job-expired")
