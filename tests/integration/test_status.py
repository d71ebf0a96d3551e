"""A job's status, and its result, as its owner reads them."""

import pytest

from tests.integration.world import World

UNKNOWN = "019ac1d2-7b5e-7c31-8f44-000000000000"


def test_a_reader_who_knows_the_job_gets_not_modified(world: World) -> None:
    job = world.submit().json["id"]
    tag = world.call("status", id=job).headers["etag"]
    for seen in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = world.call("status", id=job, headers={"if-none-match": seen})

        assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag), seen
        assert again.headers["cache-control"] == "no-store"
        assert "retry-after" in again.headers


def test_the_etag_changes_with_the_job(world: World) -> None:
    job = world.submit().json["id"]
    tag = world.call("status", id=job).headers["etag"]
    world.work()
    after = world.call("status", id=job, headers={"if-none-match": tag})

    assert (after.status, after.json["status"]) == (200, "succeeded")
    assert after.headers["etag"] != tag


def test_the_pause_between_looks_grows_with_the_wait_and_ends_with_the_job(world: World) -> None:
    job = world.submit().json["id"]
    pauses = []
    for passed in (0, 60, 3600):
        world.pass_time(passed)
        pauses.append(world.call("status", id=job).headers["retry-after"])
    world.work()

    assert pauses == ["1", "6", "60"]
    assert "retry-after" not in world.call("status", id=job).headers


def test_progress_shows_while_the_job_runs(world: World) -> None:
    seen = {}
    job = world.submit("meanwhile", {}).json["id"]

    def look(context: object) -> None:
        context.progress(0.4, "12000 rows")  # type: ignore[attr-defined]
        seen.update(world.see(job))

    world.meanwhile(look)
    world.work()

    assert (seen["status"], seen["attempt"]) == ("running", 1)
    assert seen["started"] == "2026-11-24T12:00:00.000Z"
    assert seen["progress"] == {"fraction": 0.4, "message": "12000 rows"}


@pytest.mark.parametrize("name", ["status", "result", "cancel", "retry", "erase"])
@pytest.mark.parametrize("job", [UNKNOWN, "x", "0" * 36, "%2e%2e", UNKNOWN.upper(), "ä", "a" * 999])
def test_a_job_that_does_not_exist_is_unknown(world: World, name: str, job: str) -> None:
    reply = world.call(name, id=job)

    assert (reply.status, reply.problem) == (404, "unknown-job")
    assert world.counts() == (0, 0, 0)


def test_links_start_with_the_domain_that_the_reader_called(world: World) -> None:
    job = world.submit().json["id"]
    links = world.call("status", id=job, domain="jobs.example.org").json["links"]

    url = f"https://jobs.example.org/jobs/{job}"
    expected = {name: f"{url}/{name}" for name in ("result", "cancel", "retry")}
    assert links.items() >= (expected | {"self": url}).items()


def test_a_missed_deadline_is_shown_and_written_by_the_first_reader(world: World) -> None:
    job = world.submit(deadline={"within": 60}).json["id"]
    world.pass_time(61.9)
    before = world.see(job)
    world.pass_time(0.1)
    after = world.call("status", id=job)

    assert before["status"] == "queued"
    assert after.json["status"] == "failed"
    assert after.json["ended"] == "2026-11-24T12:01:00.000Z"
    assert after.json["error"]["type"].endswith("/problems/deadline-exceeded")
    assert "retry-after" not in after.headers
    assert world.call("list", query={}).json["jobs"] == [after.json]
    assert world.job(job)["status"] == "failed"


@pytest.mark.parametrize("look", ["status", "list"])
def test_a_reader_alone_ends_a_job_without_a_deadline_at_its_bound(world: World, look: str) -> None:
    job = world.submit().json["id"]
    world.pass_time(3 * 86_400 + 2)
    world.call(look, id=job) if look == "status" else world.call(look, query={})

    assert world.job(job)["status"] == "failed"


@pytest.mark.parametrize("name", ["status", "result", "retry", "events", "deliveries", "erase"])
def test_a_first_reader_after_the_retention_learns_that_the_job_is_gone(
    world: World, name: str
) -> None:
    job = world.submit(retention=3600, deadline={"within": 60}).json["id"]
    world.pass_time(60 + 3600 + 1)
    replies = [world.call(name, id=job) for _ in range(2)]

    assert [(r.status, r.problem) for r in replies] == [(410, "job-expired")] * 2


def test_what_was_shown_of_a_missed_deadline_is_what_is_written_later(world: World) -> None:
    job = world.submit(deadline={"within": 60}).json["id"]
    world.pass_time(100)
    shown = world.see(job)
    world.sweep()

    assert world.see(job) == shown
    assert world.job(job)["status"] == "failed"


# ── results ───────────────────────────────────────────────────────────────────────────────────


def test_the_result_of_an_unfinished_job_is_the_job(world: World) -> None:
    job = world.submit().json["id"]
    reply = world.call("result", id=job)

    assert (reply.status, reply.json) == (202, world.see(job))
    assert reply.headers["retry-after"] == "1"


def test_the_result_is_answered_as_it_is(world: World) -> None:
    job = world.submit("echo", {"value": {"a": [1, None]}}).json["id"]
    world.work()
    reply = world.call("result", id=job)

    assert (reply.status, reply.json) == (200, {"a": [1, None]})
    assert reply.headers["content-type"] == "application/json"
    assert world.see(job)["result"] == {"a": [1, None]}


@pytest.mark.parametrize("value", [None, "", 0, False, [], {}])
def test_a_result_that_is_nothing_is_a_result(world: World, value: object) -> None:
    job = world.submit("echo", {"value": value}).json["id"]
    world.work()
    reply = world.call("result", id=job)

    assert (reply.status, reply.json) == (200, value)


def test_a_stored_failure_is_no_failure_of_the_server(world: World) -> None:
    failed = world.submit("fail", {"kind": "refused", "message": "not this"}).json["id"]
    world.work()
    canceled = world.submit().json["id"]
    world.call("cancel", id=canceled)

    for job, problem in ((failed, "refused"), (canceled, "canceled")):
        reply = world.call("result", id=job)
        assert (reply.status, reply.problem, reply.json["status"]) == (409, problem, 409)
        assert world.see(job)["error"]["type"] == reply.json["type"]


def test_bytes_are_answered_as_bytes_and_shown_as_base64(world: World) -> None:
    given = {"text": "\x89PNG\xff", "media_type": "image/png"}
    job = world.submit("document", given).json["id"]
    world.work()
    reply = world.call("result", id=job)

    assert (reply.status, reply.body) == (200, b"\x89PNG\xff")
    assert reply.headers["content-type"] == "image/png"
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-security-policy"].startswith("sandbox")
    assert world.see(job)["result"] == {"base64": "iVBOR/8=", "media_type": "image/png"}


@pytest.mark.parametrize("text", ["\xff not json", "}{", '{"a": 1}', ""])
def test_bytes_that_call_themselves_json_do_not_break_the_job(world: World, text: str) -> None:
    given = {"text": text, "media_type": "application/json"}
    job = world.submit("document", given).json["id"]
    world.work()
    world.notify()

    seen = world.see(job)
    assert seen["result"]["media_type"] == "application/json"
    reply = world.call("result", id=job)
    assert (reply.status, reply.body) == (200, text.encode("latin-1"))
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert len(world.published()) == 1
