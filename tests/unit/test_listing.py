"""Lists of jobs."""

from collections.abc import Callable, Sequence
from itertools import count
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec
import pytest

from nowlater.aws.queues import Depth
from nowlater.aws.table import Span, Where
from nowlater.jobs.listing import page
from nowlater.jobs.model import Job, Ref, new_id
from nowlater.jobs.protocol import may
from nowlater.jobs.run_times import Histogram
from nowlater.jobs.store import Page, Written
from nowlater.problems import Problem
from tests.unit.jobs import HOUR, ID, NOW, job

BASE = "https://api.example.com"


class Jobs:
    """A store that holds these jobs."""

    def __init__(self, *jobs: Job) -> None:
        self._jobs = sorted(jobs, key=lambda j: j.id, reverse=True)
        self.calls = 0

    def page(
        self,
        owner: str,
        shard: str,
        span: Span,
        limit: int | None,
        where: Where | None,
        only: Sequence[str] = (),
    ) -> Page:
        """Return what one call reads: at most 100 records, whatever DynamoDB would send of them."""
        self.calls += 1
        mine = [j for j in self._jobs if j.owner == owner and j.id[0] == shard]
        matching = [j for j in mine if span.before is None or j.id < span.before]
        matching = [j for j in matching if span.since is None or j.id >= span.since]
        read = matching[: min(limit or 100, 100)]
        return Page(read, read[-1].id if len(read) < len(matching) else None)

    def write(self, ref: Ref, write: str, now: int, changes: dict[str, Any], token: int) -> Written:
        (stored,) = (j for j in self._jobs if j.ref == ref)
        assert may(write, stored, now)
        return Written(True, msgspec.structs.replace(stored, **changes))


def listed(
    *jobs: Job,
    shards: int = 1,
    store: Jobs | None = None,
    clock: Callable[[], int] = lambda: NOW,
    **query: str,
) -> dict[str, Any]:
    """Return a page of acme's jobs."""
    services = SimpleNamespace(
        store=store or Jobs(*jobs),
        clock=clock,
        settings=SimpleNamespace(shards=shards, concurrency={"on-time": 8, "flexible": 2}),
        runtimes=SimpleNamespace(of=lambda operation: Histogram({})),
        depths=SimpleNamespace(of=lambda lane: Depth(0, 0, 0)),
    )
    found: dict[str, Any] = msgspec.json.decode(
        msgspec.json.encode(page(services, "acme", BASE, [*query.items()]))
    )
    return found


def ids(found: dict[str, Any]) -> list[str]:
    return [j["id"] for j in found["jobs"]]


def many(count: int, shards: int = 1) -> list[Job]:
    """Return jobs, newest first."""
    made = [job(id=new_id(NOW - n, shards), created=NOW - n) for n in range(count)]
    return sorted(made, key=lambda j: j.id[1:], reverse=True)


def walked(jobs: list[Job], shards: int = 1, **query: str) -> list[str]:
    """Return the ids of all pages, following `next`."""
    got, url = [], ""
    while url is not None:
        found = listed(*jobs, shards=shards, **query | dict(parse_qsl(urlsplit(url).query)))
        got += ids(found)
        url = found["next"]
    return got


def test_jobs_are_listed_newest_first() -> None:
    jobs = many(5)

    assert ids(listed(*reversed(jobs))) == [j.id for j in jobs]


def test_an_owner_does_not_see_the_jobs_of_others() -> None:
    assert listed(job(owner="other")) == {"jobs": [], "next": None}


@pytest.mark.parametrize("shards", [1, 3, 16])
def test_following_next_shows_every_job_once(shards: int) -> None:
    jobs = many(250, shards)

    assert walked(jobs, shards, limit="7") == [j.id for j in jobs]


def test_a_page_has_twenty_jobs_unless_it_says_otherwise() -> None:
    jobs = many(101)

    assert len(listed(*jobs)["jobs"]) == 20
    assert len(listed(*jobs, limit="100")["jobs"]) == 100
    assert len(listed(*jobs, limit="1")["jobs"]) == 1


def test_next_keeps_what_was_asked_for() -> None:
    url = listed(*many(3), limit="2", status="queued", tag="a b:ü&")["next"]
    found = listed(*many(3), limit="2", status="queued")

    assert url is None
    assert urlsplit(found["next"]).path == "/jobs"
    query = dict(parse_qsl(urlsplit(found["next"]).query))
    assert query == {"limit": "2", "status": "queued", "cursor": ids(found)[-1]}


