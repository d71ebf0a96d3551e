"""What the template counts in the log: each metric filter matches the lines that the code writes, and no other."""

import json
import re
from typing import Any

import pytest

from nowlater.api.direct import RequestRefused
from tests import receiver as plays
from tests import stack
from tests.filters import matches
from tests.integration.callbacks import ended, settled
from tests.integration.dead_letters import pointer, send
from tests.integration.lambdas import lambda_context
from tests.integration.notifications import PUBLISH
from tests.integration.world import World
from tests.receiver import Receiver

FILTERS = stack.of_type(stack.template()["Resources"], "AWS::Logs::MetricFilter")


def counted(name: str, lines: list[Any]) -> list[Any]:
    """Return the lines that a filter counts."""
    return [line for line in lines if matches(FILTERS[name]["FilterPattern"], line)]


def counts(lines: list[Any]) -> dict[str, int]:
    """Return how many lines each filter of the Lambdas' log counts, where it counts any."""
    ours = [n for n, made in FILTERS.items() if made["LogGroupName"] == {"Ref": "Logs"}]
    return {name: len(found) for name in ours if (found := counted(name, lines))}


# ── jobs that end ─────────────────────────────────────────────────────────────────────────────


def test_a_job_that_succeeds_is_counted_once(world: World, lines: list[Any]) -> None:
    job = world.submit().json["id"]
    world.work()
    world.notify()
    (said,) = counted("Ended", lines)

    assert counts(lines) == {"Ended": 1}
    assert {"status": "succeeded", "job_id": job, "owner": "acme"}.items() <= said.items()


def test_a_job_that_fails_is_counted_as_failed_and_is_no_fault_of_ours(
    world: World, lines: list[Any]
) -> None:
    world.submit("fail", {})
    for _ in range(3):
        world.work()
        world.pass_time(10)
    (said,) = counted("Ended", lines)

    assert [line["message"] for line in lines].count("operation_failed") == 3
    assert counts(lines) == {"Ended": 1}
    assert (said["status"], said["problem"]) == ("failed", "operation-failed")


def test_an_operation_that_fails_at_the_sync_door_is_no_fault_of_ours(
    world: World, lines: list[Any]
) -> None:
    assert world.sync("fail", {}).status == 500

    assert [line["message"] for line in lines].count("operation_failed") == 1
    assert counts(lines) == {}


def test_a_job_that_is_canceled_is_counted_once_however_often_it_is_asked_for(
    world: World, lines: list[Any]
) -> None:
    job = world.submit().json["id"]
    for _ in range(2):
        world.call("cancel", id=job)
    (said,) = counted("Ended", lines)

    assert (said["status"], said["job_id"]) == ("canceled", job)
    assert counts(lines) == {"Ended": 1}


def test_a_run_that_ends_after_its_job_was_canceled_is_not_counted(
    world: World, lines: list[Any]
) -> None:
    job = world.submit("meanwhile", {}).json["id"]
    world.meanwhile(lambda _: world.call("cancel", id=job))
    world.work()

    assert [line["status"] for line in counted("Ended", lines)] == ["canceled"]


def test_an_end_whose_reply_is_lost_is_counted_once(world: World, lines: list[Any]) -> None:
    job = world.submit().json["id"]
    world.faults.lost_reply("dynamodb.UpdateItem")
    world.call("cancel", id=job)

    assert counts(lines) == {"Ended": 1}


@pytest.mark.parametrize("ender", ["sweep", "work", "erase"])
def test_a_missed_deadline_is_counted_whichever_lambda_sees_it(
    world: World, lines: list[Any], ender: str
) -> None:
    job = world.submit(deadline={"within": 5}).json["id"]
    world.pass_time(6)
    {
        "sweep": world.sweep,
        "work": lambda: world.work("OnTime"),
        "erase": lambda: world.call("erase", id=job),
    }[ender]()
    world.sweep()
    (said,) = counted("DeadlinesPassed", lines)

    assert counts(lines) == {"Ended": 1, "DeadlinesPassed": 1}
    assert {"level": "ERROR", "job_id": job, "owner": "acme"}.items() <= said.items()


def test_the_status_that_ends_are_counted_by_is_in_the_line(world: World, lines: list[Any]) -> None:
    (transformation,) = FILTERS["Ended"]["MetricTransformations"]
    world.submit()
    world.work()

    assert transformation["Dimensions"] == [{"Key": "status", "Value": "$.status"}]
    assert counted("Ended", lines)[0]["status"] == "succeeded"


# ── what is set aside ─────────────────────────────────────────────────────────────────────────


def test_a_dead_letter_is_counted_and_the_end_of_its_job(world: World, lines: list[Any]) -> None:
    job = world.submit().json["id"]
    send(world, pointer(job))
    send(world, "nobody can read this")
    world.handle_dead_letters()

    assert counts(lines) == {"DeadLetters": 2, "Ended": 1}
    assert counted("Ended", lines)[0]["problem"] == "attempts-exhausted"


def test_a_record_that_no_event_can_be_made_of_is_counted_by_its_own_alarm_alone(
    world: World, lines: list[Any]
) -> None:
    world.submit()
    world.work()
    lines.clear()
    (record,) = world.ends()
    record["dynamodb"]["NewImage"]["ended"] = {"S": "yesterday"}
    world.app("notify").notify(world.app("notify").services, [record])

    assert counts(lines) == {"Unpublished": 1}


