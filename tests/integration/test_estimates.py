"""Estimates: from runs that were seen in the stream to jobs, deadlines and descriptions."""

from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from nowlater.instants import from_rfc3339, seconds_until
from tests.integration.runs import has_run
from tests.integration.world import START, World

REFUSE = {"or": "refuse"}


def left_s(world: World, job: Any) -> float:
    """Return the seconds that a job, as it is shown, is expected to take yet."""
    return seconds_until(from_rfc3339(job["estimate"]["finish"]), world.now)


def echo(world: World, **envelope: Any) -> Any:
    """Accept a job of `echo`, and return it as its status shows it."""
    return world.see(world.submit("echo", {"value": 1}, **envelope).json["id"])


def forget(world: World) -> None:
    """Have all Lambdas read again what estimates are based on."""
    world.restart("submit", "hybrid", "status", "describe", "notify")


# ── what they rest on ─────────────────────────────────────────────────────────────────────────


def test_an_estimate_is_based_on_the_runs_that_ended(world: World) -> None:
    for seconds in (10, 10, 10, 50):
        world.submit("meanwhile", {})
        world.meanwhile(lambda _, s=seconds: world.pass_time(s))
    while world.work()["records"]:
        world.pass_time(1)
    world.notify()
    forget(world)
    job = world.see(world.submit("meanwhile", {}).json["id"])

    rests_on = job["estimate"]["rests_on"]
    assert (rests_on["runs"], rests_on["waiting"]) == (4, 0)
    assert rests_on["p50_s"] == pytest.approx(10, rel=0.1)
    assert rests_on["p90_s"] == pytest.approx(50, rel=0.1)
    assert left_s(world, job) == pytest.approx(10, rel=0.1)


def test_only_what_succeeded_is_counted(world: World) -> None:
    world.submit("fail", {"kind": "refused"})
    world.submit("fail", {"kind": "refused"}, deadline={"within": 1})
    canceled = world.submit("fail", {"kind": "refused"}).json["id"]
    world.call("cancel", id=canceled)
    world.work()
    world.pass_time(2)
    world.sweep()
    world.notify()

    job = world.submit("fail", {"kind": "refused"}).json["id"]
    assert world.see(job)["estimate"] is None


def test_a_job_of_an_operation_that_never_ran_has_no_estimate(world: World) -> None:
    job = echo(world)

    assert (job["estimate"], job["at_risk"]) == (None, False)


def test_jobs_that_wait_before_a_job_make_its_estimate_later(world: World) -> None:
    has_run(world, "echo", *[10] * 9)
    jobs = [echo(world) for _ in range(9)]
    forget(world)
    job = world.see(jobs[-1]["id"])
    has_deadline = echo(world, deadline={"within": 3600})

    lanes = world.app("status").services.settings.concurrency
    assert job["estimate"]["rests_on"]["waiting"] == 8
    assert left_s(world, job) == pytest.approx(10 + 80 / lanes["flexible"], rel=0.1)
    assert has_deadline["estimate"]["rests_on"]["waiting"] == 0
    assert left_s(world, has_deadline) == pytest.approx(10, rel=0.1)


def test_a_job_alone_in_its_lane_is_not_expected_to_wait(world: World) -> None:
    has_run(world, "echo", 10)
    job = world.see(echo(world)["id"])

    assert job["estimate"]["rests_on"]["waiting"] == 0
    assert left_s(world, job) == pytest.approx(10, rel=0.1)


def test_an_estimate_includes_the_time_until_the_start(world: World) -> None:
    has_run(world, "echo", 10)

    assert left_s(world, echo(world, start={"after": 7200})) == pytest.approx(7210, abs=1)


def test_a_run_is_estimated_by_how_far_it_is(world: World) -> None:
    seen = []
    has_run(world, "meanwhile", 10)

    def look(context: Any) -> None:
        for fraction in (None, 0.5):
            world.pass_time(2)
            if fraction:
                context.progress(fraction)
            seen.append((world.see(job), left_s(world, world.see(job))))

    job = world.submit("meanwhile", {}).json["id"]
    world.meanwhile(look)
    world.work()
    (before, before_s), (after, after_s) = seen

    assert before["estimate"]["rests_on"]["waiting"] is None
    assert before_s == pytest.approx(8, abs=1)
    assert after["progress"]["fraction"] == 0.5
    assert after_s == pytest.approx(4, abs=0.1)


