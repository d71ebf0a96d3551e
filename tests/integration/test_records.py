"""Records that cannot be read or shown: each affects only the job, key or owner that it belongs to."""

import hashlib
from decimal import Decimal
from typing import Any

import pytest

from nowlater.access import api_keys
from nowlater.aws.records import Unreadable
from tests.integration.credentials import authorized, table
from tests.integration.lists import listed, submitted
from tests.integration.world import START, World
from tests.receiver import Receiver

YEAR_10000 = 253_402_300_800_000
#: Attributes of a job's record with which it cannot be shown.
BROKEN: dict[str, dict[str, Any]] = {
    "created out of range": {"created": YEAR_10000},
    "updated before 1970": {"updated": -1},
    "created as text": {"created": "2026-11-24"},
    "created with a fraction": {"created": Decimal("1.5")},
    "deadline out of range": {"deadline": YEAR_10000},
    "deadline of 38 digits": {"deadline": int("9" * 38)},
    "deadline near the end of all": {"deadline": YEAR_10000 - 1},
    "started out of range": {"started": YEAR_10000},
    "start out of range": {"status": "scheduled", "not_before": YEAR_10000 - 1},
    "ended out of range": {"status": "failed", "ended": YEAR_10000},
    "expires out of range": {"status": "failed", "ended": START, "expires": 10**30},
    "due out of range": {"due_at": 10**20},
    "error without anything": {"status": "failed", "error": {}},
    "error without detail": {"status": "failed", "error": {"name": "refused"}},
    "error without name": {"status": "failed", "error": {"detail": "No."}},
    "error of numbers": {"status": "failed", "error": {"name": 1, "detail": 2}},
    "error as text": {"status": "failed", "error": "refused"},
    "result that is no JSON": {"status": "succeeded", "result": '{"a": '},
    "result that is two": {"status": "succeeded", "result": "1 2"},
    "result that is empty": {"status": "succeeded", "result": ""},
    "result of bytes": {"status": "succeeded", "result": b"1"},
    "result that is no base64": {"status": "succeeded", "result": "é", "media_type": "a/b"},
    "result of half a byte": {"status": "succeeded", "result": "A", "media_type": "a/b"},
    "unknown status": {"status": "done"},
    "no status": {"status": None},
    "status of a number": {"status": 1},
    "no operation": {"operation": None},
    "no base": {"base": None},
    "no tries": {"attempts_left": None},
    "tags that are none": {"tags": "a:b"},
    "tags of numbers": {"tags": {"a": 1}},
    "tags of nothing": {"tags": {"a": None}},
    "attempt as text": {"attempt": "1"},
    "attempts without end": {"attempt": 10**12},
    "a keep without end": {"retention_s": 10**15},
    "a time-out without end": {"timeout_ms": 10**15},
    "tries without end": {"attempts_left": 10**9},
    "progress as text": {"status": "running", "started": START, "progress": {"fraction": "half"}},
    "progress as a number": {"status": "running", "progress": 1},
    "erased perhaps": {"erased": "yes"},
    "callback as text": {"callback": "https://hooks.example.com"},
    "callback without URL": {"callback": {"events": ["failed"]}},
    "a set": {"tags": {"a", "b"}},
    "bytes": {"retry_of": b"x"},
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=list(BROKEN))
def test_a_job_that_cannot_be_shown_takes_no_other_with_it(
    world: World, lines: list[Any], broken: dict[str, Any]
) -> None:
    newer, job, older = submitted(world, 3)
    world.job(job, **broken)
    pages = [listed(world), listed(world, limit="1"), listed(world, limit="100")]
    statuses = ("scheduled", "queued", "running", "succeeded", "failed", "canceled")
    by_status = [job for status in statuses for job in listed(world, status=status)]
    alone = world.call("status", id=job)
    faults = [line for line in lines if line["message"] == "record_unreadable"]

    assert pages == [[newer, older], [newer], [newer, older]]
    assert sorted(by_status) == sorted([newer, older])
    assert (alone.status, alone.problem) == (500, "internal-error")
    assert f"job {job} cannot be read" in alone.json["detail"]
    assert job in faults[0]["fault"]
    assert "exception_name" in faults[0]  # FaultsAlarm counts it


