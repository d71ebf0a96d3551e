"""The hybrid door: the answer itself if it comes in time, else the job that is already running."""

from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError

from tests.integration.faults import answered, unavailable
from tests.integration.runs import cancel_and_erase, time_out, while_waited_for
from tests.integration.world import World

BASE = "https://api.example.com"


def the_job(world: World) -> str:
    """Return the id of the only job."""
    (job,) = (item["SK"] for item in world.items() if item["SK"] != "KEY")
    return str(job)


def test_the_result_itself_is_answered_in_time(world: World) -> None:
    reply = world.hybrid("echo", {"value": [1, None]}, prefer="wait=5")
    job = the_job(world)

    assert (reply.status, reply.json) == (200, [1, None])
    assert reply.headers["content-type"] == "application/json"
    assert reply.headers["preference-applied"] == "wait=5"
    assert reply.headers["content-location"] == f"{BASE}/jobs/{job}"
    assert reply.headers["cache-control"] == "no-store"
    assert world.see(job)["status"] == "succeeded"


@pytest.mark.parametrize("wait_s", [1, 2, 5])
def test_the_worker_is_given_all_of_the_wait(world: World, wait_s: int) -> None:
    world.hybrid("echo", {"value": 1}, prefer=f"wait={wait_s}")

    assert world.read_timeouts_s["lambda.Invoke"] == wait_s


def test_a_second_is_enough_for_a_fast_operation(world: World) -> None:
    assert world.hybrid("echo", {"value": 1}, prefer="wait=1").status == 200


def test_the_message_of_a_hybrid_job_waits_for_the_run_and_is_dropped_after_it(
    world: World,
) -> None:
    world.hybrid("meanwhile", {})
    job = the_job(world)
    assert world.waiting("OnTime") == {"visible": 0, "hidden": 0, "delayed": 1}
    world.pass_time(29)
    assert world.work("OnTime")["records"] == 0
    world.pass_time(1)
    world.work("OnTime")

    assert (world.see(job)["attempt"], world.messages()) == (1, 0)


@pytest.mark.parametrize(("times", "size"), [(1, 10), (1000, 10_000), (2000, 20_000)])
def test_bytes_and_large_results_are_answered_as_at_the_sync_door(
    world: World, times: int, size: int
) -> None:
    given = {"text": "\xff" * 10, "times": times, "media_type": "text/html"}
    reply = world.hybrid("document", given)

    assert (reply.status, reply.body) == (200, b"\xff" * size)
    assert reply.headers["content-type"] == "text/html"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-security-policy"].startswith("sandbox")


def test_a_result_too_large_for_the_door_is_answered_as_a_link_to_the_job(world: World) -> None:
    given = {"text": "x", "times": 4 * 1024**2 + 1, "media_type": "text/plain"}
    reply = world.hybrid("document", given)

    assert (reply.status, reply.json["status"]) == (202, "succeeded")
    assert reply.headers["location"] == f"{BASE}/jobs/{the_job(world)}"


@pytest.mark.parametrize(
    ("operation", "given", "status", "problem"),
    [
        ("fail", {"kind": "refused", "message": "not this"}, 422, "refused"),
        ("slow", {}, 504, "timed-out"),
    ],
)
def test_a_last_failure_is_answered_as_its_problem(
    world: World, operation: str, given: Any, status: int, problem: str
) -> None:
    reply = world.hybrid(operation, given)

    assert (reply.status, reply.problem) == (status, problem)
    assert reply.headers["content-location"] == f"{BASE}/jobs/{the_job(world)}"
    assert reply.headers["preference-applied"] == "wait=5"


def test_a_failure_that_is_not_the_last_is_tried_again_from_the_queue(world: World) -> None:
    reply = world.hybrid("flaky", {"failures": 1}, prefer="wait=1")
    assert (reply.status, reply.json["status"], reply.json["attempt"]) == (202, "queued", 1)
    world.pass_time(1)
    world.work("OnTime")

    assert world.see(the_job(world))["result"] == {"attempt": 2}


