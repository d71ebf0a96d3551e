"""Clients that others wrote, unmodified: each follows our jobs to their end."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core import PipelineClient
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import (
    HeadersPolicy,
    RedirectPolicy,
    RequestIdPolicy,
    SensitiveHeaderCleanupPolicy,
)
from azure.core.pipeline.transport import RequestsTransport
from azure.core.polling import LROPoller
from azure.core.polling.base_polling import LROBasePolling
from azure.core.rest import HttpRequest

from tests.e2e import nodejs
from tests.e2e.client import Client
from tests.e2e.patience import LONGER, PATIENCE_S

pytestmark = pytest.mark.usefixtures("diagnostics")


# ── azure-core's LROPoller ────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def azure(api: Client) -> Iterator["PipelineClient[Any, Any]"]:
    """A client as Azure's SDKs make theirs, with our key in place of their credentials."""
    sent = api.get("/health").request.headers
    policies = [
        RequestIdPolicy(),
        HeadersPolicy({"Authorization": sent["Authorization"]}),
        RedirectPolicy(),
        SensitiveHeaderCleanupPolicy(),
    ]
    with PipelineClient(api.url, policies=policies, transport=RequestsTransport()) as client:
        yield client


def poller(
    azure: "PipelineClient[Any, Any]",
    operation: str,
    given: Any,
    door: str = "async",
    **headers: str,
) -> "LROPoller[Any]":
    """Send a request to a door, and have its job polled as `Operation-Location` says."""
    body = {"input": given, "deadline": {"within": 600}}
    url = f"{azure._base_url}/{door}/{operation}"
    request = HttpRequest("POST", url, json=body, headers=headers)
    accepted = azure.send_request(request, _return_pipeline_response=True)
    method: LROBasePolling[Any, Any, Any, Any] = LROBasePolling()
    return LROPoller(azure, accepted, lambda got: got.http_response.json(), method)


def test_azures_poller_gets_a_result(azure: "PipelineClient[Any, Any]") -> None:
    for seconds in LONGER:
        polled = poller(azure, "sleep", {"seconds": seconds})
        before = polled.status()
        result = polled.result(timeout=PATIENCE_S)
        if before != "succeeded":
            break

    assert before in ("queued", "running")
    assert polled.status() == "succeeded"
    assert result == {"seconds": seconds}


@pytest.mark.parametrize("value", [None, "x" * 17_000], ids=["null", "behind a redirect"])
def test_azures_poller_gets_any_result(azure: "PipelineClient[Any, Any]", value: Any) -> None:
    assert poller(azure, "echo", {"value": value}).result(timeout=PATIENCE_S) == value


@pytest.mark.parametrize("prefer", ["wait=20", "respond-async"])
def test_azures_poller_gets_a_result_of_the_hybrid_door(
    azure: "PipelineClient[Any, Any]", prefer: str
) -> None:
    polled = poller(azure, "sleep", {"seconds": 0.2}, "hybrid", Prefer=prefer)

    assert polled.result(timeout=PATIENCE_S) == {"seconds": 0.2}


def test_azures_poller_raises_what_failed(azure: "PipelineClient[Any, Any]") -> None:
    polled = poller(azure, "fail", {"kind": "refused", "message": "no such number", "after": 1})
    with pytest.raises(HttpResponseError) as raised:
        polled.result(timeout=PATIENCE_S)
    error = raised.value.error

    assert error is not None
    assert (error.code, error.message) == ("refused", "no such number")
    assert polled.status() == "failed"


def test_azures_client_reads_a_problem(azure: "PipelineClient[Any, Any]") -> None:
    request = HttpRequest("POST", f"{azure._base_url}/sync/sleep", json={"input": {}})
    with pytest.raises(HttpResponseError) as raised:
        azure.send_request(request).raise_for_status()

    assert raised.value.error is not None
    assert raised.value.error.code == "invalid-input"


