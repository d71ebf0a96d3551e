"""The stand-in: what a user's own tests see of faults in an operation, times, and what it lacks."""

import logging
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from nowlater_client import WaitTimeout, errors
from nowlater_client.testing import Refused, Server

#: In a past that is long enough for any clock.
PAST = datetime.now(timezone.utc) - timedelta(days=1)


def parse(text: str) -> int:
    """Return the number in a text."""
    if text == "refused":
        raise Refused("Not this one.")
    return int(text)


@pytest.fixture
def server() -> Server:
    return Server({"parse": parse})


@pytest.mark.parametrize("wait", [None, 5])
def test_a_fault_of_the_operation_is_no_invalid_input(
    server: Server, wait: float | None, caplog: pytest.LogCaptureFixture
) -> None:
    with server.client() as client:
        with pytest.raises(errors.OperationFailed):
            client.call("parse", {"text": "x"}, wait=wait)
        with pytest.raises(errors.OperationFailed):
            client.call("parse", {"text": None}, wait=wait)  # a TypeError, by int()
        assert "invalid literal for int()" in caplog.text
        assert "test_testing.py" in caplog.text
        caplog.clear()
        with pytest.raises(errors.InvalidInput, match="missing a required argument"):
            client.call("parse", {"test": "1"}, wait=wait)
        with pytest.raises(errors.Refused):
            client.call("parse", {"text": "refused"}, wait=wait)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_the_deadline_is_kept(server: Server) -> None:
    with server.client() as client:
        job = client.submit("parse", {"text": "1"}, deadline=60)
        late = client.submit("parse", {"text": "1"}, deadline=PAST)

        assert 50 < (job.deadline - datetime.now(timezone.utc)).total_seconds() <= 60
        assert job.result() == 1
        with pytest.raises(errors.DeadlineExceeded):
            late.result()


def test_a_job_with_a_start_is_scheduled(server: Server) -> None:
    with server.client() as client:
        job = client.submit("parse", {"text": "1"}, start=3600)

        assert (job.status, job.start_at is not None) == ("scheduled", True)
        with pytest.raises(WaitTimeout):
            client.call("parse", {"text": "1"}, start=3600, wait=5, timeout=0.1)
        assert client.job(job.id).status == "scheduled"
        assert job.cancel().status == "canceled"
        assert client.submit("parse", {"text": "1"}, start=PAST).result() == 1


def test_jobs_are_counted(server: Server) -> None:
    with server.client() as client:
        for number in range(30):
            client.submit("parse", {"text": f"{number}"}, tags={"odd": f"{number % 2}"})
        client.submit("parse", {"text": "x"}).wait()

        found = client.counts(operation="parse", tags={"odd": "1"})
        failed = client.counts(status="failed", since=PAST)

        assert found == [{"from": None, "operation": "parse", "status": "queued", "jobs": 15}]
        assert [one["jobs"] for one in failed] == [1]
        assert client.counts(until=PAST) == []


def test_an_operation_is_described(server: Server) -> None:
    with server.client() as client:
        found = client.operation("parse")
        with pytest.raises(errors.UnknownOperation):
            client.operation("nothing")

    assert (found.description, [*(found.input or {})["properties"]]) == (parse.__doc__, ["text"])


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.lanes(),
        lambda client: client.secret("x.example.com"),
        lambda client: client.submit("parse", {"text": "1"}).deliveries(),
        lambda client: list(client.deliveries()),
    ],
)
def test_what_it_lacks_is_said(server: Server, ask: Any) -> None:
    with server.client() as client, pytest.raises(errors.UnknownRoute, match="stand-in has no GET"):
        ask(client)
