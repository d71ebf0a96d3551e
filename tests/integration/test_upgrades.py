"""The data of each version is handled by today's code; all that today's code writes is in a fixture."""

import json
import re
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from standardwebhooks import Webhook

from nowlater.access.api_keys import Key
from nowlater.jobs.callback import Callback
from nowlater.jobs.model import ENDED, Job, Ref
from nowlater.notifications.delivery import Delivery, DeliveryAttempt
from tests import receiver as plays
from tests import stack
from tests.integration.callbacks import run_redrive
from tests.integration.credentials import authorized
from tests.integration.faults import answered
from tests.integration.lambdas import lambda_context, reply_of
from tests.integration.world import World
from tests.receiver import Receiver
from tests.upgrades import fixture
from tests.upgrades.fixture import Fixture

ALIVE = ("scheduled", "queued", "running")
NO_KEY = {"idempotency-key": None}
CURRENT = tomllib.loads((stack.ROOT / "pyproject.toml").read_text())["project"]["version"]


@pytest.fixture(params=fixture.versions())
def stored(request: pytest.FixtureRequest, world: World, receiver: Receiver) -> Fixture:
    """The data of a version, put into the world."""
    state = fixture.read(request.param, receiver)
    fixture.put(world, state)
    return state


def by_id(stored: Fixture, **wanted: Any) -> Iterator[dict[str, Any]]:
    """Yield the jobs that their owners could see, as they saw them; some by their status."""
    for job in stored.callers["jobs"]:
        if "shown" in job and job["shown"]["status"] in wanted.get("statuses", (*ENDED, *ALIVE)):
            yield job


def kept(before: Any, now: Any) -> bool:
    """Tell whether all that was said before is still said, whatever was added."""
    if isinstance(before, dict) and isinstance(now, dict):
        return all(name in now and kept(before[name], now[name]) for name in before)
    if isinstance(before, list) and isinstance(now, list):
        return len(before) == len(now) and all(map(kept, before, now))
    return bool(before == now)


# ── what callers see ──────────────────────────────────────────────────────────────────────────


def test_each_job_is_shown_as_before(world: World, stored: Fixture) -> None:
    for job in stored.callers["jobs"]:
        now = fixture.seen(world, job["id"], job["owner"])

        assert kept({k: job[k] for k in job if k not in ("name", "id", "owner")}, now), job["name"]


def test_lists_go_on_from_a_cursor(world: World, stored: Fixture) -> None:
    assert len(stored.callers["pages"]) > 2
    for page in stored.callers["pages"]:
        shown = world.call("list", query=page["query"]).json

        assert [job["id"] for job in shown["jobs"]] == page["jobs"]


def test_each_idempotency_key_names_its_job(world: World, stored: Fixture) -> None:
    for asked in stored.callers["requests"]:
        reply = ask_again(world, asked)
        named = reply.headers.get("content-location", reply.headers.get("location", ""))
        is_replayed = reply.headers.get("idempotency-replayed") == "true"

        assert reply.status in (200, 202, 422), reply
        assert named.rpartition("/")[2] == asked["job"]
        assert is_replayed == (not asked.get("lost"))


def test_an_idempotency_key_is_refused_for_another_body(world: World, stored: Fixture) -> None:
    for asked in stored.callers["requests"]:
        if asked["route"] != "retry":
            other = ask_again(world, asked | {"body": asked["body"] | {"retention": 9000}})

            assert other.problem == "idempotency-key-reused"


def ask_again(world: World, asked: dict[str, Any]) -> Any:
    headers = {"idempotency-key": asked["key"], "prefer": "respond-async"}
    if asked["route"] == "retry":
        return world.call("retry", id=asked["of"], headers=headers)
    how = {name: asked[name] for name in ("operation", "owner", "body")}
    return world.call(asked["route"], headers=headers, **how)


def test_each_api_key_is_taken_as_it_was(world: World, stored: Fixture) -> None:
    for key in stored.callers["keys"]:
        assert kept(key["answer"], authorized(world, f"Bearer {key['token']}"))


def test_routes_know_callers_by_what_the_authorizer_said(world: World, stored: Fixture) -> None:
    """API Gateway remembers an answer of the earlier authorizer for five minutes."""
    for key in stored.callers["keys"]:
        if key["answer"]["isAuthorized"]:
            event = stack.event("list")
            event["requestContext"]["authorizer"]["lambda"] = key["answer"]["context"]
            reply = reply_of(world.app("status").handler(event, lambda_context()))

            assert (reply.status, bool(reply.json["jobs"])) == (200, True)