def test_when_the_time_is_up_the_job_is_handed_out_and_runs_on(world: World) -> None:
    time_out(world)
    reply = world.hybrid("echo", {"value": 1}, prefer="wait=1")
    job = the_job(world)

    assert (reply.status, reply.json["id"]) == (202, job)
    for header in ("location", "operation-location", "content-location"):
        assert reply.headers[header] == f"{BASE}/jobs/{job}"
    assert reply.headers["preference-applied"] == "wait=1"
    assert reply.headers["retry-after"] == "1"
    assert world.see(job)["status"] == "succeeded"
    world.pass_time(60)
    world.work("OnTime")
    assert (world.see(job)["attempt"], world.messages()) == (1, 0)


@pytest.mark.parametrize("prefer", ["respond-async, wait=5", "wait=5, respond-async"])
def test_respond_async_with_a_wait_is_answered_with_the_result_in_time(
    world: World, prefer: str
) -> None:
    reply = world.hybrid("echo", {"value": 1}, prefer=prefer)

    assert (reply.status, reply.json) == (200, 1)
    assert reply.headers["preference-applied"] == "wait=5"


@pytest.mark.parametrize(
    "prefer",
    ["respond-async, wait=1", "wait=1,respond-async", "respond-async, wait=1, handling=strict"],
)
def test_respond_async_with_a_wait_is_handed_the_job_after_it(world: World, prefer: str) -> None:
    time_out(world, runs=False)
    reply = world.hybrid("echo", {"value": 1}, prefer=prefer)

    assert (reply.status, reply.json["status"]) == (202, "queued")
    assert reply.headers["preference-applied"] == "respond-async, wait=1"
    assert "lambda.Invoke" in world.calls


def test_a_strict_caller_gets_an_end_and_no_job(world: World) -> None:
    time_out(world, runs=False)
    reply = world.hybrid(prefer="wait=1, handling=strict")
    job = the_job(world)
    world.pass_time(60)
    world.work("OnTime")

    assert (reply.status, reply.problem) == (504, "timed-out")
    assert reply.json["job"] == reply.headers["content-location"] == f"{BASE}/jobs/{job}"
    assert "handling=strict" in reply.headers["preference-applied"]
    seen = world.see(job)
    assert (seen["status"], seen["attempt"]) == ("canceled", 0)


def test_a_second_attempt_within_the_wait_is_answered_too(world: World) -> None:
    while_waited_for(world, lambda: (world.pass_time(1), world.work("OnTime")))
    reply = world.hybrid("flaky", {"failures": 1}, prefer="wait=3")

    assert (reply.status, reply.json) == (200, {"attempt": 2})
    assert world.messages() == 1  # the one that would have made up for a dead worker
    world.pass_time(60)
    world.work("OnTime")
    assert (world.see(the_job(world))["attempt"], world.messages()) == (2, 0)


@pytest.mark.parametrize("how", ["fails", "throttled", "dies"])
def test_a_strict_caller_waits_for_a_later_attempt_while_there_is_time(
    world: World, how: str
) -> None:
    if how == "throttled":
        error = {"x-amzn-errortype": "TooManyRequestsException"}
        world.faults.once("lambda.Invoke", lambda r: answered(r.url, 429, b"{}", **error))
    elif how == "dies":
        died = {"X-Amz-Function-Error": "Unhandled"}
        world.faults.once("lambda.Invoke", lambda r: answered(r.url, 200, b"{}", **died))
    failures = {"failures": 1 if how == "fails" else 0}
    while_waited_for(world, lambda: None, lambda: (world.pass_time(60), world.work("OnTime")))
    reply = world.hybrid("flaky", failures, prefer="handling=strict, wait=3")

    assert (reply.status, reply.json) == (200, {"attempt": 2 if how == "fails" else 1})


