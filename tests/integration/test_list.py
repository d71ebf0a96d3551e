"""The list of an owner's jobs: newest first, filtered, a page at a time."""

from itertools import combinations, cycle, product
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from botocore.awsrequest import AWSResponse
from moto.core.models import botocore_stubber

from nowlater.aws.table import Span
from nowlater.jobs import model as job_states
from nowlater.jobs import view
from nowlater.jobs.filters import Filter
from tests.integration.lists import listed, submitted
from tests.integration.world import World


def test_jobs_are_listed_newest_first_as_they_are_shown_alone(world: World) -> None:
    ids = submitted(world, 3)
    reply = world.call("list", query={})

    assert reply.json == {"jobs": [world.see(job) for job in ids], "next": None}
    assert reply.headers["cache-control"] == "no-store"


def test_pages_follow_one_another_without_a_gap(world: World) -> None:
    seen, query = list[str](), {"limit": "3", "tag": "a:b"}
    ids = submitted(world, 7, tags={"a": "b"})
    pages = 0
    while True:
        page = world.call("list", query=query).json
        seen += [job["id"] for job in page["jobs"]]
        pages += 1
        if page["next"] is None:
            break
        assert page["next"].startswith("https://api.example.com/jobs?")
        query = dict(parse_qsl(urlsplit(page["next"]).query))

    assert seen == ids
    assert pages == 3


def test_a_list_has_twenty_jobs_unless_more_are_asked_for(world: World) -> None:
    ids = submitted(world, 21)

    assert listed(world) == ids[:20]
    assert listed(world, limit="100") == ids


def test_filters_take_what_meets_them_all(world: World) -> None:
    (done,) = submitted(world, 1, tags={"order": "42"})
    world.work()
    (waiting,) = submitted(world, 1, tags={"order": "42", "a": "x:y"})
    (other,) = submitted(world, 1, operation="echo", given={"value": 1})

    assert listed(world, status="succeeded") == [done]
    assert listed(world, status="queued") == [other, waiting]
    assert listed(world, operation="echo") == [other]
    assert listed(world, tag="order:42") == [waiting, done]
    assert listed(world, tag="a:x:y") == [waiting]
    assert listed(world, tag="order:42", status="queued") == [waiting]
    assert listed(world, tag="order:4") == listed(world, operation="nothing") == []


def test_a_status_is_filtered_as_it_is_shown(world: World) -> None:
    (late,) = submitted(world, 1, deadline={"within": 60})
    (scheduled,) = submitted(world, 1, start={"after": 30})
    assert listed(world, status="scheduled") == [scheduled]
    world.pass_time(100)

    assert listed(world, status="failed") == [late]
    assert listed(world, status="queued") == [scheduled]


def test_a_page_of_rare_jobs_is_found_far_behind(world: World) -> None:
    (rare,) = submitted(world, 1, tags={"rare": "x"})
    item = world.job(rare)
    with world.table.batch_writer() as batch:
        for n in range(1, 251):
            copy = item | {"SK": f"{rare[:9]}{n:04x}{rare[13:]}", "tags": {}}
            batch.put_item(Item=copy)

    assert listed(world, tag="rare:x") == [rare]


@pytest.mark.nightly
def test_a_search_without_a_match_is_filtered_by_dynamodb(world: World) -> None:
    ids = submitted(world, 30)
    with world.table.batch_writer() as batch:
        for n in range(1, 1001):
            batch.put_item(Item=world.job(ids[0]) | {"SK": f"01f{n:05x}{ids[0][8:]}"})
    answers = list[bytes]()

    def hear(request: Any) -> AWSResponse:
        answer: AWSResponse = botocore_stubber("before-send.dynamodb.Query", request)
        answers.append(answer.content)
        return answer

    world.faults.always("dynamodb.Query", hear)
    page = world.call("list", query={"tag": "rare:x"}).json

    assert page == {"jobs": [], "next": None}
    assert 1 <= len(answers) <= 2
    assert sum(map(len, answers)) < 1000


