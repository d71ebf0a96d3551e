"""What the API says of itself: operations, problems, health, and unknown addresses."""

import pytest

from nowlater import problems
from tests import stack
from tests.integration.lambdas import lambda_context, reply_of
from tests.integration.world import World

BASE = "https://api.example.com"
SHIPPED = {"greet", "text-stats", "csv-profile", "thumbnail"}
DIAGNOSTIC = {"echo", "sleep", "fail", "flaky"}


@pytest.mark.parametrize("with_diagnostics", [False, True])
def test_the_operations_are_listed_each_with_its_address(
    world: World, with_diagnostics: bool
) -> None:
    world.restart("describe", diagnostics=with_diagnostics)
    reply = world.call("operations")
    listed = {o["name"]: o for o in reply.json["operations"]}

    assert reply.status == 200
    assert set(listed) == SHIPPED | (DIAGNOSTIC if with_diagnostics else set())
    for name, described in listed.items():
        assert described["url"] == f"{BASE}/operations/{name}"
        assert described["description"]
        assert set(described["doors"]) == {"sync", "async", "hybrid"}


@pytest.mark.parametrize("door", ["sync", "submit", "hybrid"])
def test_diagnostic_operations_are_unknown_where_they_are_not_asked_for(
    world: World, door: str
) -> None:
    world.restart(door, diagnostics=False)
    reply = world.call(door, operation="echo", body={"input": {"value": 1}})

    assert (reply.status, reply.problem) == (404, "unknown-operation")
    assert world.counts() == (0, 0, 0)


def test_an_operation_is_described_with_schemas_doors_and_limits(world: World) -> None:
    reply = world.call("operation")
    operation = reply.json

    assert (reply.status, operation["name"]) == (200, "text-stats")
    assert operation["input"]["properties"]["text"]["type"] == "string"
    assert operation["input"]["additionalProperties"] is False
    assert "words" in str(operation["result"])
    assert operation["doors"]["async"] == f"{BASE}/async/text-stats"
    assert (operation["limits"]["timeout_s"], operation["limits"]["attempts"]) == (20, 2)


def test_a_limit_that_the_worker_caps_is_shown_as_capped(world: World) -> None:
    assert world.call("operation", operation="sleep").json["limits"]["timeout_s"] == 280


@pytest.mark.parametrize("name", ["nothing", "../operations", "ä", "a" * 500])
def test_an_operation_that_does_not_exist_is_unknown(world: World, name: str) -> None:
    reply = world.call("operation", operation=name)

    assert (reply.status, reply.problem) == (404, "unknown-operation")


@pytest.mark.parametrize("name", problems.KINDS)
def test_each_problem_has_a_page_at_its_own_address(world: World, name: str) -> None:
    reply = world.call("problem", name=name)

    assert reply.status == 200
    assert reply.json["type"] == f"{BASE}/problems/{name}"
    assert (reply.json["status"], reply.json["title"]) == problems.KINDS[name]


def test_a_problem_that_does_not_exist_has_no_page(world: World) -> None:
    reply = world.call("problem", name="nothing")

    assert (reply.status, reply.problem) == (404, "unknown-route")


def test_an_unknown_address_is_a_problem_that_says_where_to_look(world: World) -> None:
    reply = world.call("unknown")

    assert (reply.status, reply.problem) == (404, "unknown-route")
    assert "GET /nowhere" in reply.json["detail"]
    assert f"{BASE}/operations" in reply.json["detail"]


def test_health_is_fresh_and_descriptions_may_be_kept(world: World) -> None:
    assert world.call("health").json == {"status": "ok"}
    assert world.call("health").headers["cache-control"] == "no-store"
    for name in ("operations", "operation", "problem"):
        assert world.call(name).headers["cache-control"] == "max-age=60"


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/jobs", "GET, HEAD"),
        ("GET", "/sync/text-stats", "POST"),
        ("HEAD", "/async/x", "POST"),
        ("POST", "/jobs/x", "GET, HEAD, DELETE"),
        ("PATCH", "/jobs/x/deliveries/1/replay", "POST"),
        ("OPTIONS", "/health", "GET, HEAD"),
        ("DELETE", "/docs/start.js", "GET, HEAD"),
    ],
)
def test_a_method_that_an_address_does_not_take_is_answered_with_those_that_it_does(
    world: World, method: str, path: str, allowed: str
) -> None:
    event = stack.event("unknown")
    event["requestContext"]["http"] |= {"method": method, "path": path}
    reply = reply_of(world.app("describe").handler(event, lambda_context()))

    assert (reply.status, reply.headers["allow"]) == (405, allowed)
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert (reply.body == b"") == (method == "HEAD")
    assert method == "HEAD" or reply.problem == "wrong-method"


@pytest.mark.parametrize("path", ["/", "/job", "/jobs/", "/jobs//result", "/sync", "/jobs/a/b", ""])
def test_an_address_that_does_not_exist_has_no_methods(world: World, path: str) -> None:
    event = stack.event("unknown")
    event["requestContext"]["http"] |= {"method": "PUT", "path": path}
    reply = reply_of(world.app("describe").handler(event, lambda_context()))

    assert (reply.status, reply.problem) == (404, "unknown-route")
    assert "allow" not in reply.headers