def test_a_job_is_accepted_with_an_estimate_where_its_deadline_may_be_at_risk(world: World) -> None:
    has_run(world, "echo", 10)
    flexible = world.submit("echo", {"value": 1}).json
    has_deadline = world.submit("echo", {"value": 1}, deadline={"within": 5}).json

    assert (flexible["estimate"], flexible["at_risk"]) == (None, False)
    assert has_deadline["estimate"]["rests_on"]["runs"] == 1
    assert has_deadline["at_risk"]


def test_an_ended_job_has_no_estimate(world: World) -> None:
    has_run(world, "echo", 10)
    job = echo(world)["id"]
    world.work()

    assert (world.see(job)["estimate"], world.see(job)["at_risk"]) == (None, False)


def test_lists_show_estimates_too(world: World) -> None:
    has_run(world, "echo", 10)
    job = world.see(echo(world)["id"])

    assert world.call("list", query={}).json["jobs"] == [job]
    assert job["estimate"] is not None


def test_a_changed_estimate_does_not_change_the_etag(world: World) -> None:
    has_run(world, "echo", 10)
    job = echo(world)["id"]
    before = world.call("status", id=job)
    world.pass_time(20)
    moved = world.call("status", id=job)
    same = world.call("status", id=job, headers={"if-none-match": before.headers["etag"]})

    assert moved.json["estimate"] != before.json["estimate"]
    assert moved.headers["etag"] == before.headers["etag"]
    assert (same.status, same.body) == (304, b"")


def test_retry_after_follows_the_estimate(world: World) -> None:
    has_run(world, "echo", 600)
    job = echo(world)["id"]

    assert int(world.call("status", id=job).headers["retry-after"]) == pytest.approx(300, rel=0.1)


# ── deadlines ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("within", "at_risk"), [(60, False), (30, True)])
def test_a_deadline_is_at_risk_that_a_tenth_of_the_runs_would_miss(
    world: World, within: int, at_risk: bool
) -> None:
    has_run(world, "echo", *[10] * 8, *[50] * 2)
    job = world.submit("echo", {"value": 1}, deadline={"within": within}).json

    assert job["at_risk"] is world.see(job["id"])["at_risk"] is at_risk
    assert job["status"] == "queued"


def test_a_deadline_that_comes_nearer_is_at_risk_in_the_end(world: World) -> None:
    has_run(world, "echo", 10)
    job = echo(world, deadline={"within": 60})
    world.pass_time(55)

    assert (job["at_risk"], world.see(job["id"])["at_risk"]) == (False, True)


@pytest.mark.parametrize("door", ["submit", "hybrid"])
def test_a_deadline_that_cannot_be_met_is_refused_where_that_is_asked_for(
    world: World, door: str
) -> None:
    has_run(world, "echo", 100)
    reply = getattr(world, door)("echo", {"value": 1}, deadline={"within": 60} | REFUSE)

    assert (reply.status, reply.problem) == (422, "deadline-unachievable")
    assert reply.json["pointer"] == "/deadline"
    earliest = from_rfc3339(reply.json["earliest"])
    assert seconds_until(earliest, START) == pytest.approx(100, rel=0.1)
    assert world.counts() == (1, 0, 0)  # the histogram
    by = {"at": reply.json["earliest"]}
    assert world.submit("echo", {"value": 1}, deadline=by | REFUSE).status == 202


def test_waiting_jobs_count_for_that_refusal(world: World) -> None:
    has_run(world, "echo", 10)
    deadline = {"within": 15} | REFUSE
    alone = world.submit("echo", {"value": 1}, deadline=deadline)
    for _ in range(19):
        echo(world, deadline={"within": 60})
    forget(world)
    last = world.submit("echo", {"value": 1}, deadline=deadline)

    assert alone.status == 202
    assert (last.status, last.problem) == (422, "deadline-unachievable")
    assert "20 jobs wait before it" in last.json["detail"]


def test_a_burst_now_is_no_reason_to_refuse_what_starts_much_later(world: World) -> None:
    has_run(world, "echo", 10)
    for _ in range(20):
        echo(world, deadline={"within": 60})
    forget(world)
    times: dict[str, Any] = {"start": {"after": 7200}, "deadline": {"within": 7215} | REFUSE}

    assert world.submit("echo", {"value": 1}, **times).status == 202


