"""The stand-in of `nowlater_client.testing` answers as a served stack does, in what the client sees."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from nowlater_client import Client, File, NowlaterError, Upload
from nowlater_client.testing import Refused, Server
from tests.e2e.client import Client as Caller
from tests.e2e.patience import PATIENCE_S


def echo(value: Any) -> Any:
    return value


def fail(kind: str, message: str = "") -> None:
    if kind == "refused":
        raise Refused(message)
    raise RuntimeError(message)


def csv_profile(csv: bytes) -> dict[str, Any]:
    return {"rows": csv.count(b"\n") - 1}


PAST = datetime(2026, 1, 1, tzinfo=UTC)
OPERATIONS = {"echo": echo, "fail": fail, "csv-profile": csv_profile}


def outcome(call: Callable[[], Any]) -> Any:
    """Return what a call gives: its value, or the kind and status of its error."""
    try:
        return call()
    except NowlaterError as error:
        return type(error).__name__, error.status, error.code, error.job_id is not None


def story(client: Client, key: str) -> list[Any]:
    """Do what users do; return what they see."""
    csv = File(b"name,size\n" + b"a,1\n" * 200_000, "text/csv")
    job = client.submit("echo", {"value": [1, None]}, key=key, tags={"story": key})
    same = client.submit("echo", {"value": [1, None]}, key=key, tags={"story": key})
    ended = job.wait(PATIENCE_S)
    failed = client.submit("fail", {"kind": "refused", "message": "No."}, tags={"story": key})
    again = job.retry(key=f"{key}-retry")
    return [
        client.call("echo", {"value": "é"}),
        client.call("echo", {"value": None}, wait=20),
        client.call("csv-profile", {"csv": csv}, wait=20)["rows"],
        outcome(lambda: client.call("nothing")),
        outcome(lambda: client.call("fail", {"kind": "refused", "message": "No."})),
        outcome(lambda: client.call("fail", {"kind": "refused", "message": "No."}, wait=20)),
        outcome(lambda: client.call("echo", {"valve": 1})),
        outcome(lambda: client.submit("echo", {"valve": 1})),
        outcome(lambda: client.submit("echo", {"value": 1}, deadline=PAST)),
        outcome(lambda: client.submit("echo", {"value": 1}, start=PAST)),
        outcome(lambda: client.request("POST", "/async/echo", json={"valve": 1})),
        outcome(lambda: client.submit("csv-profile", {"csv": Upload("0" * 32)})),
        outcome(lambda: client.submit("echo", {"value": 2}, key=key)),
        (sorted(job.raw), sorted(ended.attempts[0].raw), sorted(client.operation("echo").raw)),
        client.request("HEAD", f"/jobs/{job.id}").status,
        outcome(job.replay),
        outcome(lambda: failed.result(PATIENCE_S)),
        (same.id == job.id, ended.status, job.result(), ended.tags == {"story": key}),
        (again.retry_of == job.id, again.id != job.id, again.result(PATIENCE_S)),
        len(client.submit("echo", {"value": "x" * 50_000}).result(PATIENCE_S)),
        outcome(again.cancel),
        outcome(lambda: client.job("01a20eff-13a8-723c-a1e0-0187f181401b")),
        list(client.map("echo", [{"value": number} for number in range(15)])),
        (job.erase(), job.erase(), outcome(job.refresh), outcome(job.result)),
        outcome(lambda: client.request("GET", "/nothing")),
    ]


@pytest.mark.usefixtures("diagnostics")
def test_both_show_the_same(api: Caller, key: str) -> None:
    token = api.get("/health").request.headers["Authorization"].removeprefix("Bearer ")

    with Client(api.url, token) as client, Server(OPERATIONS).client() as fake:
        real, made_up = story(client, key), story(fake, key)

    assert made_up == real