@pytest.mark.parametrize(
    "name", sorted(BROKEN.keys() - {"updated before 1970", "started out of range"})
)
def test_a_job_that_cannot_be_shown_keeps_no_lambda_from_the_others(
    world: World, name: str
) -> None:
    due = {"due_at": world.now, "due_shard": 1}
    job, other = (world.submit(deadline={"within": 60}).json["id"] for _ in range(2))
    world.job(job, **due | BROKEN[name])
    world.work("OnTime")
    world.notify()
    world.pass_time(120)
    world.sweep()
    world.notify()

    assert world.see(other)["status"] == "succeeded"
    assert world.see(job).get("status") == 500


def test_a_huge_result_in_a_record_is_shown_and_a_page_is_not_too_large(world: World) -> None:
    jobs = submitted(world, 12)
    for job in jobs:
        end = {"status": "succeeded", "ended": world.now, "expires": world.now + 10**6}
        world.job(job, result=f'"{"x" * 380_000}"', **end)
    first = world.call("list", query={})

    assert [j["id"] for j in first.json["jobs"]] == jobs[: len(first.json["jobs"])]
    assert 4 <= len(first.json["jobs"]) < 12
    assert first.json["next"] is not None


def test_a_key_that_names_an_impossible_job_is_an_error_and_makes_no_job(world: World) -> None:
    world.submit(key="k")
    (record,) = [i for i in world.items() if i["PK"].startswith("KEY#")]
    for changed in ({"job": ""}, {"job": "x"}, {"expires": 10**20}, {"fingerprint": None}):
        broken = {k: v for k, v in (record | changed).items() if v is not None}
        world.table.put_item(Item=broken)
        before = len(world.items())
        reply = world.submit(key="k")

        assert (reply.status, reply.problem) == (500, "internal-error")
        assert "Idempotency-Key cannot be read" in reply.json["detail"]
        assert len(world.items()) == before
    assert world.submit(key="another").status == 202


def test_a_record_whose_key_is_no_id_keeps_its_owner_from_nothing(world: World) -> None:
    job = world.submit().json["id"]
    for name in ("garbage", "~~~", "#", "019ac1d2"):
        world.table.put_item(Item=world.job(job) | {"SK": name})
    world.restart("submit", "hybrid", owner_waiting=1000)

    assert listed(world) == [job]
    assert [world.submit().status for _ in range(3)] == [202] * 3
    assert world.hybrid().status == 200


# ── deliveries ────────────────────────────────────────────────────────────────────────────────

BROKEN_DELIVERIES: dict[str, dict[str, Any]] = {
    "state": {"state": "lost"},
    "no url": {"url": None},
    "url": {"url": "hooks"},
    "next out of range": {"state": "waiting", "next_at": YEAR_10000},
    "attempts": {"attempts": [{"at": YEAR_10000}]},
    "tries as text": {"attempts": "none"},
    "count": {"count": "1"},
}


@pytest.mark.parametrize("broken", BROKEN_DELIVERIES.values(), ids=list(BROKEN_DELIVERIES))
def test_a_delivery_that_cannot_be_read_costs_only_itself(
    world: World, receiver: Receiver, broken: dict[str, Any]
) -> None:
    callback = {"url": receiver.url()}
    job, other = (world.submit(callback=callback).json["id"] for _ in range(2))
    world.work()
    world.notify()
    item = {"PK": f"DELIVERY#acme#{job}", "SK": "0001", "url": receiver.url(), "count": 0}
    item |= {"state": "waiting", "due_at": world.now, "due_shard": 1}
    world.table.put_item(Item={k: v for k, v in (item | broken).items() if v is not None})
    world.send_webhooks()
    world.sweep()
    shown, replayed = (
        world.call("deliveries", id=job),
        world.call("replay", id=job, number="1"),
    )

    assert [r.status for r in (shown, replayed)] == [500, 500]
    assert f"delivery 1 of the job {job} cannot be read" in shown.json["detail"]
    assert world.delivery(other)["state"] == "delivered"  # type: ignore[index]
    assert world.see(job)["status"] == "succeeded"
    assert world.call("erase", id=job).status == 204


