"""Time as a contract: starts, deadlines, progress, and what an owner does to a job before its end."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.e2e.client import Client
from tests.e2e.patience import TRIES, eventually
from tests.e2e.served import Served, Subscriber

pytestmark = pytest.mark.usefixtures("diagnostics")


@pytest.fixture(scope="module", autouse=True)
def warm(api: Client) -> None:
    """Let no test wait for a Lambda that has to be started."""
    for lane in ({}, {"deadline": {"within": 600}}):
        api.ended(api.submit("echo", {"value": 1}, **lane))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def seconds(earlier: str, later: str) -> float:
    """Return the seconds between two times of a job."""
    return (instant(later) - instant(earlier)).total_seconds()


# ── starts ────────────────────────────────────────────────────────────────────────────────────


def test_a_job_starts_so_many_seconds_later_and_not_before(api: Client) -> None:
    accepted = api.ask("async", "echo", {"value": 1}, start={"after": 3}, deadline={"within": 600})
    job = accepted.json()
    ended = api.ended(job)

    assert job["status"] == "scheduled"
    assert seconds(job["created"], job["start_at"]) == 3
    assert 1 <= int(accepted.headers["Retry-After"]) <= 3
    assert ended["started"] >= ended["start_at"]
    assert ended["status"] == "succeeded"


def test_a_job_starts_at_a_time_and_not_before(api: Client) -> None:
    at = (datetime.now(UTC) + timedelta(seconds=5)).isoformat(timespec="milliseconds")
    job = api.submit("echo", {"value": 1}, start={"at": at})
    ended = api.ended(job)

    assert instant(job["start_at"]) == instant(at)
    assert ended["started"] >= ended["start_at"]
    assert ended["status"] == "succeeded"


def test_a_job_that_is_canceled_before_its_start_never_starts(api: Client) -> None:
    at = datetime.now(UTC) + timedelta(seconds=5)
    job = api.submit("echo", {"value": 1}, start={"at": at.isoformat(timespec="milliseconds")})
    canceled = api.call("POST", job["links"]["cancel"]).json()
    time.sleep(max(0, (at - datetime.now(UTC)).total_seconds() + 1.5))
    seen = api.see(job)

    assert canceled["status"] == "canceled"
    assert seen == canceled
    assert (seen["attempt"], seen["started"]) == (0, None)


# ── deadlines ─────────────────────────────────────────────────────────────────────────────────


def test_a_missed_deadline_is_seen_at_once_stays_and_is_told_once(
    api: Client, served: Served, subscriber: Subscriber
) -> None:
    # Its next attempt would be in a minute: only the sweep writes that it is too late.
    job = api.submit(
        "flaky", {"failures": 9, "kind": "unavailable", "retry_after": 60}, deadline={"within": 3}
    )
    until = instant(job["deadline"]) + timedelta(seconds=2.1)
    time.sleep(max(0, (until - datetime.now(UTC)).total_seconds()))
    seen, listed = api.see(job), api.get("/jobs?status=failed&limit=1").json()["jobs"]
    canceled = api.call("POST", job["links"]["cancel"])
    lambdas, sweep = served.client("lambda"), served.stack().ids["Sweep"]
    for _ in range(2):
        swept = lambdas.invoke(FunctionName=sweep)
        assert "FunctionError" not in swept, swept["Payload"].read()
    events = subscriber.of({job["id"]})
    later = api.see(job)

    assert seen["status"] == "failed"
    assert seen["error"]["type"] == f"{api.url}/problems/deadline-exceeded"
    assert seen["ended"] == seen["deadline"]
    assert [j["id"] for j in listed] == [job["id"]]
    assert canceled.status_code == 409
    assert (later["status"], later["error"]) == (seen["status"], seen["error"])
    assert {event["id"] for event in events} == {f"{job['id']}/failed"}


def test_a_run_is_stopped_at_its_deadline(api: Client) -> None:
    for within_s in (2, 8, 32):  # what has not begun by its deadline is not stopped
        job = api.submit("sleep", {"seconds": within_s + 30}, deadline={"within": within_s})
        if (ended := api.ended(job))["attempt"]:
            break

    assert (ended["status"], ended["attempt"]) == ("failed", 1)
    assert ended["error"]["type"].endswith("/problems/deadline-exceeded")


# ── estimates ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def run_time(api: Client) -> Any:
    """How long `sleep` takes, once there were some runs and all Lambdas know of them."""

    def data() -> Any:
        return api.get("/operations/sleep").json()["run_time"]

    if data()["runs"] == 0:
        for job in [
            api.submit("sleep", {"seconds": 1}, deadline={"within": 600}) for _ in range(3)
        ]:
            api.ended(job)
        eventually(data, lambda seen: seen["runs"] > 0)  # they are written every ten seconds
        time.sleep(10.5)  # each remembers for ten seconds that there were none
    return data()


def test_what_has_run_before_is_estimated_and_says_on_what_that_rests(
    api: Client, run_time: Any
) -> None:
    accepted = api.ask("async", "sleep", {"seconds": 1}, deadline={"within": 600})
    job = accepted.json()
    ended = api.ended(job)
    estimate = job["estimate"]

    assert run_time["p50_s"] <= run_time["p90_s"]
    assert set(estimate) == {"finish", "rests_on"}
    assert set(estimate["rests_on"]) == {"runs", "p50_s", "p90_s", "waiting"}
    assert estimate["rests_on"]["runs"] >= 1
    assert estimate["rests_on"]["p50_s"] > 0
    # An estimate shows two digits of p50: it can be a twentieth higher than it is.
    assert seconds(job["created"], estimate["finish"]) >= 0.95 * estimate["rests_on"]["p50_s"]
    assert job["at_risk"] is False
    assert (ended["estimate"], ended["at_risk"]) == (None, False)


@pytest.mark.usefixtures("run_time")
def test_a_deadline_that_will_be_missed_is_at_risk_or_refused_with_the_earliest(
    api: Client, key: str
) -> None:
    near, before = {"within": 0.1}, datetime.now(UTC)
    risky = api.submit("sleep", {"seconds": 1}, deadline=near)
    refused = api.ask(
        *("async", "sleep", {"seconds": 1}), deadline=near | {"or": "refuse"}, tags={"refused": key}
    )
    problem = refused.json()
    enough = api.ask("async", "sleep", {"seconds": 0}, deadline={"within": 600, "or": "refuse"})
    time.sleep(1)

    assert risky["at_risk"] is True
    assert refused.status_code == 422
    assert problem["type"] == f"{api.url}/problems/deadline-unachievable"
    assert instant(problem["earliest"]) > before
    assert api.get(f"/jobs?tag=refused:{key}").json()["jobs"] == []
    assert enough.status_code == 202


# ── waiting, and progress ─────────────────────────────────────────────────────────────────────


def test_progress_is_seen_while_a_job_runs(api: Client) -> None:
    for _ in range(TRIES):  # a longer one would hide progress that is too rare
        job = api.submit("sleep", {"seconds": 8}, deadline={"within": 600})
        fractions = []
        while (seen := api.see(job))["status"] != "succeeded":
            assert seen["status"] in ("queued", "running")
            if seen["status"] == "running" and seen["progress"]:
                fractions.append(seen["progress"]["fraction"])
            time.sleep(0.1)
        if len(set(fractions)) > 2:
            break

    assert fractions == sorted(fractions)
    assert len(set(fractions)) > 2, fractions


def test_a_wait_at_the_status_ends_with_the_next_change(api: Client) -> None:
    job = api.submit("echo", {"value": 1}, start={"after": 6})
    changed = api.get(job["links"]["self"], headers={"Prefer": "wait=20"})
    api.ended(job)
    after = api.get(job["links"]["self"], headers={"Prefer": "wait=20"})

    assert changed.status_code == 200
    assert changed.json()["status"] != "scheduled"
    assert changed.headers["Preference-Applied"] == "wait=20"
    assert "Preference-Applied" not in after.headers


# ── erasing and listing ───────────────────────────────────────────────────────────────────────


def test_an_erased_job_is_gone_everywhere(api: Client, key: str) -> None:
    job = api.submit("echo", {"value": "x" * 20_000}, start={"after": 600}, tags={"erase": key})
    too_early = api.call("DELETE", job["links"]["self"])
    api.call("POST", job["links"]["cancel"])
    erased = [api.call("DELETE", job["links"]["self"]).status_code for _ in range(2)]
    paths = ("self", "result", "events")
    gone = [api.get(job["links"][path]) for path in paths]
    gone += [api.call("POST", job["links"][path]) for path in ("cancel", "retry")]
    time.sleep(1)

    assert too_early.status_code == 409
    assert too_early.json()["type"].endswith("/problems/unfinished")
    assert erased == [204, 410]
    assert [answer.status_code for answer in gone] == [410] * len(gone)
    assert api.get(f"/jobs?tag=erase:{key}").json()["jobs"] == []


def test_jobs_are_listed_by_status_operation_and_tag_page_by_page(api: Client, key: str) -> None:
    tags = {"list": key}
    done = [api.submit("echo", {"value": n}, deadline={"within": 600}, tags=tags) for n in range(3)]
    failed = api.submit("fail", {"kind": "refused"}, deadline={"within": 600}, tags=tags)
    waiting = api.submit("echo", {"value": 4}, start={"after": 600}, tags=tags)
    for job in [*done, failed]:
        api.ended(job)
    time.sleep(1)
    first = api.get(f"/jobs?tag=list:{key}&limit=2").json()
    pages, page = [first], first
    while page["next"] is not None:
        pages.append(page := api.get(page["next"]).json())
    names = [j["id"] for j in (*done, failed, waiting)][::-1]

    def ids(query: str) -> list[str]:
        return [j["id"] for j in api.get(f"/jobs?tag=list:{key}&{query}").json()["jobs"]]

    assert [j["id"] for page in pages for j in page["jobs"]] == names
    assert max(len(page["jobs"]) for page in pages) == 2
    assert ids("status=succeeded") == [j["id"] for j in done][::-1]
    assert ids("status=failed") == [failed["id"]]
    assert ids("status=scheduled") == [waiting["id"]]
    assert ids("operation=fail") == [failed["id"]]
    assert ids("status=succeeded&operation=fail") == []
    assert ids(f"cursor={names[2]}") == names[3:]
    api.call("POST", waiting["links"]["cancel"])