@pytest.mark.parametrize("failures", [1, 3])
def test_a_strict_caller_has_the_job_canceled_when_the_time_is_up_and_not_before(
    world: World, failures: int
) -> None:
    reply = world.hybrid("flaky", {"failures": failures}, prefer="handling=strict, wait=2")

    assert (reply.status, reply.problem) == (504, "timed-out")
    assert world.time.s == 2
    assert world.see(the_job(world))["status"] == "canceled"


def test_a_strict_caller_gets_the_end_that_came_just_then(world: World) -> None:
    time_out(world)
    reply = world.hybrid("echo", {"value": 1}, prefer="handling=strict, wait=1")

    assert (reply.status, reply.json) == (200, 1)
    assert reply.headers["preference-applied"] == "wait=1, handling=strict"


def test_a_worker_that_dies_is_followed_by_another(world: World) -> None:
    died = {"X-Amz-Function-Error": "Unhandled"}
    world.faults.once("lambda.Invoke", lambda r: answered(r.url, 200, b"{}", **died))
    reply = world.hybrid("echo", {"value": 1}, prefer="wait=1")
    assert (reply.status, reply.json["status"]) == (202, "queued")
    world.pass_time(20)
    world.work("OnTime")

    assert world.see(the_job(world))["result"] == 1


@pytest.mark.parametrize("how", ["throttled", "unreachable"])
def test_where_no_worker_is_free_the_job_is_queued_at_once(world: World, how: str) -> None:
    if how == "unreachable":
        world.faults.unreachable("lambda.Invoke")
    else:
        error = {"x-amzn-errortype": "TooManyRequestsException"}
        world.faults.once("lambda.Invoke", lambda r: answered(r.url, 429, b"{}", **error))
    reply = world.hybrid("echo", {"value": 1})

    assert (reply.status, reply.json["status"]) == (202, "queued")
    assert world.waiting("OnTime") == {"visible": 1, "hidden": 0, "delayed": 1}
    world.work("OnTime")
    assert world.see(the_job(world))["result"] == 1


def test_a_caller_who_does_not_wait_gets_a_job_that_is_queued_at_once(world: World) -> None:
    reply = world.hybrid("echo", {"value": 1}, prefer="wait=0")
    world.work("OnTime")

    assert (reply.status, reply.headers["preference-applied"]) == (202, "wait=0")
    assert world.see(the_job(world))["status"] == "succeeded"


@pytest.mark.parametrize(
    ("prefer", "applied"),
    [("", "wait=10"), ("wait=26", "wait=25"), ("wait=x", "wait=10"), ("foo, wait=3;a", "wait=3")],
)
def test_the_wait_is_what_was_asked_for_within_bounds(
    world: World, prefer: str, applied: str
) -> None:
    assert world.hybrid(prefer=prefer).headers["preference-applied"] == applied


@pytest.mark.parametrize(
    ("prefer", "envelope"), [("respond-async", {}), ("wait=5", {"start": {"after": 60}})]
)
def test_a_job_for_later_is_handed_out_at_once(
    world: World, prefer: str, envelope: dict[str, Any]
) -> None:
    reply = world.hybrid("echo", {"value": 1}, prefer=prefer, **envelope)

    assert (reply.status, reply.headers["preference-applied"]) == (202, "respond-async")
    assert "lambda.Invoke" not in world.calls
    world.pass_time(60)
    world.work("Flexible")  # the other is for deadlines, and for what runs at once
    assert world.see(the_job(world))["status"] == "succeeded"


def test_a_replay_is_answered_with_the_same_end(world: World) -> None:
    first = world.hybrid("meanwhile", {}, key="k")
    again = world.hybrid("meanwhile", {}, key="k")

    assert (first.status, first.json) == (again.status, again.json) == (200, 1)
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-location"] == first.headers["content-location"]


