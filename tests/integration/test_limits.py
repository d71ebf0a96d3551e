"""The table of limits in docs/http-api.md: each number is the last that is taken. And what is taken as what."""

import json
import re
from collections.abc import Callable

import pytest

from nowlater import problems
from nowlater.access import authenticate
from nowlater.aws import bucket, payload_keys
from nowlater.doors.sync import LONGEST_S
from nowlater.instants import DAY_S, to_rfc3339
from nowlater.jobs import attempts, listing
from nowlater.jobs.protocol import KEY_LIFE_S
from nowlater.result_size import MAX_DIRECT_RESULT
from nowlater.runtime.catalogue import MAX_UPLOADS
from nowlater.worker.settle import INLINE_RESULT
from tests.integration.lambdas import Reply
from tests.integration.world import World
from tests.routes import ROWS as ROWS_OF_ROUTES
from tests.snippets import table

DOORS = ("sync", "submit", "hybrid")
UNITS = {
    "": 1,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "s": 1,
    "minutes": 60,
    "hours": 3600,
    "days": DAY_S,
}
ROWS = {row[0]: row[1:] for row in table("http-api.md", "limit")}


def most(limit: str) -> int:
    """Return the number that is documented, in bytes, characters or seconds."""
    number, _, unit = ROWS[limit][0].partition(" ")
    return int(number) * UNITS[unit]


def echo(world: World, value: str, door: str = "submit") -> Reply:
    """Send JSON text as the value that `echo` returns."""
    headers = {"idempotency-key": None}
    raw = f'{{"input": {{"value": {value}}}}}'
    return world.call(door, operation="echo", raw=raw, headers=headers)


def padded(world: World, door: str, size: int) -> Reply:
    if door == "upload":
        return world.call(door, raw='{"size": 1}'.ljust(size))
    return world.call(door, operation="echo", raw='{"input": {"value": 1}}'.ljust(size))


def tagged(world: World, tags: dict[str, str]) -> Reply:
    return world.submit(tags=tags)


def keyed(world: World, size: int) -> Reply:
    return world.submit(key="k" * size)


def counted(world: World, intervals: int) -> Reply:
    since = to_rfc3339(world.now - intervals * 60_000)
    return world.call("counts", query={"interval": "60", "since": since})


def called_back(world: World, size: int) -> Reply:
    return world.submit(callback={"url": "https://hooks.example.com/".ljust(size, "x")})


def referring(world: World, count: int) -> Reply:
    """Submit an input with so many existing uploads, each of them twice."""
    uploads = [f"{n:032x}" for n in range(count)]
    for upload in uploads if count <= MAX_UPLOADS else ():
        key = payload_keys.upload_key("acme", upload)
        world.s3.put_object(Bucket=world.ids["Bucket"], Key=key, Body=b"x")
    return world.submit("sizes", {"files": [{"upload": upload} for upload in uploads * 2]})


#: How to come as far as a limit, and one further.
REQUESTS: dict[str, list[Callable[[World, int], Reply]]] = {
    "body at the async and hybrid doors, and of `POST /uploads`": [
        lambda world, n: padded(world, "submit", n),
        lambda world, n: padded(world, "hybrid", n),
        lambda world, n: padded(world, "upload", n),
    ],
    "body at the sync door": [lambda world, n: padded(world, "sync", n)],
    "an upload": [lambda world, n: world.call("upload", body={"size": n})],
    "levels of nesting in a body": [
        lambda world, n: echo(world, "[" * (n - 2) + "]" * (n - 2)),
        lambda world, n: echo(world, '{"a":' * (n - 2) + "1" + "}" * (n - 2), "sync"),
    ],
    "digits of an integer, with its sign": [
        lambda world, n: echo(world, "7" * n),
        lambda world, n: echo(world, "-" + "7" * (n - 1), "sync"),
    ],
    "characters of an `Idempotency-Key`": [keyed],
    "tags": [lambda world, n: tagged(world, {f"t{i}": "x" for i in range(n)})],
    "characters of a tag's name": [lambda world, n: tagged(world, {"t" * n: "x"})],
    "characters of a tag's value": [
        lambda world, n: tagged(world, {"t": "x" * n}),
        lambda world, n: tagged(world, {"t": "\N{GRINNING FACE}" * n}),
    ],
    "characters of a callback's URL": [called_back],
    "`start` ahead": [lambda world, n: world.submit(start={"after": n})],
    "`deadline` after the start": [
        lambda world, n: world.submit(deadline={"within": n}),
        lambda world, n: world.submit(start={"after": 60}, deadline={"within": 60 + n}),
    ],
    "`retention` (at least an hour)": [lambda world, n: world.submit(retention=n)],
    "characters of a member's name": [
        lambda world, n: echo(world, '{"' + "/" * n + '": 1}'),
        lambda world, n: echo(world, '[{"' + "\\u00e9" * n + '": 1}]', "sync"),
    ],
    "characters of a media type": [
        lambda world, n: world.call("upload", body={"size": 1, "media_type": "a/".ljust(n, "b")})
    ],
    "different uploads in an input": [referring],
    "jobs a page": [lambda world, n: world.call("list", query={"limit": str(n)})],
    "intervals of a count": [counted],
}
#: Limits that other tests hold, or other systems; the number is that of the code.
OF_THE_CODE = {
    "result at the sync door": MAX_DIRECT_RESULT,
    "result in a hybrid response": MAX_DIRECT_RESULT,
    "result inside the job, as text": INLINE_RESULT,
    "run at the sync door": LONGEST_S,
    "attempts shown in a job": attempts.MAX_ATTEMPTS,
    "bytes of a page": listing._MAX_BYTES,
    "characters of `detail`": problems._MAX_DETAIL_CHARACTERS,
    "characters of a token": authenticate._MAX_JWT,
    "life of an idempotency key": KEY_LIFE_S,
    "life of a presigned URL": bucket.URL_LIFE_S,
}
WAITS = {"wait at the hybrid door", "wait at `GET /jobs/{id}`"}
OF_THE_STACK = {"attempt of a job", "flexible job"}


