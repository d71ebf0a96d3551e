"""More clients that others wrote, unmodified: readers of webhooks and of events, and a linter of HTTP."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from httplint import HttpResponseLinter
from httpx_sse import connect_sse
from standardwebhooks import Webhook

from tests.e2e import nodejs
from tests.e2e.client import Client
from tests.e2e.patience import PATIENCE_S
from tests.receiver import Received, Receiver

pytestmark = pytest.mark.usefixtures("diagnostics")

# ── the SDKs of CloudEvents ───────────────────────────────────────────────────────────────────

STRUCTURED = "application/cloudevents+json"


def called_back(api: Client, **callback: str) -> tuple[Any, Received]:
    """Have a job call back; return the job, and the webhook as it came."""
    with Receiver() as receiver:
        to = {"url": receiver.url()} | callback
        job = api.submit("echo", {"value": "é, 🦊"}, callback=to)
        (got,) = receiver.wait(1, within_s=PATIENCE_S)
    secret = api.get("/webhooks/secret?host=127.0.0.1").json()["secret"]
    Webhook(secret).verify(got.body, got.headers)
    return job, got


@pytest.mark.parametrize("callback", [{}, {"format": "application/json"}])
def test_a_webhook_is_json_unless_its_callback_asks_for_more(
    api: Client, callback: dict[str, str]
) -> None:
    _, got = called_back(api, **callback)

    assert got.headers["content-type"] == "application/json"


def test_the_sdks_of_cloudevents_read_a_webhook_in_their_format(
    api: Client, tmp_path: Path
) -> None:
    job, got = called_back(api, format=STRUCTURED)
    in_python = from_http_event(HTTPMessage(headers=got.headers, body=got.body))
    message = tmp_path / "message.json"
    message.write_text(json.dumps({"headers": got.headers, "body": got.body.decode()}))
    in_javascript = json.loads(nodejs.run("cloudevent.js", message))

    assert got.headers["content-type"] == STRUCTURED
    for kind, event_id, data in (
        (in_python.get_type(), in_python.get_id(), in_python.get_data()),
        (in_javascript["type"], in_javascript["id"], in_javascript["job"]),
    ):
        assert kind == "nowlater.job.succeeded"
        assert event_id == f"{job['id']}/succeeded"
        assert data["result"] == "é, 🦊"


# ── httpx-sse ─────────────────────────────────────────────────────────────────────────────────


def followed(client: httpx.Client, url: str) -> Iterator[Any]:
    """Yield the jobs that its events show until there are no more, as the stream says when."""
    last, deadline = "", time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        pause_s = 1.0
        with connect_sse(client, "GET", url, headers={"Last-Event-ID": last}) as source:
            for event in source.iter_sse():
                last = event.id or last
                pause_s = (event.retry or 0) / 1000 or pause_s
                if event.data:
                    yield event.json()
            if source.response.status_code == httpx.codes.NO_CONTENT:
                return
        time.sleep(pause_s)
    raise AssertionError("it does not end")


def test_httpx_sse_follows_a_job_to_its_end(api: Client) -> None:
    job = api.submit("sleep", {"seconds": 1}, deadline={"within": 600})
    with httpx.Client(headers={"Authorization": api.authorization}) as client:
        *_, last = followed(client, job["links"]["events"])

    assert last["status"] == "succeeded"


# ── httplint ──────────────────────────────────────────────────────────────────────────────────

#: What it finds, and why that stays.
EXPLAINED = {
    "LOCATION_UNDEFINED": "a 202 has a Location, as Azure's guidelines want it",
    "HEADER_SHOULD_NOT_BE_IN_304": "the gateway adds a Content-Type",
    "STATUS_BAD_REQUEST": "a 400 is one",
}


def found(answer: requests.Response) -> set[str]:
    """Return what the linter holds against an answer."""
    linter = HttpResponseLinter(start_time=time.time())
    status = str(answer.status_code).encode()
    linter.process_response_topline(b"HTTP/1.1", status, answer.reason.encode())
    linter.process_headers([(k.encode(), v.encode()) for k, v in answer.headers.items()])
    linter.feed_content(answer.content)
    linter.finish_content(True)
    return {type(n).__name__ for n in linter.notes if n.level.name in ("BAD", "WARN")}


def answers(api: Client) -> Iterator[requests.Response]:
    """Yield an answer of each kind."""
    yield api.ask("sync", "echo", {"value": 1})
    yield api.ask("sync", "echo", {})
    yield api.ask("sync", "fail", {"kind": "unavailable"})
    yield api.ask("hybrid", "echo", {"value": 1})
    yield api.call("POST", "/uploads", json={"size": 3})
    yield api.call("POST", "/uploads", json={})
    ended = api.ended(api.submit("echo", {"value": "x" * 17_000}))
    yield (events := api.get(ended["links"]["events"]))
    last = events.text.partition("id: ")[2].partition("\n")[0]
    yield api.get(ended["links"]["events"], headers={"Last-Event-ID": last})
    for name in ("self", "result"):
        yield api.get(ended["links"][name])
    seen = api.get(ended["links"]["self"]).headers["ETag"]
    yield api.get(ended["links"]["self"], headers={"If-None-Match": seen})
    yield api.call("POST", ended["links"]["cancel"])
    yield api.call("POST", ended["links"]["retry"])
    yield api.call("DELETE", ended["links"]["self"])
    yield api.get(ended["links"]["self"])
    for path in ("/jobs", "/operations", "/operations/echo", "/problems/refused", "/health"):
        yield api.get(path)
        yield api.call("HEAD", path)
    for path in ("/openapi.json", "/asyncapi.json", "/docs", "/nowhere"):
        yield api.get(path)


def test_answers_are_as_http_wants_them(api: Client) -> None:
    statuses, faults = set(), set()
    for answer in answers(api):  # each at once: the linter looks at the clock
        statuses.add(answer.status_code)
        faults |= {(answer.url, answer.status_code, n) for n in found(answer) - EXPLAINED.keys()}

    assert faults == set()
    assert statuses >= {200, 201, 202, 204, 303, 304, 400, 404, 409, 410, 422, 503}
