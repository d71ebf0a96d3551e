"""Bad requests of every kind: each is answered with what is wrong, and nothing is stored."""

import base64
from typing import Any

import pytest

from tests.integration.world import START, World

BASE = "https://api.example.com"
ASKING = ("sync", "submit", "hybrid")
INPUT = {"input": {"text": "a"}}
HUGE = "9" * 400

#: Bodies that are not a request, as they arrive.
NO_REQUEST = [
    "",
    "{",
    "null",
    "[]",
    '"text"',
    "17",
    "{'input': {}}",
    '{"input": {"text": "a"}} {}',
    '{"input": {"text": "\\ud800"}}',
    '{"input": {"text": "\ud800"}}',
    '{"input": {"text": NaN}}',
    '{"input": {"text": "a"}, "retention": 1e999}',
    '{"input": {"text": "a"}, "retention": ' + HUGE + "}",
    '{"input": ' + "[" * 100_000 + "]" * 100_000 + "}",
    '{"input": ' + '{"a":' * 100_000 + "1" + "}" * 100_001,
    '{"Input": {"text": "a"}}',
    '{"input": {"text": "a"}, "priority": 1}',
    '{"input": {"text": "a"}, "": 1}',
]
#: Options of the wrong form, and where the fault is.
OPTIONS: list[tuple[dict[str, Any], str]] = [
    ({"start": 5}, "/start"),
    ({"start": {"after": -1}}, "/start/after"),
    ({"start": {"after": "5"}}, "/start/after"),
    ({"start": {"at": 5}}, "/start/at"),
    ({"start": {"at": "tomorrow"}}, "/start/at"),
    ({"start": {"at": "2026-11-24 13:00:00"}}, "/start/at"),
    ({"start": {"at": "2026-02-30T12:00:00Z"}}, "/start/at"),
    ({"start": {"after": 1, "at": "2027-01-01T00:00:00Z"}}, "/start"),
    ({"deadline": {"within": True}}, "/deadline/within"),
    ({"deadline": {"at": ""}}, "/deadline/at"),
    ({"deadline": {"within": 1, "at": "2027-01-01T00:00:00Z"}}, "/deadline"),
    ({"deadline": {"within": 60, "or": "else"}}, "/deadline/or"),
    ({"retention": 3599}, "/retention"),
    ({"retention": 30 * 86400 + 1}, "/retention"),
    ({"retention": 3600.5}, "/retention"),
    ({"retention": "1d"}, "/retention"),
    ({"tags": []}, "/tags"),
    ({"tags": {f"t{n}": "x" for n in range(11)}}, "/tags"),
    ({"tags": {"Order": "x"}}, "/tags"),
    ({"tags": {"a" * 33: "x"}}, "/tags"),
    ({"tags": {"order": ""}}, "/tags"),
    ({"tags": {"order": 42}}, "/tags"),
    ({"tags": {"order": "x" * 257}}, "/tags"),
    ({"tags": {"order": "a\nb"}}, "/tags/order"),
]
#: Times that are of their form and cannot be, and where.
TIMES: list[tuple[dict[str, Any], str]] = [
    ({"start": {"at": "2026-11-24T11:59:59Z"}}, "/start"),
    ({"start": {"at": "0001-01-01T00:00:00+14:00"}}, "/start"),
    ({"start": {"after": 30 * 86400 + 1}}, "/start"),
    ({"start": {"after": 1e300}}, "/start"),
    ({"start": {"at": "9999-12-31T23:59:59-12:00"}}, "/start"),
    ({"deadline": {"at": "2026-11-24T11:59:59Z"}}, "/deadline"),
    ({"deadline": {"at": "9999-12-31T23:59:59-12:00"}}, "/deadline"),
    ({"deadline": {"within": 0}}, "/deadline"),
    ({"deadline": {"within": 7 * 86400 + 1}}, "/deadline"),
    ({"start": {"after": 60}, "deadline": {"within": 60}}, "/deadline"),
    ({"start": {"after": 60}, "deadline": {"at": "2026-11-24T12:00:30Z"}}, "/deadline"),
]
#: Inputs that text-stats does not take, and where the fault is.
INPUTS: list[tuple[Any, str]] = [
    (None, "/input"),
    ([], "/input"),
    ("text", "/input"),
    ({}, "/input"),
    ({"text": 5}, "/input/text"),
    ({"text": None}, "/input/text"),
    ({"text": "a", "top": 1.5}, "/input/top"),
    ({"text": "a", "top": 10**30}, "/input/top"),
    ({"text": "a", "top": True}, "/input/top"),
    ({"text": "a", "bottom": 1}, "/input"),
    ({"text": ["a"]}, "/input/text"),
]


@pytest.mark.parametrize("door", ASKING)
@pytest.mark.parametrize("raw", NO_REQUEST, ids=lambda raw: ascii(raw[:40]))
def test_what_is_no_request_is_malformed(world: World, door: str, raw: str) -> None:
    reply = world.call(door, raw=raw)

    assert (reply.status, reply.problem) == (400, "malformed-request"), reply.body
    assert reply.json["type"] == f"{BASE}/problems/malformed-request"
    assert set(reply.json) >= {"type", "title", "status", "detail"}
    assert reply.headers["cache-control"] == "no-store"
    assert world.counts() == (0, 0, 0)


