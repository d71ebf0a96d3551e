"""`/jobs/{id}/events`: finite streams of server-sent events, followed as an EventSource does it."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from tests.integration.lambdas import Reply
from tests.integration.runs import has_run
from tests.integration.world import World


@dataclass
class EventSource:
    """A client that reads streams as the HTML standard says (§9.2), and comes back when it may."""

    world: World
    job: str
    last_event_id: str = ""
    retry_ms: int | None = None
    events: list[Any] = field(default_factory=list)

    def connect(self) -> Reply:
        """Make one request, as a browser would, and read what it brings."""
        headers = {"accept": "text/event-stream"}
        headers |= {"last-event-id": self.last_event_id} if self.last_event_id else {}
        reply = self.world.call("events", id=self.job, headers=headers)
        if reply.status == 200:
            assert reply.headers["content-type"].partition(";")[0] == "text/event-stream"
            self._read(reply.body.decode())
        return reply

    def _read(self, stream: str) -> None:
        data, event_id = "", self.last_event_id
        for line in re.split("\r\n|\n|\r", stream)[:-1]:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if not line:
                self.last_event_id = event_id
                self.events += [json.loads(data)] if data else []
                data = ""
            elif name == "data":
                data += value + "\n"
            elif name == "id" and "\0" not in value:
                event_id = value
            elif name == "retry" and re.fullmatch("[0-9]+", value):
                self.retry_ms = int(value)
        assert data == "", "an event that no empty line ends is discarded"


def source(world: World, operation: str = "echo", **envelope: Any) -> EventSource:
    given = {"value": 1} if operation == "echo" else {}
    return EventSource(world, world.submit(operation, given, **envelope).json["id"])


def test_the_first_event_is_the_job_as_it_is(world: World) -> None:
    client = source(world)
    reply = client.connect()

    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-store"
    assert client.events == [world.see(client.job)]
    assert client.last_event_id
    assert client.retry_ms == 1000


def test_a_client_that_knows_the_job_is_only_answered_when_to_come_back(world: World) -> None:
    client = source(world)
    client.connect()
    seen = client.last_event_id
    world.pass_time(60)
    reply = client.connect()

    assert reply.status == 200
    assert len(client.events) == 1
    assert client.last_event_id == seen
    assert client.retry_ms == 6000


def test_a_new_state_is_a_new_event(world: World) -> None:
    client = source(world, "meanwhile")
    client.connect()
    world.meanwhile(
        lambda context: (
            client.connect(),
            world.pass_time(2),
            context.progress(0.5),
            client.connect(),
        )
    )
    world.pass_time(1)
    world.work()
    client.connect()

    assert [e["status"] for e in client.events] == ["queued", "running", "running", "succeeded"]
    assert [e["progress"] and e["progress"]["fraction"] for e in client.events] == [
        *(None, None, 0.5, None)
    ]
    assert client.events[-1]["result"] == 1


def test_after_the_end_was_seen_there_is_no_content_and_the_client_stops(world: World) -> None:
    client = source(world)
    client.connect()
    world.work()
    last = client.connect()
    over = client.connect()

    assert (last.status, client.events[-1]["status"]) == (200, "succeeded")
    assert (over.status, over.body) == (204, b"")
    assert over.headers["content-type"] == "text/event-stream"  # else httpx-sse raises
    assert client.connect().status == 204


def test_a_client_that_comes_after_the_end_gets_it_once(world: World) -> None:
    client = source(world)
    world.work()

    assert [client.connect().status for _ in range(3)] == [200, 204, 204]
    assert [e["status"] for e in client.events] == ["succeeded"]
    assert client.retry_ms == 1000


def test_an_id_that_is_not_ours_shows_nothing_as_seen(world: World) -> None:
    client = source(world)
    world.work()
    for other in ("x", "0-succeeded", "ü", "1" * 5000):
        client.last_event_id = other
        client.connect()

    assert [e["status"] for e in client.events] == ["succeeded"] * 4


def test_a_missed_deadline_is_the_same_event_before_and_after_it_is_written(world: World) -> None:
    client = source(world, deadline={"within": 60})
    world.pass_time(62)
    client.connect()
    world.sweep()

    assert client.connect().status == 204
    assert [e["status"] for e in client.events] == ["failed"]


def test_a_start_that_has_come_is_an_event(world: World) -> None:
    client = source(world, start={"after": 60})
    client.connect()
    assert client.retry_ms == 60_000
    world.pass_time(60)
    client.connect()

    assert [e["status"] for e in client.events] == ["scheduled", "queued"]


def test_an_event_is_one_line_whatever_the_result_holds(world: World) -> None:
    value = {"text": "a\nb\r\n\r\ndata: c\u2028\0", "more": ["\n\n"]}
    job = world.submit("echo", {"value": value}).json["id"]
    world.work()
    client = EventSource(world, job)
    client.connect()

    assert [e["result"] for e in client.events] == [value]


def test_a_changed_estimate_is_no_event_but_says_when_to_come_back(world: World) -> None:
    has_run(world, "echo", 60)
    client = source(world)
    client.connect()
    assert client.events[0]["estimate"] is not None
    assert 20_000 < (client.retry_ms or 0) < 40_000
    world.pass_time(50)
    client.connect()

    assert len(client.events) == 1


def test_an_unknown_job_has_no_events(world: World) -> None:
    theirs = world.submit(owner="other").json["id"]
    for job in (theirs, "x"):
        reply = EventSource(world, job).connect()

        assert (reply.status, reply.problem) == (404, "unknown-job")


def test_the_link_of_a_job_leads_to_its_events(world: World) -> None:
    client = source(world)

    assert world.see(client.job)["links"]["events"].endswith(f"/jobs/{client.job}/events")


def test_a_client_that_cannot_send_the_header_names_the_event_in_the_query(world: World) -> None:
    """As event-source-polyfill does."""
    job = world.submit().json["id"]
    first = world.call("events", id=job, headers={"last-event-id": None})
    seen = first.body.decode().partition("\n")[0].removeprefix("id: ")
    again = world.call(
        "events", id=job, headers={"last-event-id": None}, query={"lastEventId": seen}
    )

    assert b"data:" in first.body
    assert (again.status, b"data:" in again.body) == (200, False)
