"""The sync door: an answer at once, and nothing kept."""

import pytest

from tests.integration.world import World

BASE = "https://api.example.com"


def test_the_result_itself_is_answered(world: World) -> None:
    reply = world.call("sync")

    assert (reply.status, reply.json["words"]) == (200, 10)
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["cache-control"] == "no-store"


def test_nothing_is_kept_and_aws_is_not_asked(world: World) -> None:
    world.call("sync")

    assert world.calls == []
    assert world.counts() == (0, 0, 0)


@pytest.mark.parametrize("door", ["sync", "submit", "hybrid"])
@pytest.mark.parametrize(
    "text", ["1e308", "-1e22", "1e16", "0.1", "5e-324", "12345678901234567890"]
)
def test_a_number_comes_back_as_it_was_sent(world: World, door: str, text: str) -> None:
    reply = world.call(door, operation="echo", raw=f'{{"input": {{"value": [{text}]}}}}')
    if door == "submit":
        world.work()
        reply = world.call("result", id=reply.json["id"])

    assert reply.body.decode() == f"[{text}]"


def test_any_value_comes_back_as_it_was_sent(world: World) -> None:
    values = [None, "", 0, 1.5, True, [], {}, {"ü": ["\u2028", "\ufffe", "\U0001f600"]}, 2**53 + 1]

    assert [world.sync("echo", {"value": v}).json for v in values] == values


@pytest.mark.parametrize(
    ("given", "status", "problem"),
    [
        ({"kind": "refused", "message": "no tables here"}, 422, "refused"),
        ({"kind": "unavailable", "retry_after": 7}, 503, "unavailable"),
        ({"kind": "error", "message": "secret of the house"}, 500, "operation-failed"),
    ],
)
def test_what_the_operation_raises_is_its_problem(
    world: World, given: dict[str, object], status: int, problem: str
) -> None:
    reply = world.sync("fail", given)

    assert (reply.status, reply.problem) == (status, problem)
    assert reply.headers.get("retry-after") == ("7" if problem == "unavailable" else None)
    assert ("no tables here" in reply.json["detail"]) == (problem == "refused")


@pytest.mark.parametrize(
    ("operation", "given"),
    [("fail", {"message": "secret of the house"}), ("wrong-result", {})],
)
def test_no_word_of_a_fault_leaves_the_server(
    world: World, operation: str, given: dict[str, object]
) -> None:
    reply = world.sync(operation, given)

    assert (reply.status, reply.problem) == (500, "operation-failed")
    assert b"secret" not in reply.body
    assert b"Traceback" not in reply.body


def test_a_run_that_the_door_cuts_short_is_pointed_at_the_door_that_does_not(world: World) -> None:
    reply = world.call("sync", operation="sluggish", body={"input": {}}, came=world.now - 27_500)

    assert (reply.status, reply.problem) == (504, "timed-out")
    assert reply.json["instead"] == f"{BASE}/async/sluggish"
    assert reply.json["instead"] in reply.json["detail"]


@pytest.mark.parametrize(
    ("operation", "ago_ms", "cause"),
    [("slow", 0, "may run no longer at any door"), ("sluggish-now", 27_500, "within 1 s: ask")],
)
def test_a_run_that_no_door_gives_more_time_is_not_pointed_to_another_door(
    world: World, operation: str, ago_ms: int, cause: str
) -> None:
    came = world.now - ago_ms
    reply = world.call("sync", operation=operation, body={"input": {}}, came=came)

    assert (reply.status, reply.problem) == (504, "timed-out")
    assert "instead" not in reply.json
    assert "/async" not in reply.json["detail"]
    assert cause in reply.json["detail"]


def test_no_door_is_advised_at_which_an_operation_is_not_served(world: World) -> None:
    large = world.sync("large-now", {})
    optioned = world.call("sync", operation="only-now", body={"input": {}, "tags": {}})

    assert large.json["instead"] == f"{BASE}/hybrid/large-now"
    assert optioned.json["detail"].endswith("stores nothing: omit it.")


def test_a_result_too_large_for_the_door_is_pointed_elsewhere(world: World) -> None:
    given = {"text": "\x00", "media_type": "text/plain"}
    fits = world.sync("document", given | {"times": 4 * 1024**2})
    reply = world.sync("document", given | {"times": 4 * 1024**2 + 1})

    assert (fits.status, fits.body) == (200, bytes(4 * 1024**2))
    assert (reply.status, reply.problem) == (422, "result-too-large")
    assert reply.json["instead"] == f"{BASE}/async/document"


def test_bytes_are_answered_as_bytes_that_a_browser_does_not_run(world: World) -> None:
    given = {"text": "<script>\xff</script>", "media_type": "text/html"}
    reply = world.sync("document", given)

    assert (reply.status, reply.body) == (200, b"<script>\xff</script>")
    assert reply.headers["content-type"] == "text/html"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-security-policy"] == "sandbox; default-src 'none'"


def test_bytes_that_call_themselves_json_need_not_be_json(world: World) -> None:
    given = {"text": "\xff not json", "media_type": "application/json"}
    reply = world.sync("document", given)

    assert (reply.status, reply.body) == (200, b"\xff not json")
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("start", {"after": 5}),
        ("start", {}),
        ("start", None),
        ("deadline", {"within": 60}),
        ("retention", 3600),
        ("retention", None),
        ("tags", {"a": "b"}),
        ("tags", {}),
        ("callback", {"url": "https://example.com"}),
    ],
)
def test_the_options_of_the_other_doors_are_refused_by_name(
    world: World, option: str, value: object
) -> None:
    reply = world.call("sync", body={"input": {"text": "a"}, option: value})

    assert (reply.status, reply.problem) == (400, "malformed-request")
    assert option in reply.json["detail"]
    assert reply.json["pointer"] == f"/{option}"


def test_a_refusal_is_cut_to_what_can_be_read(world: World) -> None:
    reply = world.sync("long-refusal", {})

    assert (reply.status, reply.problem) == (422, "refused")
    assert len(reply.body) < 10_000


def test_no_answer_links_to_the_host_that_a_caller_names(world: World) -> None:
    headers = {
        "host": "evil.example",
        "x-forwarded-proto": "http",
        "x-forwarded-host": "evil.example",
    }
    reply = world.call("sync", operation="nothing", headers=headers)

    assert reply.json["type"] == f"{BASE}/problems/unknown-operation"
    assert "evil" not in f"{reply.headers} {reply.body!r}"


def test_what_is_no_exception_is_a_failed_operation_too(world: World) -> None:
    assert world.sync("panic", {}).problem == "operation-failed"


def test_a_sentence_that_json_cannot_encode_is_shown_as_far_as_possible(world: World) -> None:
    reply = world.sync("half-a-character", {})

    assert (reply.problem, reply.json["detail"]) == ("refused", "no table in ?.csv")


@pytest.mark.parametrize("said", ["", "text", "text/html\r\nX-Evil: 1", "é/x"])
def test_bytes_of_no_type_are_a_fault_of_the_operation(world: World, said: str) -> None:
    assert world.sync("document", {"text": "x", "media_type": said}).problem == "operation-failed"