def test_a_delivery_that_is_given_up_is_counted(
    world: World, receiver: Receiver, lines: list[Any]
) -> None:
    job = ended(world, receiver, plays.gone)
    lines.clear()
    settled(world)
    (said,) = counted("GivenUp", lines)

    assert counts(lines) == {"GivenUp": 1}
    assert {"owner": "acme", "job_id": job, "status": 410}.items() <= said.items()


# ── faults ────────────────────────────────────────────────────────────────────────────────────


def submit(world: World) -> None:
    world.submit()


def handle_dead_letters(world: World) -> None:
    send(world, "nobody can read this")
    world.handle_dead_letters()


def work(world: World) -> None:
    world.submit()
    world.faults.unreachable("dynamodb.UpdateItem")
    world.work()


def sweep(world: World) -> None:
    world.submit(deadline={"within": 5})
    world.pass_time(6)
    world.faults.unreachable("dynamodb.GetItem")
    world.sweep()


def notify(world: World) -> None:
    world.submit()
    world.work()
    with pytest.raises(Exception, match="not published"):
        world.notify()


@pytest.mark.parametrize(
    ("call", "use"),
    [
        ("sqs.SendMessage", submit),
        ("s3.PutObject", handle_dead_letters),
        ("dynamodb.Query", lambda world: world.call("list")),
        (None, work),
        (None, sweep),
        (PUBLISH, notify),
    ],
    ids=["submit", "handle_dead_letters", "list", "work", "sweep", "notify"],
)
def test_a_service_that_does_not_answer_is_a_fault(
    world: World, lines: list[Any], call: str | None, use: Any
) -> None:
    if call is not None:
        world.faults.unreachable(call)
    use(world)

    assert counts(lines)["Faults"] >= 1
    assert all(line["exception_name"] for line in counted("Faults", lines))


# ── requests ──────────────────────────────────────────────────────────────────────────────────


def accesses(*requests: tuple[str, int]) -> list[Any]:
    """Return lines of the access log, in the template's format, for routes and statuses."""
    form = stack.template()["Resources"]["Api"]["Properties"]["AccessLogSettings"]["Format"]
    written = []
    for route, status in requests:
        values = {"$context.routeKey": route, "$context.status": str(status)}
        values |= {"$context.responseLength": "100", "$context.responseLatency": "12"}
        line = re.sub(r"\$context[\w.]+", lambda m, v=values: v.get(m[0], "-"), form)
        written.append(json.loads(line))
    return written


def test_jobs_are_counted_as_they_are_accepted() -> None:
    accepted = [
        ("POST /async/{operation}", 202),
        ("POST /hybrid/{operation}", 200),
        ("POST /hybrid/{operation}", 202),
        ("POST /jobs/{id}/retry", 202),
    ]
    others = [
        ("POST /sync/{operation}", 200),
        ("POST /async/{operation}", 422),
        ("POST /hybrid/{operation}", 503),
        ("POST /jobs/{id}/cancel", 200),
        ("POST /uploads", 201),
        ("GET /jobs/{id}", 200),
    ]

    assert len(counted("Accepted", accesses(*accepted))) == len(accepted)
    assert counted("Accepted", accesses(*others)) == []


def test_a_job_without_http_is_counted_as_accepted_and_logged_with_its_owner(
    world: World, lines: list[Any]
) -> None:
    event = {"owner": "acme", "operation": "text-stats", "idempotency_key": "one"}
    event |= {"url": "https://abc.execute-api.eu-central-1.amazonaws.com"}
    job = world.app("submit").handler(event | {"input": {"text": "x"}}, lambda_context())
    seen = {"owner": "acme", "job": job["id"], "url": event["url"]}
    world.app("status").handler(seen, lambda_context())
    with pytest.raises(RequestRefused):
        world.app("submit").handler(event | {"input": {}}, lambda_context())
    requests = [line for line in lines if line["message"] == "direct_request"]

    assert [(line["owner"], line["route"], line["status_code"]) for line in requests] == [
        ("acme", "POST /async/{operation}", 202),
        ("acme", "GET /jobs/{id}", 200),
        ("acme", "POST /async/{operation}", 422),
    ]
    assert requests[0]["operation"] == "text-stats"
    assert requests[1]["job_id"] == job["id"]
    assert counted("AcceptedDirectly", lines) == requests[:1]


def test_the_routes_that_accept_jobs_are_routes_of_the_template() -> None:
    events = [
        event["Properties"]
        for made in stack.template()["Resources"].values()
        for event in made.get("Properties", {}).get("Events", {}).values()
    ]
    routes = [f"{e['Method']} {e['Path']}" for e in events if "Method" in e]
    accepting = counted("Accepted", accesses(*((route, 202) for route in routes)))

    assert [line["route"] for line in accepting] == [
        "POST /async/{operation}",
        "POST /jobs/{id}/retry",
        "POST /hybrid/{operation}",
    ]


def test_every_filter_is_tried_here() -> None:
    assert set(FILTERS) == {
        *("Accepted", "AcceptedDirectly"),
        *("DeadLetters", "DeadlinesPassed", "Ended", "Faults", "GivenUp", "Unpublished"),
    }