def test_azures_poller_notices_a_cancel(azure: "PipelineClient[Any, Any]", api: Client) -> None:
    polled = poller(azure, "sleep", {"seconds": 30})
    url = polled.polling_method()._operation.get_polling_url()
    api.call("POST", f"{url}/cancel")
    with pytest.raises(HttpResponseError) as raised:
        polled.result(timeout=PATIENCE_S)

    assert raised.value.error is not None
    assert raised.value.error.code == "canceled"
    assert polled.status() == "canceled"


# ── @azure/core-lro ───────────────────────────────────────────────────────────────────────────


def polled_in_javascript(
    api: Client, door: str, operation: str, given: Any, prefer: str = ""
) -> Any:
    """Have the npm package's poller ask a door; return what came of it."""
    body = json.dumps({"input": given, "deadline": {"within": 600}})
    key = api.authorization.removeprefix("Bearer ")
    return json.loads(nodejs.run("poll.js", f"{api.url}/{door}/{operation}", body, prefer, KEY=key))


@pytest.mark.parametrize(
    ("door", "operation", "given", "result"),
    [
        ("async", "sleep", {"seconds": 1.5}, {"seconds": 1.5}),
        ("async", "echo", {"value": None}, None),
        ("async", "echo", {"value": "x" * 17_000}, "x" * 17_000),
        ("hybrid", "sleep", {"seconds": 0.2}, {"seconds": 0.2}),
    ],
    ids=["a result", "null", "behind a redirect", "hybrid"],
)
def test_azures_poller_in_javascript_gets_a_result(
    api: Client, door: str, operation: str, given: Any, result: Any
) -> None:
    polled = polled_in_javascript(api, door, operation, given)

    assert polled == {"result": result, "status": "succeeded"}


def test_azures_poller_in_javascript_follows_a_job_of_the_hybrid_door(api: Client) -> None:
    polled = polled_in_javascript(api, "hybrid", "sleep", {"seconds": 2}, "wait=1")

    assert polled == {"result": {"seconds": 2}, "status": "succeeded"}


def test_azures_poller_in_javascript_raises_what_failed(api: Client) -> None:
    given = {"kind": "refused", "message": "no such number"}
    polled = polled_in_javascript(api, "async", "fail", given)

    assert polled["status"] == "failed"
    assert polled["error"].endswith("refused. no such number")


# ── the npm package eventsource ───────────────────────────────────────────────────────────────


def followed(api: Client, job: Any) -> list[Any]:
    """Return what the program prints of a job's events, a line each."""
    key = api.authorization.removeprefix("Bearer ")
    printed = nodejs.run("follow.js", job["links"]["events"], KEY=key)
    return [json.loads(line) for line in printed.splitlines()]


def test_an_event_source_follows_a_job_to_its_end_and_stops(api: Client) -> None:
    nodejs.folder()  # installed before the job runs
    for seconds in LONGER:
        job = api.submit("sleep", {"seconds": seconds}, deadline={"within": 600})
        *events, end = followed(api, job)
        if len(events) >= 2:
            break
    shown = [event["job"] for event in events]
    ids = [event["id"] for event in events]

    assert end == {"closed": 204}
    assert shown[-1] | {"estimate": None} == api.get(job["links"]["self"]).json()
    assert shown[-1]["result"] == {"seconds": seconds}
    assert len(shown) >= 2
    assert len(set(ids)) == len(ids), "an event was received twice"
    assert [j["updated"] for j in shown] == sorted(j["updated"] for j in shown)


@pytest.mark.parametrize(
    ("operation", "given", "status"),
    [("fail", {"kind": "refused"}, "failed"), ("sleep", {"seconds": 30}, "canceled")],
)
def test_an_event_source_stops_at_any_end(
    api: Client, operation: str, given: Any, status: str
) -> None:
    job = api.submit(operation, given, deadline={"within": 600})
    if status == "canceled":
        time.sleep(0.5)
        api.call("POST", job["links"]["cancel"])
    *events, end = followed(api, job)

    assert end == {"closed": 204}
    assert events[-1]["job"]["status"] == status
