"""Idempotency keys: one job for all requests of an owner that show the same key."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from tests.integration.world import START, World

DAY_S = 24 * 3600


class Crash(BaseException):
    """The end of a Lambda in the middle of its work."""


def crash(_: Any) -> AWSResponse:
    raise Crash


def keys(world: World) -> list[dict[str, Any]]:
    return [item for item in world.items() if item["SK"] == "KEY"]


def test_the_same_request_under_the_same_key_is_the_same_job(world: World) -> None:
    first = world.submit(key="k", tags={"a": "b"})
    again = world.submit(key="k", tags={"a": "b"})

    assert (first.status, again.status) == (202, 202)
    assert again.json == first.json
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert world.messages() == 1


def test_a_replay_shows_the_job_as_it_is_now(world: World) -> None:
    job = world.submit(key="k").json["id"]
    world.work()
    again = world.submit(key="k")

    assert (again.status, again.json) == (202, world.see(job))
    assert again.json["status"] == "succeeded"
    assert "retry-after" not in again.headers


@pytest.mark.parametrize(
    ("operation", "body"),
    [
        ("text-stats", {"input": {"text": "b"}}),
        ("text-stats", {"input": {"text": "a"}, "retention": 3600}),
        ("text-stats", {"input": {"text": "a"}, "tags": {"a": "b"}}),
        ("text-stats", {"input": {"text": "a"}, "deadline": {"within": 60}}),
        ("text-stats", {"input": {"text": "a"}, "start": {"after": 60}}),
        ("echo", {"input": {"value": "a"}}),
    ],
)
def test_another_request_under_the_key_is_refused(
    world: World, operation: str, body: dict[str, Any]
) -> None:
    first = world.submit(given={"text": "a"}, key="k")
    before = world.counts()
    headers = {"idempotency-key": "k"}
    reply = world.call("submit", operation=operation, body=body, headers=headers)

    assert (reply.status, reply.problem) == (422, "idempotency-key-reused")
    assert world.counts() == before
    assert world.see(first.json["id"])["status"] == "queued"


@pytest.mark.parametrize(
    "raw",
    [
        '{"tags":{"a":"b","c":"d"},"input":{"top":1,"text":"\\u0061"}}',
        ' { "input" : { "text":"a", "top": 1.0 }, "tags": {"c":"d", "a":"b"}, "retention": null }',
    ],
)
def test_the_spelling_of_the_json_does_not_make_another_request(world: World, raw: str) -> None:
    tags = {"a": "b", "c": "d"}
    first = world.submit(given={"text": "a", "top": 1}, tags=tags, key="k")
    again = world.call("submit", raw=raw, headers={"idempotency-key": "k"})

    assert again.json["id"] == first.json["id"]


@pytest.mark.parametrize("name", ["start", "deadline", "retention", "callback"])
def test_a_null_member_is_the_same_as_no_member(world: World, name: str) -> None:
    first, again = (world.submit(key="k", **asked) for asked in ({}, {name: None}))

    assert (again.status, again.json["id"]) == (202, first.json["id"])


def test_empty_tags_and_an_empty_input_are_the_same_as_no_member(world: World) -> None:
    key = {"idempotency-key": "k"}
    bodies: list[dict[str, Any]] = [{}, {"input": {}}, {"input": {}, "tags": {}}]
    replies = [world.call("submit", operation="meanwhile", body=b, headers=key) for b in bodies]

    assert {reply.status for reply in replies} == {202}
    assert len({reply.json["id"] for reply in replies}) == 1


def test_an_explicit_default_is_another_request_than_no_argument(world: World) -> None:
    replies = [world.submit(given={"text": "a"} | more, key="k") for more in ({}, {"top": 10})]

    assert [reply.status for reply in replies] == [202, 422]


def test_the_door_and_the_wait_do_not_make_another_request(world: World) -> None:
    first = world.submit(given={"text": "a"}, key="k")
    again = world.hybrid(given={"text": "a"}, key="k", prefer="wait=1")

    assert (again.status, again.json["id"]) == (202, first.json["id"])
    assert again.headers["idempotency-replayed"] == "true"
    assert world.messages() == 1


def test_the_same_key_of_another_owner_is_another_key(world: World) -> None:
    mine = world.submit(key="k")
    theirs = world.submit(given={"text": "another"}, key="k", owner="other")

    assert theirs.status == 202
    assert theirs.json["id"] != mine.json["id"]
    assert "idempotency-replayed" not in theirs.headers


def test_a_key_lives_for_a_day(world: World) -> None:
    first = world.submit(key="k", retention=3 * DAY_S).json["id"]
    world.work()
    world.pass_time(DAY_S - 0.001)
    assert world.submit(key="k", retention=3 * DAY_S).json["id"] == first
    world.pass_time(0.001)
    new = world.submit(key="k", given={"text": "another"})

    assert (new.status, new.json["status"]) == (202, "queued")
    assert new.json["id"] != first
    assert "idempotency-replayed" not in new.headers
    (key,) = keys(world)
    assert key["expires"] == START + 2 * DAY_S * 1000
    assert key["ttl"] > key["expires"] // 1000


def test_the_job_outlives_the_key_that_names_it(world: World) -> None:
    job = world.submit(key="k", retention=3600).json["id"]
    world.work()
    (key,) = keys(world)

    assert world.job(job)["ttl"] > key["ttl"]


@pytest.mark.parametrize("how", ["erased", "expired"])
def test_a_key_whose_job_is_gone_says_so_until_it_is_over(world: World, how: str) -> None:
    job = world.submit(key="k", retention=3600).json["id"]
    world.work()
    if how == "erased":
        world.call("erase", id=job)
    else:
        world.pass_time(3600)
    before = world.counts()
    reply = world.submit(key="k", retention=3600)

    assert (reply.status, reply.problem) == (410, "job-expired")
    assert world.counts() == before


@pytest.mark.parametrize("call", ["sqs.SendMessage", "dynamodb.PutItem"])
def test_a_replay_finishes_what_a_crash_began(world: World, call: str) -> None:
    """The crash comes after the key: before the message, or between message and record."""
    if call == "dynamodb.PutItem":
        world.faults.once(call, lambda _: None)  # the key's
    world.faults.once(call, crash)
    with pytest.raises(Crash):
        world.submit(key="k")
    (key,) = keys(world)
    world.pass_time(30)
    reply = world.submit(key="k")
    world.work()

    assert (reply.status, reply.json["id"]) == (202, key["job"])
    assert world.see(key["job"])["status"] == "succeeded"
    assert world.see(key["job"])["attempt"] == 1
    assert [item["SK"] for item in world.items() if item["SK"] != "KEY"] == [key["job"]]


def test_the_request_that_crashed_may_be_finished_by_another_at_the_same_time(
    world: World,
) -> None:
    """Between the message and the record of one request, another under its key goes all the way."""
    replies = []
    world.faults.once("dynamodb.PutItem", lambda _: None)
    world.faults.once("dynamodb.PutItem", lambda _: replies.append(world.submit(key="k")))
    replies.append(world.submit(key="k"))
    world.work()

    assert [r.status for r in replies] == [202, 202]
    assert replies[0].json["id"] == replies[1].json["id"]
    assert world.see(replies[0].json["id"])["attempt"] == 1


def test_a_time_that_has_passed_since_is_no_fault_of_a_replay(world: World) -> None:
    times: dict[str, Any] = {
        "start": {"at": "2026-11-24T12:00:10Z"},
        "deadline": {"at": "2026-11-24T13:00:00Z"},
    }
    first = world.submit(key="k", **times)
    world.pass_time(7200)
    again = world.submit(key="k", **times)

    assert (again.status, again.json["id"]) == (202, first.json["id"])
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json["error"]["type"].endswith("/deadline-exceeded")


def test_a_time_that_has_passed_is_a_fault_where_the_key_names_no_job(world: World) -> None:
    past = {"at": "2026-11-24T11:00:00Z"}
    reply = world.submit(key="k", start=past)

    assert (reply.status, reply.problem) == (422, "impossible-time")
    assert world.counts() == (0, 0, 0)


def test_a_time_that_has_passed_is_a_fault_where_a_crash_left_no_job(world: World) -> None:
    start = {"at": "2026-11-24T12:00:10Z"}
    world.faults.once("sqs.SendMessage", crash)
    with pytest.raises(Crash):
        world.submit(key="k", start=start)
    world.pass_time(60)
    reply = world.submit(key="k", start=start)

    assert (reply.status, reply.problem) == (422, "impossible-time")
    assert world.messages() == 0


def test_a_passed_time_does_not_hide_that_the_key_was_another_requests(world: World) -> None:
    world.submit(key="k")
    reply = world.submit(key="k", start={"at": "2026-11-24T11:00:00Z"})

    assert (reply.status, reply.problem) == (422, "idempotency-key-reused")


# ── what has changed since ────────────────────────────────────────────────────────────────────


def upload_gone(world: World) -> tuple[Any, Callable[[], object]]:
    """Return an input of an upload, and what takes the upload away."""
    name = world.call("upload", body={"size": 3, "media_type": "text/plain"}).json["id"]
    object_ = {"Bucket": world.ids["Bucket"], "Key": f"uploads/acme/{name}"}
    world.s3.put_object(Body=b"abc", **object_)
    return {"file": {"upload": name}}, lambda: world.s3.delete_object(**object_)


def operation_gone(world: World, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Have a deployment take an operation away."""
    catalogue = world.app("submit").services.catalogue
    find = catalogue.find
    monkeypatch.setattr(catalogue, "find", lambda asked: None if asked == name else find(asked))