def test_a_search_that_reads_too_much_goes_on_with_the_next_page(world: World) -> None:
    """Ten calls of 1 MB each are what one page reads."""
    (rare,) = submitted(world, 1, tags={"rare": "x"})
    item = world.job(rare)
    for n in range(1, 32):
        large = {"SK": f"01f{n:05x}{rare[8:]}", "tags": {}, "input": "x" * 390_000}
        world.table.put_item(Item=item | large)
    world.calls.clear()
    first = world.call("list", query={"tag": "rare:x"}).json
    calls = world.calls.count("dynamodb.Query")
    then = world.call("list", query=dict(parse_qsl(urlsplit(first["next"]).query))).json

    assert (first["jobs"], calls) == ([], 10)
    assert [job["id"] for job in then["jobs"]] == [rare]


def test_a_time_frame_takes_the_jobs_accepted_from_its_start_to_before_its_end(
    world: World,
) -> None:
    jobs = submitted(world, 5)[::-1]  # at seconds 1 to 5
    at = "2026-11-24T12:00:0{}Z".format

    assert listed(world, since=at(3)) == [jobs[4], jobs[3], jobs[2]]
    assert listed(world, until=at(3)) == [jobs[1], jobs[0]]
    assert listed(world, since=at(2), until=at(4)) == [jobs[2], jobs[1]]
    assert listed(world, since="2026-11-24T13:00:03+01:00", limit="1") == [jobs[4]]
    assert listed(world, since="2026-11-24T12:00:05.0001Z") == []
    assert listed(world, until="0000-01-01T00:00:00Z") == []
    assert listed(world, since="0000-01-01T00:00:00Z", until="9999-12-31T23:59:59Z") == jobs[::-1]


def test_only_the_jobs_of_a_time_frame_are_read(world: World) -> None:
    (first,) = submitted(world, 1)
    item = world.job(first)
    for n in range(1, 32):
        large = {"SK": f"01f{n:05x}{first[8:]}", "tags": {}, "input": "x" * 390_000}
        world.table.put_item(Item=item | large)
    world.calls.clear()

    assert listed(world, until="2026-11-25T00:00:00Z", operation="text-stats") == [first]
    assert world.calls.count("dynamodb.Query") == 1


def test_a_time_frame_goes_on_over_its_pages(world: World) -> None:
    world.restart("submit", "status", shards=4)
    jobs = submitted(world, 12)
    query, seen = {"since": "2026-11-24T12:00:03Z", "until": "2026-11-24T12:00:11Z"}, list[str]()
    query |= {"limit": "3", "status": "queued"}
    while True:
        page = world.call("list", query=query).json
        seen += [job["id"] for job in page["jobs"]]
        if page["next"] is None:
            break
        query = dict(parse_qsl(urlsplit(page["next"]).query))
        assert query["since"] == "2026-11-24T12:00:03Z"

    assert seen == jobs[2:10]


def test_a_cursor_outside_of_the_time_frame_finds_nothing_beyond_it(world: World) -> None:
    jobs = submitted(world, 4)

    assert listed(world, cursor=jobs[3], since="2026-11-24T12:00:02Z") == []
    assert listed(world, cursor=jobs[0], until="2026-11-24T12:00:03Z") == jobs[2:]


def test_several_statuses_are_listed_together(world: World) -> None:
    (done,) = submitted(world, 1)
    world.work()
    (waiting,) = submitted(world, 1)
    submitted(world, 1, start={"after": 60})
    query = [("status", "queued"), ("status", "succeeded"), ("status", "queued")]
    page = world.call("list", query=query).json

    assert [job["id"] for job in page["jobs"]] == [waiting, done]
    both = world.call("list", query=[*query[:2], ("limit", "1")]).json
    assert "status=queued&status=succeeded&limit=1&cursor=" in both["next"]


