"""Clients that others wrote, unmodified: each follows our jobs to their end."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core import PipelineClient
from azure.core.exceptions import HttpResponseError
from azure.core.pipeline.policies import HeadersPolicy, RequestIdPolicy
from azure.core.pipeline.transport import RequestsTransport
from azure.core.polling import LROPoller
from azure.core.polling.base_polling import LROBasePolling, OperationResourcePolling
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
    policies = [RequestIdPolicy(), HeadersPolicy({"Authorization": sent["Authorization"]})]
    with PipelineClient(api.url, policies=policies, transport=RequestsTransport()) as client:
        yield client


def poller(azure: "PipelineClient[Any, Any]", operation: str, given: Any) -> "LROPoller[Any]":
    """Send a request to the async door, and have its job polled as `Operation-Location` says."""
    body = {"input": given, "deliver": {"within": 600}}
    request = HttpRequest("POST", f"{azure._base_url}/async/{operation}", json=body)
    accepted = azure.send_request(request, _return_pipeline_response=True)
    method: LROBasePolling[Any, Any, Any, Any] = LROBasePolling(
        lro_algorithms=[OperationResourcePolling()]
    )
    return LROPoller(azure, accepted, lambda got: got.http_response.json(), method)


def test_azures_poller_gets_a_result(azure: "PipelineClient[Any, Any]") -> None:
    for seconds in LONGER:
        polled = poller(azure, "sleep", {"seconds": seconds})
        before = polled.status()
        job = polled.result(timeout=PATIENCE_S)
        if before != "succeeded":
            break

    assert before in ("queued", "running")
    assert polled.status() == "succeeded"
    assert job["result"] == {"seconds": seconds}


def test_azures_poller_raises_what_failed(azure: "PipelineClient[Any, Any]") -> None:
    polled = poller(azure, "fail", {"kind": "refused", "message": "no such number", "after": 1})
    with pytest.raises(HttpResponseError, match="no such number"):
        polled.result(timeout=PATIENCE_S)

    assert polled.status() == "failed"


def test_azures_poller_notices_a_cancel(azure: "PipelineClient[Any, Any]", api: Client) -> None:
    polled = poller(azure, "sleep", {"seconds": 30})
    url = polled.polling_method()._operation.get_polling_url()
    api.call("POST", f"{url}/cancel")
    with pytest.raises(HttpResponseError):
        polled.result(timeout=PATIENCE_S)

    assert polled.status() == "canceled"


# ── the npm package eventsource ───────────────────────────────────────────────────────────────


def followed(api: Client, job: Any) -> list[Any]:
    """Return what the program prints of a job's events, a line each."""
    key = str(api.get("/health").request.headers["Authorization"]).removeprefix("Bearer ")
    printed = nodejs.run("follow.js", job["links"]["events"], KEY=key)
    return [json.loads(line) for line in printed.splitlines()]


def test_an_event_source_follows_a_job_to_its_end_and_stops(api: Client) -> None:
    nodejs.folder()  # installed before the job runs
    for seconds in LONGER:
        job = api.submit("sleep", {"seconds": seconds}, deliver={"within": 600})
        *events, end = followed(api, job)
        if len(events) >= 2:
            break
    shown = [event["job"] for event in events]
    ids = [event["id"] for event in events]

    assert end == {"closed": 204}
    assert shown[-1] | {"estimate": None} == api.get(job["links"]["self"]).json()
    assert shown[-1]["result"] == {"seconds": seconds}
    assert len(shown) >= 2
    assert len(set(ids)) == len(ids), "an event was told twice"
    assert [j["updated"] for j in shown] == sorted(j["updated"] for j in shown)


@pytest.mark.parametrize(
    ("operation", "given", "status"),
    [("fail", {"kind": "refused"}, "failed"), ("sleep", {"seconds": 30}, "canceled")],
)
def test_an_event_source_stops_at_any_end(
    api: Client, operation: str, given: Any, status: str
) -> None:
    job = api.submit(operation, given, deliver={"within": 600})
    if status == "canceled":
        time.sleep(0.5)
        api.call("POST", job["links"]["cancel"])
    *events, end = followed(api, job)

    assert end == {"closed": 204}
    assert events[-1]["job"]["status"] == status