def test_estimates_rest_on_the_runs_that_were_counted(world: World, stored: Fixture) -> None:
    item = next(i for i in stored.table["items"] if i["PK"] == "STATS#echo")
    job = stored.job("queued")
    world.job(job, operation="echo")

    assert world.see(job)["estimate"]["rests_on"]["runs"] == item["runs"]


# ── what callers do ───────────────────────────────────────────────────────────────────────────


def test_what_has_not_ended_can_be_canceled_and_nothing_else_can(
    world: World, stored: Fixture
) -> None:
    for job in by_id(stored):
        reply = world.call("cancel", id=job["id"], owner=job["owner"])
        status = job["shown"]["status"]
        may = status == "canceled" or status in ALIVE

        assert (reply.status, reply.problem) == ((200, None) if may else (409, "already-ended"))


def test_what_has_ended_can_be_erased_and_nothing_else_can(world: World, stored: Fixture) -> None:
    for job in by_id(stored):
        reply = world.call("erase", id=job["id"], owner=job["owner"])
        is_ended = job["shown"]["status"] in ENDED

        assert reply.status == (204 if is_ended else 409)
        if is_ended:
            assert world.call("status", id=job["id"], owner=job["owner"]).status == 410
            assert not [key for key in world.objects() if job["id"] in key]


def test_what_has_ended_can_be_retried_and_ends_likewise(
    world: World, stored: Fixture, receiver: Receiver
) -> None:
    # Of these, what they are asked to do was not all that decided their end.
    chance = {"cut short three times", "late", "unavailable", "flaky"}
    again = {}
    for job in by_id(stored, statuses=("succeeded", "failed")):
        reply = world.call("retry", id=job["id"], owner=job["owner"], headers=NO_KEY)

        assert (reply.status, reply.json["retry_of"]) == (202, job["id"])
        if job["name"] in chance:
            world.call("cancel", id=reply.json["id"], owner=job["owner"])
        else:
            again[reply.json["id"]] = job
    fixture.settle(world, receiver)
    for retried, job in again.items():
        item = world.job(retried, owner=job["owner"])
        assert item["status"] == job["shown"]["status"], job["name"]
        assert (item.get("error") or {}).get("name") == _error(job["shown"]), job["name"]


def _error(shown: Any) -> str | None:
    return None if shown["error"] is None else shown["error"]["type"].rpartition("/")[2]


# ── what Lambdas do ───────────────────────────────────────────────────────────────────────────


def test_every_job_ends_as_it_did_in_its_own_version(
    world: World, stored: Fixture, receiver: Receiver
) -> None:
    assert fixture.after(world, receiver, stored) == stored.after
    assert not [key for key in world.objects() if key.startswith(("dead-letters/", "aws/"))]


def test_each_message_of_a_lane_is_worked_on(world: World, stored: Fixture) -> None:
    for queue in ("OnTimeQueue", "FlexibleQueue"):
        for message in stored.queues[queue]:
            ref = json.loads(message["body"])
            before = world.table.get_item(Key=_key(ref)).get("Item")
            world.direct(ref["id"], ref["owner"])
            after = world.table.get_item(Key=_key(ref)).get("Item")

            may_run = before is not None and _may_run(before, world.now)
            assert (after != before) == may_run


def _key(ref: dict[str, str]) -> dict[str, str]:
    return {"PK": f"JOB#{ref['owner']}#0", "SK": ref["id"]}


def _may_run(item: dict[str, Any], now: int) -> bool:
    waits = item["status"] in ("scheduled", "queued") and item.get("not_before", 0) <= now
    return waits or (item["status"] == "running" and item["lease_until"] < now)


def test_a_worker_is_called_as_it_was(world: World, stored: Fixture) -> None:
    for invoked in stored.callers["invocations"]:
        now = world.app("work").handler(invoked["payload"], lambda_context())

        assert now["id"] == invoked["payload"]["id"]
        assert now["status"] in ENDED


def test_a_worker_is_understood_as_it_answered(world: World, stored: Fixture) -> None:
    """Hybrid may call the Work of before, which answers as it did."""
    for invoked in stored.callers["invocations"]:
        said = json.dumps(invoked["reply"]).encode()
        world.faults.always("lambda.Invoke", lambda r, said=said: answered(r.url, 200, said))  # type: ignore[misc]
        reply = world.hybrid("echo", {"value": "not this one"})

        assert reply.status == (200 if invoked["reply"]["status"] == "succeeded" else 422)


def test_each_record_of_an_end_is_published_as_before(world: World, stored: Fixture) -> None:
    world.app("notify").handler({"Records": stored.stream["records"]}, lambda_context())
    notifications = {t["MessageId"]: t for t in world.published()}.values()
    now = {json.loads(t["Message"])["id"]: t for t in notifications}
    before = {e["Message"]["id"]: e for e in stored.stream["events"]}

    assert now.keys() == before.keys()
    for event_id, event in before.items():
        assert kept(event["Message"], json.loads(now[event_id]["Message"]))
        attributes = {k: v["Value"] for k, v in now[event_id]["MessageAttributes"].items()}
        assert attributes == event["MessageAttributes"]