@pytest.mark.parametrize("door", ["submit", "hybrid"])
def test_a_replay_needs_no_upload(world: World, door: str) -> None:
    given, take_away = upload_gone(world)
    ask = getattr(world, door)
    first = ask("read", given, key="k")
    take_away()
    again, other = ask("read", given, key="k"), ask("read", given, key="another")

    assert again.headers["idempotency-replayed"] == "true"
    assert again.status == first.status
    assert (other.status, other.problem) == (422, "invalid-input")


def test_a_replay_needs_no_operation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    first = world.submit("meanwhile", {}, key="k")
    operation_gone(world, monkeypatch, "meanwhile")
    again, other = (world.submit("meanwhile", {}, key=key) for key in ("k", "another"))

    assert (again.status, again.json["id"]) == (202, first.json["id"])
    assert (other.status, other.problem) == (404, "unknown-operation")


def test_a_retrys_replay_needs_no_operation(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    old = world.submit("meanwhile", {}).json["id"]
    world.work()
    first = world.call("retry", id=old, headers={"idempotency-key": "k"})
    operation_gone(world, monkeypatch, "meanwhile")
    again = world.call("retry", id=old, headers={"idempotency-key": "k"})

    assert (again.status, again.json["id"]) == (202, first.json["id"])


def test_a_replay_may_come_to_the_host_that_is_called_back(world: World) -> None:
    body = {"input": {"text": "To be."}, "callback": {"url": "https://hooks.example.com/x"}}
    first = world.call("submit", body=body, headers={"idempotency-key": "k"})
    again, other = (
        world.call(
            "submit", body=body, headers={"idempotency-key": key}, domain="hooks.example.com"
        )
        for key in ("k", "another")
    )

    assert (again.status, again.json["id"]) == (202, first.json["id"])
    assert (other.status, other.problem) == (422, "callback-refused")


def test_a_replay_that_finds_its_job_past_its_keep_says_so_each_time(world: World) -> None:
    """It is the first to see that the deadline was missed."""
    asked = {"key": "k", "retention": 3600, "deadline": {"within": 60}}
    world.submit(**asked)
    world.pass_time(60 + 3600 + 1)
    replies = [world.submit(**asked) for _ in range(2)]

    assert [(r.status, r.problem) for r in replies] == [(410, "job-expired")] * 2