def test_as_many_deliveries_as_a_sweep_sends_hide_none_behind_them(
    world: World, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nowlater.worker.sweep.MAX_DELIVERIES", 3)
    job = world.submit(callback={"url": receiver.url()}).json["id"]
    for n in range(5):
        broken = {"PK": f"DELIVERY#acme#{n}", "SK": "0001", "state": "lost"}
        world.table.put_item(Item=broken | {"due_at": 1, "due_shard": 0})
    world.work()
    world.notify()
    world.call("replay", id=job, number="1")
    world.sqs.purge_queue(QueueUrl=world.ids["WebhookQueue"])
    world.pass_time(60)
    world.sweep()
    world.send_webhooks()

    assert world.delivery(job)["state"] == "delivered"  # type: ignore[index]


# ── run times, secrets, keys ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "broken",
    [
        {"b99999999999": 1},
        {"b40": "many"},
        {"b40": -3, "runs": 1},
        {"b40": 10**30, "runs": 10**30},
        {"runs": "many"},
        {"b٣": 1},
        {"b40": {"a": 1}},
    ],
    ids=str,
)
def test_run_times_that_cannot_be_read_take_the_estimate_and_no_more(
    world: World, broken: dict[str, Any]
) -> None:
    world.table.put_item(Item={"PK": "STATS#text-stats", "SK": "STATS"} | broken)
    job, *_ = submitted(world, 2)
    replies = [
        world.call("list", query={}),
        world.call("status", id=job),
        world.call("operation", name="text-stats"),
        world.submit(deadline={"within": 60, "or": "refuse"}),
    ]
    world.work()
    world.notify()

    assert [reply.status for reply in replies] == [200, 200, 200, 202]
    assert len(world.published()) == 2


@pytest.mark.parametrize("broken", [{"n": "1"}, {"changed": [YEAR_10000]}, {"n": None}], ids=str)
def test_secrets_that_cannot_be_read_are_their_owners_alone(
    world: World, receiver: Receiver, broken: dict[str, Any]
) -> None:
    record = {"PK": "SECRET#acme", "SK": "SECRET", "n": 1, "changed": [START]} | broken
    world.table.put_item(Item={k: v for k, v in record.items() if v is not None})
    callback = {"url": receiver.url()}
    mine = world.submit(callback=callback).json["id"]
    other = world.submit(callback=callback, owner="other").json["id"]
    world.work()
    world.notify()
    world.send_webhooks()
    replies = [world.call("secret", query={"host": "a.b"}), world.call("rotate")]

    assert [reply.status for reply in replies] == [500, 500]
    assert "your webhook secrets cannot be read" in replies[0].json["detail"]
    assert world.delivery(mine) is None
    assert world.delivery(other, owner="other")["state"] == "delivered"  # type: ignore[index]


@pytest.mark.parametrize(
    "broken",
    [
        {"scopes": None},
        {"scopes": "invoke"},
        {"expires": YEAR_10000},
        {"created": "today"},
        {"owner": "a#b"},
        {"owner": ""},
        {"sha256": 5},
    ],
    ids=str,
)
def test_a_key_that_cannot_be_read_is_refused_and_other_keys_still_work(
    world: World, broken: dict[str, Any]
) -> None:
    key, token = api_keys.issue(table(world), "acme", now=START)
    good, good_token = api_keys.issue(table(world), "acme", now=START)
    item = world.table.get_item(Key={"PK": f"APIKEY#{key.id}", "SK": "APIKEY"})["Item"] | broken
    world.table.put_item(Item={k: v for k, v in item.items() if v is not None})

    with pytest.raises(Unreadable, match=key.id):
        authorized(world, f"Bearer {token}")
    assert authorized(world, f"Bearer {good_token}")["isAuthorized"]
    found = {k.id: k for k in api_keys.listed(table(world))}
    assert found[good.id] == good
    assert isinstance(found[key.id], api_keys.Broken)
    api_keys.revoke(table(world), key.id)
    assert [k.id for k in api_keys.listed(table(world))] == [good.id]


def test_a_key_with_a_broken_digest_has_no_owner(world: World) -> None:
    key, token = api_keys.issue(table(world), "acme", now=START)
    item = world.table.get_item(Key={"PK": f"APIKEY#{key.id}", "SK": "APIKEY"})["Item"]
    world.table.put_item(Item=item | {"sha256": "é" + hashlib.sha256(b"").hexdigest()})

    assert not authorized(world, f"Bearer {token}")["isAuthorized"]