def test_every_limit_is_held() -> None:
    assert ROWS.keys() == {*REQUESTS, *OF_THE_CODE, *WAITS, *OF_THE_STACK}


@pytest.mark.parametrize(
    ("limit", "ask"), [(limit, ask) for limit, asks in REQUESTS.items() for ask in asks]
)
def test_a_request_may_come_as_far_as_a_limit_and_no_further(
    world: World, limit: str, ask: Callable[[World, int], Reply]
) -> None:
    status, name = re.fullmatch(r"(\d+) `([a-z-]+)`", ROWS[limit][1]).groups()  # type: ignore[union-attr]
    beyond = ask(world, most(limit) + 1)

    assert (beyond.status, beyond.problem) == (int(status), name), beyond.body[:500]
    assert world.counts() == (0, 0, 0)
    assert ask(world, most(limit)).status in (200, 201, 202)


@pytest.mark.parametrize("limit", OF_THE_CODE)
def test_a_limit_is_documented_as_it_is(limit: str) -> None:
    assert most(limit) == OF_THE_CODE[limit]


@pytest.mark.parametrize("prefer", ["26", "999999999999", "9" * 5000])
def test_a_longer_wait_is_as_long_as_it_may_be(world: World, prefer: str) -> None:
    hybrid = world.hybrid("echo", {"value": 1}, prefer=f"wait={prefer}")
    job = world.submit("meanwhile", {}).json["id"]
    world.app("work")  # loaded beforehand
    world.pass_time(1)
    waits = most("wait at `GET /jobs/{id}`")

    assert hybrid.headers["preference-applied"] == f"wait={most('wait at the hybrid door')}"
    world.faults.once("dynamodb.GetItem", lambda _: None)
    world.faults.once("dynamodb.GetItem", lambda _: world.work() and None)
    seen = world.call("status", id=job, headers={"prefer": f"wait={prefer}"})
    assert seen.headers["preference-applied"] == f"wait={waits}"
    assert seen.json["status"] == "succeeded"


def test_a_job_is_kept_for_an_hour_at_least(world: World) -> None:
    assert world.submit(retention=3599).problem == "malformed-request"
    assert world.submit(retention=3600).status == 202


# ── what is taken as what ─────────────────────────────────────────────────────────────────────


def came_back(world: World, door: str, value: str) -> bytes:
    """Return the JSON text that `echo` makes of a value's."""
    reply = echo(world, value, door)
    if door == "submit":
        assert reply.status == 202, reply.body
        world.work()
        reply = world.call("result", id=reply.json["id"])
    assert reply.status == 200, reply.body
    return reply.body


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    ("sent", "got"),
    [
        ("9007199254740993", "9007199254740993"),
        ("-9007199254740993", "-9007199254740993"),
        ("18446744073709551617", "18446744073709551617"),
        ("9" * 4300, "9" * 4300),
        ("9007199254740993.0", "9007199254740992.0"),
        ("2.0", "2"),
        ("2e0", "2"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("0.1", "0.1"),
        ("5e-324", "5e-324"),
        ("1e-400", "0"),
        ("1.7976931348623157e308", "1.7976931348623157e308"),
        ("1e22", "1e22"),
    ],
    ids=lambda text: text[:24],
)
def test_a_number_comes_back_as_the_docs_say(world: World, door: str, sent: str, got: str) -> None:
    assert came_back(world, door, sent) == got.encode()


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize(
    "text",
    [
        "\x00",
        "\ufffe\uffff\U0010ffff",
        "\ufeff",
        "e\u0301 \u00e9",
        "\u202e\u2028\u2029\x7f\x85",
        "\N{GRINNING FACE}\N{ZERO WIDTH JOINER}\N{MALE SIGN}",
        "</script>\"\\'\t\r\n",
    ],
    ids=ascii,
)
def test_text_comes_back_character_by_character(world: World, door: str, text: str) -> None:
    for sent in (
        json.dumps(text),
        json.dumps({text: [text]}),
        json.dumps(text, ensure_ascii=False),
    ):
        if sent.isprintable() or sent.isascii():
            assert json.loads(came_back(world, door, sent)) == json.loads(sent)