def test_a_replay_waits_for_the_end_as_its_first_caller_did(world: World) -> None:
    time_out(world, runs=False)
    first = world.hybrid("meanwhile", {}, prefer="wait=1", key="k")
    while_waited_for(
        world, lambda: None, lambda: None, lambda: (world.pass_time(60), world.work("OnTime"))
    )
    again = world.hybrid("meanwhile", {}, prefer="wait=3", key="k")

    assert (first.status, again.status, again.json) == (202, 200, 1)
    assert again.headers["idempotency-replayed"] == "true"


def test_a_replay_that_would_not_wait_gets_the_job_as_it_is(world: World) -> None:
    time_out(world, runs=False)
    world.hybrid("meanwhile", {}, prefer="wait=1", key="k")
    began_s = world.time.s
    replies = [
        world.hybrid("meanwhile", {}, prefer=prefer, key="k")
        for prefer in ("wait=0", "respond-async")
    ]

    assert [(r.status, r.json["status"]) for r in replies] == [(202, "queued")] * 2
    assert world.time.s == began_s


@pytest.mark.parametrize(
    ("prefer", "envelope"), [("respond-async", {}), ("wait=5", {"start": {"after": 60}})]
)
def test_the_door_must_be_the_operations_however_it_is_asked(
    world: World, prefer: str, envelope: dict[str, Any]
) -> None:
    reply = world.hybrid("only-queued", {}, prefer=prefer, **envelope)

    assert (reply.status, reply.problem) == (404, "unknown-operation")
    assert "/async/only-queued" in reply.json["detail"]
    assert world.counts() == (0, 0, 0)


@pytest.mark.parametrize("prefer", ["wait=1", "wait=1, handling=strict"])
def test_once_it_is_accepted_nothing_that_fails_says_otherwise(world: World, prefer: str) -> None:
    def close(request: Any) -> AWSResponse:
        raise ConnectionClosedError(endpoint_url=request.url)

    world.faults.once("lambda.Invoke", close)
    reply = world.hybrid("echo", {"value": 1}, prefer=prefer)
    world.pass_time(20)
    world.work("OnTime")

    assert (reply.status, reply.json["id"]) == (202, the_job(world))
    assert world.see(the_job(world))["result"] == 1


def test_a_job_that_is_erased_meanwhile_is_still_answered(world: World) -> None:
    """Else its caller would take the request for one that was refused."""

    time_out(world, runs=False)
    while_waited_for(world, lambda: cancel_and_erase(world, the_job(world)))
    reply = world.hybrid("echo", {"value": 1}, prefer="handling=strict, wait=2")

    assert (reply.status, reply.problem) == (410, "job-expired")
    assert reply.headers["content-location"] == f"{BASE}/jobs/{the_job(world)}"


@pytest.mark.parametrize("status", ["canceled", "succeeded"])
def test_a_job_that_ends_otherwise_and_is_erased_during_its_run_is_still_answered(
    world: World, status: str
) -> None:
    def end_and_erase(_context: Any) -> None:
        if status == "canceled":
            world.call("cancel", id=the_job(world))
        else:  # by another attempt, once the lease of this one is over
            world.pass_time(400)
            world.work("OnTime")
        assert world.see(the_job(world))["status"] == status
        world.call("erase", id=the_job(world))

    world.meanwhile(end_and_erase)
    reply = world.hybrid("meanwhile", {}, prefer="wait=5")

    assert (reply.status, reply.problem) == (410, "job-expired")
    assert reply.headers["content-location"] == f"{BASE}/jobs/{the_job(world)}"


def test_a_result_that_cannot_be_read_now_is_answered_as_a_link_to_the_job(world: World) -> None:
    world.faults.fails("s3.GetObject", unavailable)
    reply = world.hybrid("document", {"text": "x", "times": 500_000, "media_type": "text/plain"})

    assert (reply.status, reply.json["status"]) == (202, "succeeded")
    assert reply.headers["content-location"] == f"{BASE}/jobs/{the_job(world)}"
    assert world.call("result", id=the_job(world)).status == 303