def test_jobs_are_filtered_by_status_as_it_is_shown() -> None:
    started = job(id=new_id(NOW), status="scheduled", not_before=NOW - 1)
    late = job(id=new_id(NOW), status="running", deadline=NOW - 2000)

    assert ids(listed(started, late, status="queued")) == [started.id]
    assert ids(listed(started, late, status="failed")) == [late.id]
    assert ids(listed(started, late, status="running")) == []


def test_jobs_are_filtered_by_operation_and_tag() -> None:
    one = job(id=new_id(NOW), operation="echo", tags={"order": "4:2"})
    other = job(id=new_id(NOW), tags={"order": "43"})

    assert ids(listed(one, other, operation="echo")) == [one.id]
    assert ids(listed(one, other, tag="order:4:2")) == [one.id]
    assert ids(listed(one, other, tag="order:43", operation="echo")) == []
    assert ids(listed(one, other, tag="other:43")) == []


def test_jobs_that_are_gone_are_not_listed() -> None:
    erased = job(status="failed", erased=True, expires=NOW + HOUR)
    expired = job(id=new_id(NOW), status="failed", expires=NOW)

    assert ids(listed(erased, expired)) == []


@pytest.mark.parametrize("shards", [1, 3, 16])
def test_a_search_that_finds_little_hands_out_a_cursor_after_ten_calls(shards: int) -> None:
    jobs = [*many(3500, shards), job(id=new_id(NOW - 9999), operation="rare")]
    store = Jobs(*jobs)
    first = listed(store=store, shards=shards, operation="rare")

    assert (first["jobs"], store.calls) == ([], shards + 9)
    assert first["next"] is not None
    assert walked(jobs, shards, operation="rare") == [jobs[-1].id]


@pytest.mark.parametrize("shards", [1, 16])
def test_a_page_reads_little_more_than_it_shows(shards: int) -> None:
    store = Jobs(*many(3000, shards))
    listed(store=store, shards=shards)

    assert store.calls == shards


def test_a_slow_search_hands_out_a_cursor_after_three_seconds() -> None:
    jobs = [*many(450), job(id=new_id(NOW - 9999), operation="rare")]
    store = Jobs(*jobs)
    times = (NOW + 500 * n for n in count())
    first = listed(store=store, clock=lambda: next(times), operation="rare")

    assert first["jobs"] == []
    assert first["next"] is not None
    assert 1 <= store.calls <= 3


def test_however_slow_it_is_following_next_comes_to_the_end() -> None:
    jobs = many(30, shards=3)
    got, url, pages = list[str](), "", 0
    while url is not None and pages < 100:
        times = (NOW + 10_000 * n for n in count())
        query = dict(parse_qsl(urlsplit(url).query))
        found = listed(*jobs, shards=3, clock=lambda t=times: next(t), **query)
        got, url, pages = got + ids(found), found["next"], pages + 1

    assert got == [j.id for j in jobs]


def test_a_page_ends_before_it_is_too_large_to_be_answered() -> None:
    jobs = [
        msgspec.structs.replace(j, status="succeeded", result=f'"{"x" * 390_000}"')
        for j in many(30)
    ]
    first = listed(*jobs, limit="100")

    assert 1 < len(first["jobs"]) < 9
    assert walked(jobs, limit="100") == [j.id for j in jobs]


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("limit", ""),
        ("limit", "0"),
        ("limit", "101"),
        ("limit", "-1"),
        ("limit", "1.5"),
        ("limit", "many"),
        ("limit", "٣"),
        ("limit", "10\n"),
        ("limit", "9" * 5000),
        ("status", "done"),
        ("status", ""),
        ("tag", "order"),
        ("tag", ""),
        ("cursor", "x"),
        ("cursor", ID.upper()),
        ("cursor", ""),
    ],
)
def test_a_parameter_of_the_wrong_form_is_named(parameter: str, value: str) -> None:
    with pytest.raises(Problem) as raised:
        listed(**{parameter: value})

    assert raised.value.name == "malformed-request"
    assert raised.value.members == {"parameter": parameter}