@pytest.mark.parametrize("door", ["submit", "hybrid"])
@pytest.mark.parametrize(("option", "pointer"), OPTIONS, ids=ascii)
def test_an_option_of_the_wrong_form_is_pointed_at(
    world: World, door: str, option: dict[str, Any], pointer: str
) -> None:
    reply = world.call(door, body=INPUT | option)

    assert (reply.status, reply.problem) == (400, "malformed-request")
    assert reply.json["pointer"].startswith(pointer)
    assert world.counts() == (0, 0, 0)


@pytest.mark.parametrize("door", ["submit", "hybrid"])
@pytest.mark.parametrize(("times", "pointer"), TIMES, ids=ascii)
def test_times_that_cannot_be_are_impossible(
    world: World, door: str, times: dict[str, Any], pointer: str
) -> None:
    reply = world.call(door, body=INPUT | times)

    assert (reply.status, reply.problem) == (422, "impossible-time")
    assert reply.json["pointer"] == pointer
    assert world.counts() == (0, 0, 0)


@pytest.mark.parametrize("door", ASKING)
@pytest.mark.parametrize(("given", "pointer"), INPUTS, ids=ascii)
def test_an_input_that_does_not_fit_is_pointed_at_and_its_schema_named(
    world: World, door: str, given: Any, pointer: str
) -> None:
    reply = world.call(door, body={"input": given})

    assert (reply.status, reply.problem) == (422, "invalid-input")
    assert reply.json["pointer"] == pointer
    assert reply.json["schema"] == f"{BASE}/operations/text-stats"
    assert reply.json["expected"]
    assert world.counts() == (0, 0, 0)


@pytest.mark.parametrize(("door", "most"), [("sync", 2), ("submit", 1), ("hybrid", 1)])
@pytest.mark.parametrize("is_base64", [False, True])
def test_a_body_above_the_limit_is_pointed_at_the_uploads(
    world: World, door: str, most: int, is_base64: bool
) -> None:
    def send(size: int) -> Any:
        body = b'{"input": {"text": "' + b"x" * (size - 23) + b'"}}'
        text = base64.b64encode(body) if is_base64 else body
        return world.call(door, raw=text.decode(), is_base64=is_base64)

    over = send(most * 1024**2 + 1)

    assert (over.status, over.problem) == (413, "too-large")
    assert "/uploads" in over.json["uploads"]
    assert world.counts() == (0, 0, 0)
    assert send(most * 1024**2).status in (200, 202)


@pytest.mark.parametrize("door", [*ASKING, "upload"])
@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "", "json"]
)
def test_another_type_of_body_is_unsupported(world: World, door: str, kind: str) -> None:
    reply = world.call(door, headers={"content-type": kind})

    assert (reply.status, reply.problem) == (415, "unsupported-media-type")
    assert world.counts() == (0, 0, 0)


@pytest.mark.parametrize(
    "kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/cloudevents+json"]
)
def test_every_spelling_of_json_is_taken(world: World, kind: str) -> None:
    assert world.call("sync", headers={"content-type": kind}).status == 200


@pytest.mark.parametrize("door", ASKING)
@pytest.mark.parametrize(
    "name", ["nothing", "text_stats", "../x", "index", "__init__", "Text-stats", "a" * 999, "ä", ""]
)
def test_an_operation_that_is_not_served_is_unknown(world: World, door: str, name: str) -> None:
    reply = world.call(door, operation=name)

    assert (reply.status, reply.problem) == (404, "unknown-operation")
    assert world.counts() == (0, 0, 0)


def test_an_operation_is_unknown_at_a_door_that_it_is_not_served_at(world: World) -> None:
    reply = world.submit("only-now", {})

    assert (reply.status, reply.problem) == (404, "unknown-operation")
    assert "/sync/only-now" in reply.json["detail"]
    assert world.counts() == (0, 0, 0)


@pytest.mark.parametrize("door", ["submit", "hybrid", "retry"])
@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there", "ä", "\x00"])
def test_an_idempotency_key_of_the_wrong_form_is_malformed(
    world: World, door: str, key: str
) -> None:
    reply = world.call(door, headers={"idempotency-key": key})

    assert (reply.status, reply.problem) == (400, "malformed-request")
    assert "Idempotency-Key" in reply.json["detail"]
    assert world.counts() == (0, 0, 0)


@pytest.mark.parametrize("depth", [500, 995, 1005, 3000, *range(9970, 10_010, 3)])
def test_a_deep_input_is_either_worked_on_or_refused(world: World, depth: int) -> None:
    nested = "[" * depth + "]" * depth
    reply = world.call("submit", operation="echo", raw=f'{{"input": {{"value": {nested}}}}}')
    world.work()

    if reply.status == 400:
        assert world.counts() == (0, 0, 0)
    else:
        assert reply.status == 202
        (job,) = (item for item in world.items() if item["SK"] != "KEY")
        assert job["status"] == "succeeded"


def test_a_missing_part_of_the_service_is_no_fault_of_the_caller(world: World) -> None:
    for call in ("dynamodb.PutItem", "sqs.SendMessage", "s3.PutObject"):
        world.faults.unreachable(call)
        reply = world.submit(given={"text": "x" * 3000})

        assert (reply.status, reply.problem) == (503, "try-again"), call
        assert int(reply.headers["retry-after"]) > 0
        assert not world.items()
        world.faults.clear()
    assert world.now == START