# ── webhooks ──────────────────────────────────────────────────────────────────────────────────


def test_owners_keep_their_secrets(world: World, stored: Fixture) -> None:
    for known in stored.callers["secrets"]:
        query = {"host": known["shown"]["host"]}

        assert kept(known["shown"], world.call("secret", owner=known["owner"], query=query).json)


def test_each_webhook_is_signed_with_the_secret_that_its_owner_has(
    world: World, stored: Fixture, receiver: Receiver
) -> None:
    secrets = {known["owner"]: known["shown"] for known in stored.callers["secrets"]}
    for job in by_id(stored, statuses=("succeeded",)):
        if job["deliveries"]:
            receiver.requests.clear()
            reply = world.call("replay", id=job["id"], owner=job["owner"])
            world.pass_time(1)
            while world.send_webhooks()["records"]:
                pass
            sent = [r for r in receiver.requests if job["id"] in r.headers["webhook-id"]]

            assert (reply.status, len(sent)) == (202, 1), job["name"]
            for secret in _secrets(secrets[job["owner"]]):
                assert _signed(sent[0], secret) in sent[0].headers["webhook-signature"].split()
            assert sent[0].body.decode() in [w["body"] for w in _bodies(stored, job["id"])]


def _secrets(shown: dict[str, Any]) -> list[str]:
    return [shown["secret"], *(before["secret"] for before in shown["previous"])]


def _signed(request: Any, secret: str) -> str:
    at = datetime.fromtimestamp(int(request.headers["webhook-timestamp"]), UTC)
    return str(Webhook(secret).sign(request.headers["webhook-id"], at, request.body.decode()))


def _bodies(stored: Fixture, job: str) -> list[dict[str, Any]]:
    """Return the webhooks of a job, as they were sent or lay in the queue."""
    queued = [json.loads(message["body"]) for message in stored.queues["WebhookQueue"]]
    sent = [w for w in stored.callers["webhooks"] if job in w["headers"]["webhook-id"]]
    return sent + [webhook for webhook in queued if webhook["job"] == job]


def test_what_was_given_up_is_sent_again_when_asked(
    world: World, stored: Fixture, receiver: Receiver
) -> None:
    run_redrive(world)
    receiver.plays[:] = [plays.ok]
    fixture.settle(world, receiver)
    given_up = stored.job("given up")

    assert f"{given_up}/succeeded" in [r.headers["webhook-id"] for r in receiver.requests]
    assert (world.delivery(given_up) or {})["state"] == "delivered"


# ── the fixtures themselves ───────────────────────────────────────────────────────────────────


@pytest.fixture
def current() -> Fixture:
    renew = f"write them: python -m tests.upgrades write {CURRENT}"
    assert CURRENT in fixture.versions(), renew
    return fixture.read(CURRENT)


def test_todays_code_writes_nothing_that_no_fixture_knows(
    world: World, receiver: Receiver, current: Fixture
) -> None:
    new = fixture.shape(fixture.take(world, receiver)) - fixture.shape(current)

    assert not new, f"python -m tests.upgrades write {CURRENT}"


@pytest.mark.parametrize(
    ("kind", "where", "named_by_keys"),
    [
        (Job, "JOB", {"owner", "id"}),
        (Delivery, "DELIVERY", {"owner", "job", "number"}),
        (DeliveryAttempt, "DELIVERY.attempts", set()),
        (Callback, "JOB.callback", set()),
        (Key, "APIKEY", {"id"}),
        (Ref, "FlexibleQueue", set()),
    ],
)
def test_the_fixtures_hold_all_that_an_item_can(
    current: Fixture, kind: Any, where: str, named_by_keys: set[str]
) -> None:
    found = {
        name.removeprefix(f"{where}.")
        for name in fixture.shape(current)
        if name.startswith(f"{where}.")
    }

    assert set(kind.__struct_fields__) - named_by_keys <= found


def test_what_was_released_has_not_changed() -> None:
    digests = {version: fixture.digest(version) for version in fixture.released()}

    assert digests == fixture.released()


def test_each_version_that_the_changelog_dates_is_sealed_and_no_other() -> None:
    changelog = (stack.ROOT / "CHANGELOG.md").read_text()
    dated = set(re.findall(r"^## \[(\d[^]]*)\] - \d{4}-\d\d-\d\d$", changelog, re.MULTILINE))

    assert set(fixture.released()) == dated
    assert set(fixture.versions()) - dated <= {CURRENT}
