"""The async door, from the request to the notification."""

import json

from tests.integration.world import START, World

BASE = "https://api.example.com"
#: What a job is made of, wherever it appears.
MEMBERS = {
    *("id", "operation", "status", "attempt", "created", "updated", "started", "ended"),
    *("start_at", "deadline", "expires", "progress", "estimate", "at_risk", "tags", "retry_of"),
    *("result", "error", "links"),
}


def test_a_job_is_accepted_run_and_published(world: World) -> None:
    accepted = world.submit(given={"text": "To be, or not to be."}, tags={"order": "42"})
    job = accepted.json
    world.work()
    world.notify()

    assert accepted.status == 202, accepted.json
    seen = world.see(job["id"])
    assert (seen["status"], seen["attempt"]) == ("succeeded", 1), seen
    assert seen["result"]["words"] == 6
    (notification,) = world.published()
    assert notification["MessageAttributes"]["status"]["Value"] == "succeeded"


def test_the_answer_says_where_to_look_and_when(world: World) -> None:
    accepted = world.submit()
    url = f"{BASE}/jobs/{accepted.json['id']}"

    assert accepted.headers["location"] == accepted.headers["operation-location"] == url
    assert int(accepted.headers["retry-after"]) >= 1
    assert accepted.headers["cache-control"] == "no-store"
    assert "idempotency-replayed" not in accepted.headers
    assert accepted.json["links"]["self"] == url


def test_a_fresh_job_is_queued_and_shows_nothing_of_its_input(world: World) -> None:
    job = world.submit(given={"text": "between us"}, tags={"order": "42"}).json

    assert set(job) >= MEMBERS
    assert (job["status"], job["attempt"], job["tags"]) == ("queued", 0, {"order": "42"})
    assert job["created"] == job["updated"] == "2026-11-24T12:00:00.000Z"
    assert job["deadline"] == "2026-11-27T12:00:00.000Z"
    empty = ("started", "ended", "start_at", "expires", "progress", "retry_of", "result", "error")
    assert [job[name] for name in empty] == [None] * len(empty)
    assert "between us" not in json.dumps(job)


def test_a_promise_goes_to_the_lane_that_keeps_it(world: World) -> None:
    has_deadline = world.submit(deadline={"within": 3600}).json
    flexible = world.submit().json

    assert has_deadline["deadline"] == "2026-11-24T13:00:00.000Z"
    assert world.waiting("OnTime")["visible"] == world.waiting("Flexible")["visible"] == 1
    world.work("OnTime")
    assert world.see(has_deadline["id"])["status"] == "succeeded"
    assert world.see(flexible["id"])["status"] == "queued"


def test_a_deadline_may_be_an_instant_in_any_time_zone(world: World) -> None:
    job = world.submit(deadline={"at": "2026-11-24T14:30:00.5+01:00"}).json

    assert job["deadline"] == "2026-11-24T13:30:00.500Z"


def test_a_start_within_a_quarter_of_an_hour_waits_in_the_queue(world: World) -> None:
    job = world.submit(start={"after": 89.5}).json

    assert (job["status"], job["start_at"]) == ("scheduled", "2026-11-24T12:01:29.500Z")
    assert world.waiting() == {"visible": 0, "hidden": 0, "delayed": 1}
    world.pass_time(89)
    assert world.work()["records"] == 0
    world.pass_time(1)
    assert world.see(job["id"])["status"] == "queued"
    world.work()
    assert world.see(job["id"])["status"] == "succeeded"


def test_a_scheduled_job_is_to_be_looked_at_when_it_starts(world: World) -> None:
    assert world.submit(start={"after": 45}).headers["retry-after"] == "45"
    assert world.submit(start={"after": 3000}).headers["retry-after"] == "3000"
    assert world.submit(start={"after": 86400}).headers["retry-after"] == "3600"


def test_a_later_start_is_kept_in_the_record_alone(world: World) -> None:
    job = world.submit(start={"at": "2026-11-24T12:15:00.001Z"}).json

    assert (job["status"], world.messages()) == ("scheduled", 0)
    assert world.job(job["id"])["due_at"] == START + 300_001


def test_a_message_is_a_pointer_in_its_owners_group(world: World) -> None:
    job = world.submit(given={"text": "between us"}, owner="a.b-c@d").json
    (message,) = world.sqs.receive_message(
        QueueUrl=world.ids["FlexibleQueue"], AttributeNames=["All"]
    )["Messages"]

    assert json.loads(message["Body"]) == {"owner": "a.b-c@d", "id": job["id"]}
    assert message["Attributes"]["MessageGroupId"] == "a.b-c@d"


def test_a_request_may_leave_out_the_input_where_none_is_needed(world: World) -> None:
    assert world.call("submit", operation="fail", body={}).status == 202


def test_the_trace_of_the_request_is_carried_to_the_event(world: World) -> None:
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    traces = []
    for header in (trace, "garbage"):
        world.call("submit", headers={"traceparent": header, "idempotency-key": None})
        world.work()
        world.notify()
        traces += [json.loads(t["Message"]).get("traceparent") for t in world.published()]

    assert traces == [trace, None]


def test_an_upload_is_created_at_the_url_where_the_file_is_put(world: World) -> None:
    reply = world.call("upload", body={"size": 3})

    assert reply.status == 201
    assert reply.headers["location"] == reply.json["url"]
