"""HEAD is answered as GET is, without the body: RFC 9110 §9.3.2."""

import pytest

from tests import stack
from tests.integration.lambdas import Reply, lambda_context
from tests.integration.world import World
from tests.routes import BY_ID, ROWS

READS = [route.id for route in BY_ID.values() if route.method == "GET"]


def job_for(world: World, route: str) -> dict[str, str]:
    """Return what names a job that has ended, where the route is about one."""
    if ROWS[route].job is None:
        return {}
    callback = {"url": "http://127.0.0.1:9/hooks"}
    job = str(world.submit(callback=callback).json["id"])
    world.work()
    return {"id": job}


def both(world: World, name: str, **changes: object) -> tuple[Reply, Reply]:
    """Return the answers to GET and to HEAD."""
    return world.call(name, **changes), world.call(name, method="HEAD", **changes)


@pytest.mark.parametrize("route", READS)
def test_every_get_has_a_head_with_the_same_status_and_headers(world: World, route: str) -> None:
    headers = {"if-none-match": None, "last-event-id": None}
    get, head = both(world, ROWS[route].event, headers=headers, **job_for(world, route))

    assert get.status == ROWS[route].good
    assert get.body
    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")


def test_a_known_etag_is_answered_304_by_get_and_head(world: World) -> None:
    job = world.submit().json["id"]
    etag = world.call("status", id=job).headers["etag"]
    get, head = both(world, "status", id=job, headers={"if-none-match": etag})

    assert (get.status, head.status) == (304, 304)
    assert head.headers == get.headers


@pytest.mark.parametrize("scopes", ["invoke read manage", "invoke"])
def test_a_problem_is_answered_by_its_status_alone(world: World, scopes: str) -> None:
    get, head = both(world, "status", scopes=scopes)

    assert get.status == (404 if "read" in scopes else 403)
    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")


def test_a_large_result_is_redirected_by_get_and_head(world: World) -> None:
    given = {"text": "x", "times": 100_000, "media_type": "text/plain"}
    job = world.submit("document", given).json["id"]
    world.work()
    get, head = both(world, "result", id=job)

    assert (get.status, head.status) == (303, 303)
    assert head.headers["location"].partition("?")[0] == get.headers["location"].partition("?")[0]


def test_a_head_of_events_does_not_wait(world: World) -> None:
    job = world.submit().json["id"]
    get, head = both(world, "events", id=job, headers={"last-event-id": None})

    assert (get.status, head.status) == (200, 200)
    assert head.headers["content-type"] == "text/event-stream"
    assert (head.headers, head.body, world.time.s) == (get.headers, b"", 0)


def test_what_no_route_takes_is_404_without_a_body(world: World) -> None:
    event = stack.event("unknown")
    event["requestContext"]["http"]["method"] = "HEAD"
    answer = world.app("describe").handler(event, lambda_context())

    assert answer["statusCode"] == 404
    assert answer["headers"]["Content-Type"] == "application/problem+json"
    assert "body" not in answer
