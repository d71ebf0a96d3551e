"""While it is replaced, a version meets what the next one writes: it reads past what it does not know.

What it does not know it keeps: an item that it writes loses nothing of it.
"""

import json
from typing import Any

import pytest

from nowlater.access import api_keys
from tests import stack
from tests.integration.credentials import authorized
from tests.integration.faults import answered
from tests.integration.lambdas import lambda_context, reply_of
from tests.integration.world import START, World
from tests.receiver import Receiver
from tests.upgrades import fixture
from tests.upgrades.fixture import Fixture

#: What a later version may add anywhere; `b` is how the counts of a histogram begin.
NEWS = {"beyond": {"what": ["is", "known", 2]}}


def newer(value: dict[str, Any]) -> dict[str, Any]:
    """Return an item, or a part of one, as a later version might write it."""
    inner = {"callback": value["callback"] | NEWS} if value.get("callback") else {}
    tries = (
        {"attempts": [made | NEWS for made in value["attempts"]]} if value.get("attempts") else {}
    )
    return value | inner | tries | NEWS


def newer_text(body: str) -> str:
    return json.dumps(json.loads(body) | NEWS)


@pytest.fixture
def stored(world: World, receiver: Receiver) -> Fixture:
    """The data of the next version, in a world where this version runs."""
    state = fixture.read(max(fixture.versions()), receiver)
    state.table["items"] = [newer(item) for item in state.table["items"]]
    for messages in state.queues.values():
        for message in messages:
            message["body"] = newer_text(message["body"])
    fixture.put(world, state)
    return state


def test_newer_items_and_messages_come_to_the_same_end(
    world: World, stored: Fixture, receiver: Receiver
) -> None:
    assert fixture.after(world, receiver, stored) == stored.after
    assert not [key for key in world.objects() if key.startswith(("dead-letters/", "aws/"))]


def test_newer_jobs_are_shown_as_far_as_they_are_known(world: World, stored: Fixture) -> None:
    for job in stored.callers["jobs"]:
        before = {k: job[k] for k in job if k not in ("name", "id", "owner")}
        now = fixture.seen(world, job["id"], job["owner"])

        assert now == before, job["name"]


def test_no_write_loses_what_a_newer_version_wrote(
    world: World, stored: Fixture, receiver: Receiver
) -> None:
    fixture.settle(world, receiver)
    for job in stored.callers["jobs"]:
        world.call("cancel", id=job["id"], owner=job["owner"])
        world.call("replay", id=job["id"], owner=job["owner"])
        world.call("erase", id=job["id"], owner=job["owner"])
    for owner in ("acme", "other"):
        world.call("rotate", owner=owner)
    for item in stored.table["items"]:
        key = {"PK": item["PK"], "SK": item["SK"]}

        assert world.table.get_item(Key=key)["Item"]["beyond"] == NEWS["beyond"], key


def test_a_newer_record_of_an_end_is_published(world: World, stored: Fixture) -> None:
    news = {"beyond": {"M": {"what": {"S": "is new"}}}}
    for record in stored.stream["records"]:
        for image in ("OldImage", "NewImage"):
            record["dynamodb"][image] |= news
    world.app("notify").handler({"Records": stored.stream["records"]}, lambda_context())
    published = {json.loads(t["Message"])["id"] for t in world.published()}

    assert published == {e["Message"]["id"] for e in stored.stream["events"]}


def test_a_newer_hybrid_is_answered_and_a_newer_worker_is_understood(
    world: World, stored: Fixture
) -> None:
    for invoked in stored.callers["invocations"]:
        now = world.app("work").handler(invoked["payload"] | NEWS, lambda_context())
        said = json.dumps(newer(invoked["reply"])).encode()
        world.faults.always("lambda.Invoke", lambda r, said=said: answered(r.url, 200, said))  # type: ignore[misc]
        reply = world.hybrid("echo", {"value": "not this one"})

        assert now["status"] == invoked["reply"]["status"]
        assert reply.status == (200 if now["status"] == "succeeded" else 422)


def test_a_newer_authorizer_is_understood(world: World, stored: Fixture) -> None:
    event = stack.event("list")
    event["requestContext"]["authorizer"]["lambda"] |= {"beyond": "what is known"}
    reply = reply_of(world.app("status").handler(event, lambda_context()))

    assert (reply.status, bool(reply.json["jobs"])) == (200, True)


def test_a_newer_api_key_is_taken(world: World) -> None:
    table = world.app("authorize").services.table
    key, token = api_keys.issue(table, "acme", now=START)
    item = world.table.get_item(Key={"PK": f"APIKEY#{key.id}", "SK": "APIKEY"})["Item"]
    world.table.put_item(Item=item | NEWS)

    assert authorized(world, f"Bearer {token}")["isAuthorized"]


@pytest.mark.parametrize("route", ["status", "result"])
def test_an_unknown_kind_of_problem_is_shown_as_it_is(world: World, route: str) -> None:
    job = world.submit("fail", {"kind": "refused"}).json["id"]
    world.work()
    world.job(job, error={"name": "of-the-next-version", "detail": "What it says.", "more": 1})
    event = stack.event(route)  # not by `world.call`: this version's contract does not know it
    event["pathParameters"] = {"id": job}
    reply = reply_of(world.app("status").handler(event, lambda_context()))
    problem = reply.json["error"] if route == "status" else reply.json

    assert reply.status == {"status": 200, "result": 409}[route]
    assert problem.pop("title")
    assert problem == {
        "type": "https://api.example.com/problems/of-the-next-version",
        "status": {"status": 500, "result": 409}[route],
        "detail": "What it says.",
        "code": "of-the-next-version",
        "message": "What it says.",
        "more": 1,
    }


def test_the_end_of_a_job_with_an_unknown_kind_of_problem_is_published(world: World) -> None:
    job = world.submit("fail", {"kind": "refused"}).json["id"]
    world.work()
    (record,) = world.ends()
    record["dynamodb"]["NewImage"]["error"]["M"]["name"] = {"S": "of-the-next-version"}
    world.app("notify").handler({"Records": [record]}, lambda_context())
    (notification,) = world.published()

    assert json.loads(notification["Message"])["id"] == f"{job}/failed"
    assert json.loads(notification["Message"])["data"]["error"]["type"].endswith(
        "/of-the-next-version"
    )