def test_without_a_request_for_it_no_deadline_is_refused(world: World) -> None:
    has_run(world, "echo", 100)
    job = echo(world, deadline={"within": 60})

    assert (job["status"], job["at_risk"]) == ("queued", True)


def test_without_an_estimate_no_deadline_is_refused(world: World) -> None:
    assert echo(world, deadline={"within": 1} | REFUSE)["status"] == "queued"


def test_a_deadline_that_can_be_met_is_taken(world: World) -> None:
    has_run(world, "echo", 10)

    assert echo(world, deadline={"within": 60} | REFUSE)["at_risk"] is False


def test_a_replay_under_a_key_is_not_refused(world: World) -> None:
    asked: dict[str, Any] = {"deadline": {"within": 60} | REFUSE, "key": "k"}
    first = world.submit("echo", {"value": 1}, **asked)
    has_run(world, "echo", 100)
    forget(world)
    again = world.submit("echo", {"value": 1}, **asked)
    new = world.submit("echo", {"value": 1}, **asked | {"key": "other"})

    assert (first.status, again.status, new.status) == (202, 202, 422)
    assert again.json["id"] == first.json["id"]
    assert again.headers["idempotency-replayed"] == "true"


def test_a_refusal_does_not_use_up_the_key(world: World) -> None:
    has_run(world, "echo", 100)
    refused = world.submit("echo", {"value": 1}, deadline={"within": 60} | REFUSE, key="k")
    taken = world.submit("echo", {"value": 1}, deadline={"within": 600} | REFUSE, key="k")

    assert (refused.status, taken.status) == (422, 202)


# ── descriptions ──────────────────────────────────────────────────────────────────────────────


def test_an_operation_shows_how_long_it_takes(world: World) -> None:
    assert world.call("operation").json["run_time"] == {"runs": 0, "p50_s": None, "p90_s": None}
    has_run(world, "text-stats", *[1] * 8, *[30] * 2)
    forget(world)
    run_time = world.call("operation").json["run_time"]

    assert run_time["runs"] == 10
    assert run_time["p50_s"] == pytest.approx(1, rel=0.1)
    assert run_time["p90_s"] == pytest.approx(30, rel=0.1)


# ── what does not answer ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("what", ["runs", "waiting"])
def test_jobs_have_no_estimate_while_its_numbers_cannot_be_read(world: World, what: str) -> None:
    has_run(world, "echo", 100)
    job = echo(world)["id"]
    forget(world)
    if what == "waiting":
        world.faults.unreachable("sqs.GetQueueAttributes")
    else:
        lose_histograms(world)
    world.calls.clear()
    seen = world.call("status", id=job)
    events = world.call("events", id=job)
    new = world.submit("echo", {"value": 1}, deadline={"within": 60} | REFUSE)
    listed = world.call("list", query={})

    assert [r.status for r in (seen, events, new, listed)] == [200, 200, 202, 200]
    assert seen.json["estimate"] is new.json["estimate"] is None
    assert seen.json["at_risk"] is False
    assert [j["estimate"] for j in listed.json["jobs"]] == [None, None]
    assert seen.headers["retry-after"] == "1"
    if what == "waiting":  # Status asked once for each lane, and Submit for one
        assert world.calls.count("sqs.GetQueueAttributes") == 3


def lose_histograms(world: World) -> None:
    """Have reads of run times, and of nothing else, fail."""

    def answer(request: Any) -> None:
        if b"STATS#" in request.body:
            raise EndpointConnectionError(endpoint_url=request.url)

    world.faults.always("dynamodb.GetItem", answer)


def test_an_operation_shows_no_run_times_while_they_cannot_be_read(world: World) -> None:
    has_run(world, "text-stats", 1)
    forget(world)
    world.faults.unreachable("dynamodb.GetItem")
    reply = world.call("operation")

    assert (reply.status, reply.json["run_time"]["runs"]) == (200, 0)


def test_ends_are_published_even_if_run_times_cannot_be_written(world: World) -> None:
    echo(world)
    world.work()
    world.faults.unreachable("dynamodb.UpdateItem")
    world.notify()
    assert len(world.published()) == 1
    world.faults.clear()
    echo(world)
    world.work()
    world.pass_time(10)
    world.notify()
    forget(world)

    assert echo(world)["estimate"]["rests_on"]["runs"] == 2