@pytest.mark.parametrize(
    "value", ["\x00", "\ufffe", "\uffff", "\ufeff", "\u202e", "\x85", "\u0378"]
)
def test_a_tag_takes_nothing_that_is_not_printable(world: World, value: str) -> None:
    reply = world.submit(tags={"t": f"a{value}"})

    assert (reply.status, reply.json["pointer"]) == (400, "/tags/t")


def test_a_tag_is_not_normalised(world: World) -> None:
    one, two = (world.submit(tags={"t": value}).json for value in ("\u00e9", "e\u0301"))
    found = [
        [job["id"] for job in world.call("list", query={"tag": f"t:{value}"}).json["jobs"]]
        for value in ("\u00e9", "e\u0301")
    ]

    assert (one["tags"], two["tags"]) == ({"t": "\u00e9"}, {"t": "e\u0301"})
    assert found == [[one["id"]], [two["id"]]]


@pytest.mark.parametrize("door", [*DOORS, "upload"])
@pytest.mark.parametrize(
    "raw",
    [
        '{"input": {"text": "a"}, "input": {"text": "b"}}',
        '{"input": {"text": "a", "text": "b"}}',
        '{"input": {"text": "a"}, "inpu\\u0074": {"text": "a"}}',
        '{"size": 1, "size": 5}',
    ],
)
def test_a_repeated_member_is_refused(world: World, door: str, raw: str) -> None:
    reply = world.call(door, raw=raw)

    assert (reply.status, reply.problem) == (400, "malformed-request")
    assert "twice" in reply.json["detail"]
    assert world.counts() == (0, 0, 0)


@pytest.mark.parametrize("door", [*DOORS, "upload"])
@pytest.mark.parametrize(
    "headers",
    [
        {"content-encoding": "gzip"},
        {"content-encoding": "identity, br"},
        {"content-type": "application/json; charset=utf-16"},
    ],
    ids=str,
)
def test_a_body_in_another_form_is_unsupported(
    world: World, door: str, headers: dict[str, str]
) -> None:
    reply = world.call(door, headers=headers)

    assert (reply.status, reply.problem) == (415, "unsupported-media-type")
    assert world.counts() == (0, 0, 0)


@pytest.mark.parametrize(
    "name",
    ["../x", "..", "a/b", "%2e%2e", "\x00", "é", "x" * 8000, "", "JOB#acme#0", "*"],
    ids=ascii,
)
def test_an_unknown_name_in_a_path_is_not_found(world: World, name: str) -> None:
    world.submit()
    before = world.counts()
    replies = [
        world.call(route, id=name)
        for route in ("status", "result", "events", "cancel", "erase", "retry", "deliveries")
    ]
    replies += [world.call(route, operation=name) for route in ("operation", *DOORS)]
    replies += [world.call("docs-file", file=name), world.call("problem", name=name)]

    assert {r.status for r in replies} == {404}
    assert {r.problem for r in replies} == {"unknown-job", "unknown-operation", "unknown-route"}
    assert world.counts() == before


def test_unknown_headers_are_ignored(world: World) -> None:
    job = world.submit().json["id"]
    headers = {"x-unknown": "y" * 8000, "traceparent": "no", "last-event-id": "\xff"}

    assert world.call("status", id=job, headers=headers | {"if-none-match": '"'}).status == 200


@pytest.mark.parametrize("route", [row.event for row in ROWS_OF_ROUTES.values()])
def test_unknown_query_parameters_are_refused_at_every_route(world: World, route: str) -> None:
    for query in ({"x" * 4000: "y" * 4000}, {"": "a"}, {"Status": "failed"}):
        reply = world.call(route, query=query)

        assert (reply.status, reply.problem) == (400, "malformed-request"), route
        assert len(reply.body) < 1000
    assert world.counts() == (0, 0, 0)
