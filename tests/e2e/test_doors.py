"""An operation at each of its doors, over HTTP."""

import time

import pytest

from tests.e2e.client import Client
from tests.e2e.patience import TRIES
from tests.e2e.served import Subscriber

TEXT = {"text": "To be, or not to be."}


@pytest.fixture(scope="module", autouse=True)
def warm(api: Client) -> None:
    """Start the Lambdas first, so that no test of a ten-second wait waits for their start."""
    api.ask("hybrid", "text-stats", TEXT)


def test_the_sync_door_answers_with_the_result_itself(api: Client) -> None:
    answer = api.ask("sync", "text-stats", TEXT)

    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json()["words"] == 6


def test_the_async_door_hands_out_a_job_that_ends(api: Client) -> None:
    accepted = api.ask("async", "text-stats", TEXT, tags={"order": "42"})
    job = accepted.json()
    ended = api.ended(job)

    assert accepted.status_code == 202
    assert accepted.headers["Location"] == f"{api.url}/jobs/{job['id']}"
    assert accepted.headers["Operation-Location"] == accepted.headers["Location"]
    assert int(accepted.headers["Retry-After"]) >= 1
    assert (ended["status"], ended["attempt"]) == ("succeeded", 1), ended
    assert ended["result"]["words"] == 6
    assert ended["tags"] == {"order": "42"}


def test_the_hybrid_door_answers_now_what_is_done_now(api: Client) -> None:
    answer = api.ask("hybrid", "text-stats", TEXT)
    job = api.get(answer.headers["Content-Location"]).json()

    assert answer.status_code == 200, answer.text
    assert answer.json()["words"] == 6
    assert answer.headers["Preference-Applied"] == "wait=10"
    assert job["status"] == "succeeded"


@pytest.mark.usefixtures("diagnostics")
def test_the_hybrid_door_hands_out_the_job_that_runs_already(api: Client) -> None:
    for _ in range(TRIES):  # a longer one would hide a wait that is too long
        answer = api.ask("hybrid", "sleep", {"seconds": 3}, headers={"Prefer": "wait=1"})
        if answer.status_code == 202:
            break
    job = answer.json()
    ended = api.ended(job)

    assert answer.status_code == 202, answer.text
    assert answer.headers["Location"] == job["links"]["self"]
    assert (ended["status"], ended["attempt"]) == ("succeeded", 1)


def test_each_end_is_published_to_the_topic(api: Client, subscriber: Subscriber) -> None:
    job = api.ended(api.submit("text-stats", TEXT))
    (event, *_) = subscriber.of({job["id"]})

    assert event["specversion"] == "1.0"
    assert event["id"] == f"{job['id']}/succeeded"
    assert event["type"] == "nowlater.job.succeeded"
    assert event["data"]["result"] == job["result"]


@pytest.mark.usefixtures("diagnostics")
def test_a_running_job_tells_its_progress_and_can_be_canceled(api: Client) -> None:
    job = api.submit("sleep", {"seconds": 30}, deadline={"within": 600})
    seen = api.running(job)
    canceled = api.call("POST", job["links"]["cancel"])
    again = api.call("POST", job["links"]["cancel"])
    erased = api.call("DELETE", job["links"]["self"])

    assert 0 < seen["progress"]["fraction"] < 1
    assert canceled.json()["status"] == "canceled"
    assert again.status_code == 200
    assert erased.status_code == 204
    assert api.get(job["links"]["self"]).status_code == 410


@pytest.mark.usefixtures("diagnostics")
def test_a_job_that_fails_is_tried_again_and_ends_with_its_last_failure(api: Client) -> None:
    flaky = api.submit("flaky", {"failures": 1}, deadline={"within": 600})
    failing = api.submit("fail", {"message": "secret words"}, deadline={"within": 600})
    survived, failed = api.ended(flaky), api.ended(failing)
    response = api.get(failed["links"]["result"])

    assert (survived["status"], survived["attempt"]) == ("succeeded", 2)
    assert (failed["status"], failed["attempt"]) == ("failed", 3)
    assert response.status_code == 409
    assert response.json()["type"].endswith("/problems/operation-failed")
    assert "secret words" not in response.text


def test_an_ended_job_is_asked_again_as_a_new_one(api: Client, key: str) -> None:
    old = api.ended(api.submit("text-stats", TEXT))
    again = api.call("POST", old["links"]["retry"], headers={"Idempotency-Key": key})
    new = api.ended(again.json())

    assert again.status_code == 202
    assert (new["retry_of"], new["result"]) == (old["id"], old["result"])
    assert new["id"] != old["id"]


def test_the_newest_jobs_are_listed_first(api: Client, key: str) -> None:
    ids = [api.submit("text-stats", TEXT, tags={"list": key})["id"] for _ in range(3)]
    time.sleep(1)
    first = api.get(f"/jobs?tag=list:{key}&limit=2").json()
    rest = api.get(first["next"]).json()

    assert [j["id"] for j in first["jobs"] + rest["jobs"]] == ids[::-1]
