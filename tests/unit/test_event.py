"""The end of a job as an event."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nowlater.instants import to_rfc3339
from nowlater.jobs import view
from nowlater.jobs.model import Job
from nowlater.notifications.cloud_event import of_end
from nowlater.problems import Problem
from tests.unit.jobs import ID, NOW, job


def ended(**changes: Any) -> Job:
    """Return a job that succeeded a moment ago."""
    usual = {"status": "succeeded", "attempt": 1, "started": NOW, "ended": NOW + 5, "result": "42"}
    return job(**usual | {"updated": NOW + 5, "expires": NOW + 9} | changes)


@pytest.mark.parametrize("status", ["succeeded", "failed", "canceled"])
def test_an_end_is_a_cloudevent(status: str) -> None:
    event = json.loads(of_end(ended(status=status)).body)

    assert event["specversion"] == "1.0"
    assert event["id"] == f"{ID}/{status}"
    assert event["source"] == "https://api.example.com"
    assert event["type"] == f"nowlater.job.{status}"
    assert event["subject"] == ID
    assert event["datacontenttype"] == "application/json"
    assert event["time"] == to_rfc3339(NOW + 5)
    names = set(event) - {"data"}
    assert all(name.isalnum() and name == name.lower() for name in names)
    assert all(isinstance(event[name], str) for name in names)


def test_an_event_is_a_payload_of_standard_webhooks_too() -> None:
    event = json.loads(of_end(ended()).body)

    assert event["timestamp"] == event["time"]
    assert event["data"] == json.loads(json.dumps(view.representation(ended(result=None)))) | {
        "result": 42
    }


def test_the_event_of_an_end_is_the_same_to_the_byte_each_time() -> None:
    assert of_end(ended()) == of_end(ended())


def test_an_event_has_the_trace_of_the_request_if_there_was_one() -> None:
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

    assert json.loads(of_end(ended(trace=trace)).body)["traceparent"] == trace
    assert "traceparent" not in json.loads(of_end(ended()).body)


def test_its_attributes_are_status_operation_and_owner_and_no_others() -> None:
    event = of_end(ended(tags={"owner": "somebody else", "status": "failed"}))

    assert event.attributes == {
        "status": "succeeded",
        "operation": "text-stats",
        "owner": "acme",
    }


def test_a_result_that_lies_in_the_bucket_is_named_by_its_link_alone() -> None:
    body = json.loads(of_end(ended(result=None, result_key="results/…", result_size=20_000)).body)

    assert body["data"]["result"] is None
    assert body["data"]["links"]["result"] == f"https://api.example.com/jobs/{ID}/result"
    assert "results/" not in json.dumps(body)


def test_an_event_has_neither_the_input_nor_internal_fields() -> None:
    body = of_end(ended(input='"a secret"', lease_holder="a request", lease_until=NOW)).body

    assert "a secret" not in body
    assert "a request" not in body


def test_a_failure_is_shown_as_its_problem() -> None:
    failed = ended(status="failed", result=None, error=Problem("refused", "No.").record())
    error = json.loads(of_end(failed).body)["data"]["error"]

    assert error["type"] == "https://api.example.com/problems/refused"
    assert (error["status"], error["detail"]) == (422, "No.")


@given(st.text(st.sampled_from('a\ufffe\uffff\\"\n\x00\U0001fffe')))
def test_the_characters_that_sns_refuses_are_escaped_and_mean_the_same(text: str) -> None:
    event = of_end(ended(result=json.dumps(text, ensure_ascii=False), tags={"a": text}))

    assert not {"\ufffe", "\uffff"} & set(event.body)
    assert not any(ord(character) < 0x20 for character in event.body)
    data = json.loads(event.body)["data"]
    assert (data["result"], data["tags"]["a"]) == (text, text)