def test_jobs_of_many_shards_are_one_list(world: World) -> None:
    world.restart("submit", "status", shards=16)
    ids = submitted(world, 24)

    assert len({job[0] for job in ids}) > 1
    assert listed(world, limit="24") == ids
    page = world.call("list", query={"limit": "10"}).json
    rest = world.call("list", query=dict(parse_qsl(urlsplit(page["next"]).query))).json
    assert [job["id"] for job in page["jobs"] + rest["jobs"]] == ids[:20]


@pytest.mark.parametrize(
    "query",
    [
        {"status": "done"},
        {"status": ""},
        {"tag": "order"},
        {"tag": ""},
        {"limit": "0"},
        {"limit": "101"},
        {"limit": "-1"},
        {"limit": "1.5"},
        {"limit": ""},
        {"limit": "١"},
        {"limit": "9" * 5000},
        {"since": "yesterday"},
        {"since": "2026-11-24"},
        {"since": "2026-11-24T12:00:00"},
        {"until": ""},
        {"until": "2026-13-24T12:00:00Z"},
        {"until": "2026-11-24T12:00:00Z", "since": "2026-11-24T12:00:00Z"},
        {"cursor": ""},
        {"cursor": "garbage"},
        {"cursor": "JOB#other#0"},
        {"cursor": "019ac1d2-7b5e-7c31-8f44-5d1f3b0a9e77x"},
    ],
    ids=lambda query: ascii(query)[:40],
)
def test_a_parameter_of_the_wrong_form_is_named(world: World, query: dict[str, str]) -> None:
    reply = world.call("list", query=query)

    assert (reply.status, reply.problem) == (400, "malformed-request")
    assert reply.json["parameter"] == next(iter(query))


def test_an_empty_query_is_the_same_as_no_query(world: World) -> None:
    assert world.call("list", query={}).json == {"jobs": [], "next": None}


@pytest.mark.nightly
def test_a_page_is_full_however_large_its_jobs_are(world: World) -> None:
    """DynamoDB ends a page of its own at 1 MB."""
    value = "x" * 16_000
    ids = submitted(world, 90, operation="echo", given={"value": value})
    while world.work()["records"]:
        pass

    assert world.job(ids[0])["result"] == f'"{value}"'
    assert listed(world, limit="100") == ids


