"""Jobs of AWS services that invoke Submit and Status themselves, without HTTP."""

import json
from typing import Any

import pytest

from nowlater.api.direct import RequestRefused, TryAgain
from tests.integration.lambdas import lambda_context
from tests.integration.world import World

URL = "https://abc.execute-api.eu-central-1.amazonaws.com"


def invoke(world: World, name: str, **event: Any) -> Any:
    return world.app(name).handler(event, lambda_context())


def submit(world: World, **changes: Any) -> Any:
    event = {"owner": "acme", "operation": "text-stats", "input": {"text": "To be."}, "url": URL}
    event |= {"idempotency_key": "one"} | changes
    return invoke(world, "submit", **{k: v for k, v in event.items() if v is not None})


def test_a_direct_event_is_a_job_like_any_other(world: World) -> None:
    job = submit(world, tags={"by": "clock"}, deadline={"within": 60})
    world.work("OnTime")
    ended = world.see(job["id"])

    assert (ended["status"], ended["tags"]) == ("succeeded", {"by": "clock"})
    assert job["links"]["self"] == f"{URL}/jobs/{job['id']}"
    assert [j["id"] for j in world.call("list").json["jobs"]] == [job["id"]]
    assert world.call("list", owner="other").json["jobs"] == []


def test_the_same_event_is_the_same_job(world: World) -> None:
    first = submit(world)

    assert submit(world)["id"] == first["id"]
    assert submit(world, idempotency_key="two")["id"] != first["id"]
    assert submit(world, owner="other")["id"] != first["id"]


def test_a_direct_event_shows_a_job_to_its_owner(world: World) -> None:
    job = submit(world)
    seen = invoke(world, "status", owner="acme", job=job["id"], url=URL)
    world.work()
    waited = invoke(world, "status", owner="acme", job=job["id"], url=URL, wait=5)

    assert (seen["status"], waited["status"]) == ("queued", "succeeded")
    assert waited["result"]["words"] == 2
    with pytest.raises(RequestRefused, match="unknown-job"):
        invoke(world, "status", owner="other", job=job["id"], url=URL)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"owner": None}, "needs owner"),
        ({"owner": "a/b"}, "owner must have"),
        ({"idempotency_key": None}, "needs idempotency_key"),
        ({"operation": None}, "needs operation"),
        ({"operation": "nothing"}, "unknown-operation"),
        ({"input": {"txt": "x"}}, "invalid-input"),
        ({"txt": "x"}, "/txt"),
        ({"url": None}, "needs url"),
        ({"url": "abc.example.com"}, "needs url"),
    ],
)
def test_an_event_that_is_wrong_is_refused_with_the_reason(
    world: World, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(RequestRefused, match=said):
        submit(world, **changes)
    assert world.call("list").json["jobs"] == []


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"owner": "acme"}, "needs job"),
        ({"owner": "acme", "job": "x", "wait": 26}, "wait must"),
        ({"owner": "acme", "job": "x", "wait": "5"}, "wait must"),
        ({"owner": "acme", "job": "x", "url": URL, "status": "queued"}, "status: the members"),
    ],
)
def test_a_wrong_question_for_a_job_is_refused(
    world: World, event: dict[str, Any], said: str
) -> None:
    with pytest.raises(RequestRefused, match=said):
        invoke(world, "status", **event)


def test_a_public_url_needs_no_url_of_the_event(world: World) -> None:
    from nowlater.api import direct
    from nowlater.api.router import Api

    api = Api("https://api.example.com/v1")
    api.route("POST /async/{operation}")(world.app("submit").accept)
    event = {"owner": "acme", "operation": "text-stats", "idempotency_key": "x"}
    job = direct.submit(api, event | {"input": {"text": ""}})

    assert job["links"]["self"].startswith("https://api.example.com/v1/jobs/")


def test_failures_that_may_succeed_later_differ_from_those_that_will_not(world: World) -> None:
    """Step Functions retries by the name of the exception, Lambda whatever it is."""
    world.faults.unreachable("sqs.SendMessage")
    with pytest.raises(TryAgain) as raised:
        submit(world)
    world.faults.clear()

    assert json.loads(str(raised.value))["code"] == "try-again"
    assert submit(world)["status"] == "queued"
