"""A job as its owner sees it."""

import json
from typing import Any

import msgspec
import pytest

from nowlater.jobs.model import ENDED, UNFINISHED
from nowlater.jobs.view import effective_at, etag, is_gone, representation
from nowlater.problems import Problem
from tests.unit.jobs import HOUR, ID, NOW, job


def seen(**changes: Any) -> dict[str, Any]:
    """Return a job as its owner gets it."""
    shown: dict[str, Any] = json.loads(msgspec.json.encode(representation(job(**changes))))
    return shown


@pytest.mark.parametrize("status", ["scheduled", "queued", "running"])
def test_a_deadline_that_passed_is_shown_from_two_seconds_after_it(status: str) -> None:
    unfinished = job(status=status, deadline=NOW, not_before=NOW - 1)
    late = effective_at(unfinished, NOW + 2000)

    assert not effective_at(unfinished, NOW + 1999).is_ended
    assert (late.status, late.ended, late.updated) == ("failed", NOW, NOW)
    assert late.error is not None
    assert late.error["name"] == "deadline-exceeded"
    assert late.expires == NOW + 24 * HOUR


@pytest.mark.parametrize("status", ["succeeded", "failed", "canceled"])
def test_a_job_that_ended_is_shown_as_it_ended_for_ever(status: str) -> None:
    ended = job(status=status, deadline=NOW, ended=NOW - 1, expires=NOW + HOUR)

    assert effective_at(ended, NOW + 100 * HOUR) is ended


def test_a_start_is_shown_as_soon_as_its_time_has_come() -> None:
    scheduled = job(status="scheduled", not_before=NOW, start_at=NOW)

    assert effective_at(scheduled, NOW - 1).status == "scheduled"
    assert effective_at(scheduled, NOW).status == "queued"


def test_a_job_is_gone_when_it_is_erased_or_was_kept_long_enough() -> None:
    assert not is_gone(job(), NOW)
    assert not is_gone(job(status="failed", expires=NOW + 1), NOW)
    assert is_gone(job(status="failed", expires=NOW), NOW)
    assert is_gone(job(status="failed", expires=NOW + HOUR, erased=True), NOW)


def test_a_job_has_the_same_members_in_every_state() -> None:
    states = [
        {},
        {"status": "running", "attempt": 1, "progress": {"fraction": 0.5, "message": ""}},
        {"status": "succeeded", "result": "1", "ended": NOW, "expires": NOW},
        {"status": "failed", "error": Problem("refused", "No.").record(), "erased": True},
    ]
    members = [set(seen(**changes)) for changes in states]

    assert members[0] >= {
        *("id", "operation", "status", "attempt", "created", "updated", "started", "ended"),
        *("start_at", "deadline", "expires", "progress", "estimate", "at_risk", "tags"),
        *("retry_of", "result", "error", "links"),
    }
    assert all(these == members[0] for these in members)


def test_neither_input_nor_anything_of_the_records_own_is_seen() -> None:
    whole = seen(
        input='"secret"', input_key="key", lease_holder="me", lease_until=NOW, due_at=NOW, ttl=1
    )

    assert not {
        "input",
        "input_key",
        "lease_holder",
        "lease_until",
        "due_at",
        "ttl",
        "owner",
    } & set(whole)
    assert "secret" not in json.dumps(whole)


def test_links_start_with_where_the_job_was_accepted_or_the_caller_is() -> None:
    here = representation(job(), "https://other.example.com")["links"]

    assert seen()["links"]["self"] == f"https://api.example.com/jobs/{ID}"
    assert here["self"] == f"https://other.example.com/jobs/{ID}"
    for name in ("result", "cancel", "retry"):
        assert here[name] == f"https://other.example.com/jobs/{ID}/{name}"


def test_times_are_rfc_3339_or_null() -> None:
    shown = seen(created=NOW)

    assert shown["created"] == "2026-03-01T12:00:00.000Z"
    assert (shown["started"], shown["ended"], shown["expires"]) == (None, None, None)


def test_a_result_is_shown_as_the_json_it_is() -> None:
    assert seen(status="succeeded", result='{"a": [1.50, null]}')["result"] == {"a": [1.5, None]}
    assert seen(status="succeeded", result="null")["result"] is None


def test_a_result_of_bytes_is_shown_in_base64() -> None:
    assert seen(status="succeeded", result="AAA=", media_type="image/png")["result"] == {
        "base64": "AAA=",
        "media_type": "image/png",
    }


@pytest.mark.parametrize("status", ["queued", "running", "failed", "canceled"])
def test_progress_shows_how_far_a_job_is_or_came(status: str) -> None:
    progress = {"fraction": 0.03, "message": "3 of 100"}

    assert seen(status=status, progress=progress)["progress"] == progress


def test_a_job_that_succeeded_shows_no_progress_that_is_less_than_all() -> None:
    assert seen(status="succeeded", progress={"fraction": 0.03, "message": ""})["progress"] is None


def test_the_entity_tag_stays_until_something_is_seen_to_change() -> None:
    tag = etag(representation(job()))

    assert tag.startswith('W/"')
    assert tag.endswith('"')
    assert etag(representation(job())) == tag
    assert etag(representation(job(ttl=1, lease_holder="x", due_at=NOW))) == tag
    assert etag(representation(job(tags={"b": "1", "a": "2"}))) == etag(
        representation(job(tags={"a": "2", "b": "1"}))
    )
    assert etag(representation(job(status="running", attempt=1))) != tag
    assert etag(representation(job(progress={"fraction": 0.5, "message": ""}))) != tag
    assert etag(representation(job(), "https://other.example.com")) != tag


@pytest.mark.parametrize("status", [*UNFINISHED, *ENDED])
def test_azures_pollers_find_the_result_once_it_exists(status: str) -> None:
    shown = representation(job(status=status))
    location = shown["links"]["result"] if status == "succeeded" else None

    assert shown["resourceLocation"] == location