def test_a_job_that_cannot_be_read_takes_no_other_with_it(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    older, broken, newer = submitted(world, 3)[::-1]
    world.job(broken, lane="of an unknown kind")

    assert listed(world) == [newer, older]
    assert listed(world, limit="1") == [newer]
    page = world.call("list", query={"cursor": newer}).json
    assert [job["id"] for job in page["jobs"]] == [older]
    assert [r.levelname for r in caplog.records if broken in str(vars(r))] == ["ERROR"] * 3


def test_as_many_as_are_read_at_once_hide_none_behind_them(world: World) -> None:
    (job,) = submitted(world, 1)
    item = world.job(job) | {"lane": "of an unknown kind"}
    with world.table.batch_writer() as batch:
        for n in range(1, 151):
            batch.put_item(Item=item | {"SK": f"01f{n:05x}{job[8:]}"})

    assert listed(world) == [job]


@pytest.mark.parametrize("name", ["status", "result", "events", "cancel", "retry", "erase"])
def test_a_job_that_cannot_be_read_says_so(
    world: World, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    (job,) = submitted(world, 1)
    world.job(job, lane="of an unknown kind")
    reply = world.call(name, id=job)

    assert (reply.status, reply.problem) == (500, "internal-error")
    assert "cannot be read" in reply.json["detail"]
    assert "ERROR" in {r.levelname for r in caplog.records if job in str(vars(r))}


def test_a_list_goes_on_with_what_was_asked_for_as_far_as_a_url_can_say_it(world: World) -> None:
    for value in ("é", "é", "x"):
        world.submit(tags={"a": value, "b": "1,2&"})
    asked = [("limit", "1"), ("tag", "b:1,2&"), ("tag", "a:é")]
    page = world.call("list", query=asked).json

    assert "?limit=1&tag=b%3A1%2C2%26&tag=a%3A%C3%A9&cursor=" in page["next"]
    assert page["jobs"][0]["tags"] == {"a": "é", "b": "1,2&"}


def test_with_several_tags_only_jobs_with_all_of_them_are_listed(world: World) -> None:
    both, one = (world.submit(tags=t).json["id"] for t in ({"a": "1", "b": "2"}, {"a": "1"}))

    def found(*tags: str) -> list[str]:
        query = [("tag", tag) for tag in tags]
        return [job["id"] for job in world.call("list", query=query).json["jobs"]]

    assert sorted(found("a:1")) == sorted([both, one])
    assert found("a:1", "b:2") == found("b:2", "a:1", "a:1") == [both]
    assert found("a:1,b:2") == []


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ([("staus", "failed")], "staus"),
        ([("tag", "a:1"), ("tag", "a:2")], "tag"),
        ([("tag", "a:1"), ("tag", "b")], "tag"),
        ([("tag", f"t{n}:1") for n in range(11)], "tag"),
        ([("status", "failed"), ("status", "done")], "status"),
        ([("operation", "echo"), ("operation", "echo")], "operation"),
        ([("since", "2026-11-24T12:00:00Z"), ("since", "2026-11-24T13:00:00Z")], "since"),
        ([("since", "2026-11-24T13:00:00 01:00")], "since"),
        ([("limit", "5"), ("limit", "6")], "limit"),
        ([("operation", "")], "operation"),
        ([("_", "1795521600")], "_"),
    ],
    ids=str,
)
def test_a_query_that_would_not_be_heard_is_refused_by_name(
    world: World, query: list[tuple[str, str]], parameter: str
) -> None:
    reply = world.call("list", query=query)

    assert (reply.status, reply.problem) == (400, "malformed-request")
    assert reply.json["parameter"] == parameter
    assert f"?{parameter} " in reply.json["detail"]


def test_a_filter_says_the_same_to_dynamodb_and_to_python(world: World) -> None:
    (job,) = submitted(world, 1)
    usual, s = world.job(job), 1000
    chosen = product(
        job_states.UNFINISHED + job_states.ENDED,
        (world.now - 5 * s, world.now - s, world.now + 5 * s),
        (None, world.now - 1, world.now + 1),
    )
    labels, operations = (
        cycle([{}, {"a-b": "1"}, {"a-b": "2"}, {"a-b": "1", "c": "2"}]),
        cycle(["text-stats", "echo"]),
    )
    names = ("status", "deadline", "not_before", "tags", "operation")
    with world.table.batch_writer() as batch:
        for n, values in enumerate(zip(chosen, labels, operations, strict=False)):
            changes = dict(zip(names, (*values[0], *values[1:]), strict=True))
            changes |= {"SK": f"01f{n:05x}{job[8:]}"}
            whole = {k: v for k, v in (usual | changes).items() if v is not None}
            batch.put_item(Item=whole)
    store = world.app("status").services.store
    everything = store.page("acme", "0", Span(), None, None).jobs

    assert len(everything) == 6 * 3 * 3 + 1
    all_statuses = (*job_states.UNFINISHED, *job_states.ENDED)
    for statuses, operation, tags in product(
        ((), *((status,) for status in all_statuses), *combinations(all_statuses, 2), all_statuses),
        (None, "echo"),
        ((), (("a-b", "1"),), (("a-b", "1"), ("c", "2"))),
    ):
        wanted = Filter(statuses, operation, tags)
        page = store.page("acme", "0", Span(), None, wanted.where(world.now))
        takes = [j.id for j in everything if wanted.matches(view.effective_at(j, world.now))]

        assert [j.id for j in page.jobs] == takes, wanted
