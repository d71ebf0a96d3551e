"""Doors and Prefer: every row of the table in docs/http-api.md, asked of a stack as it stands there."""

import re
import secrets
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
import requests

from tests.e2e.client import Client
from tests.e2e.patience import PATIENCE_S, eventually
from tests.e2e.served import Served
from tests.snippets import DOCS, table

pytestmark = pytest.mark.usefixtures("diagnostics")

#: What `any` stands for in the table; `none` is no header.
ANY = ("none", "wait=1", "respond-async", "handling=strict")
#: The Prefer headers with which the hybrid door waits, for what is done in time and what is not.
SHORTER = ("none", "wait=20", "wait=20, handling=strict")
LONGER = ("none", "wait=1", "wait=1, handling=strict")
OUTCOMES = (
    "success",
    "last failure",
    "refused",
    "retried, then success",
    "canceled meanwhile",
    "no worker free",
)
#: The response headers of the table: those that a row does not name are absent.
TOLD = ("Location", "Operation-Location", "Retry-After", "Preference-Applied", "Content-Location")
#: The lane of jobs with a deadline runs 8 at once on the local stack.
LONG_AT_ONCE, SHORT_AT_ONCE = 16, 4
#: A row that a busy machine was too slow for is asked again, by itself.
TRIES = 10
#: What has ended this late in a wait may have done so after the last look at it.
LAST_LOOK_S = 3


@dataclass(frozen=True)
class Row:
    """A row of the table, asked with one of its Prefer headers."""

    door: str
    prefer: str
    takes: str
    outcome: str
    status: int
    body: str
    headers: str
    then: str

    def __str__(self) -> str:
        parts = (self.door, self.prefer, self.takes.strip("–"), self.outcome)
        return "-".join(part for part in parts if part).replace(", ", "+").replace(" ", "_")

    @property
    def wanted(self) -> dict[str, str]:
        """The headers of the answer, with their values where the row says them."""
        named = (header.partition(": ") for header in re.findall(r"`([^`]+)`", self.headers))
        return {name: value for name, _, value in named}

    @property
    def wait_s(self) -> int:
        """How long the hybrid door waits."""
        said = re.search(r"wait=(\d+)", self.prefer)
        return int(said[1]) if said else 10

    @property
    def long_s(self) -> int:
        """How long an operation takes that is not done in that time."""
        return self.wait_s + 3


def rows() -> list[Row]:
    """Return the table's rows, each once for each Prefer header and each outcome that it stands for."""
    found = []
    final = {outcome: status for outcome, _, status in table("http-api.md", "outcome of a job")}
    for door, prefers, takes, outcomes, response, headers in table("http-api.md", "door"):
        answer, _, after = response.partition(", job ")
        status, _, body = answer.partition(" ")
        for outcome in OUTCOMES if outcomes == "any" else outcomes.split("; "):
            then = "–" if door == "sync" else after or final[outcome]
            for prefer in prefers_of(prefers, takes):
                named = headers_of(headers, prefer)
                row = Row(door, prefer, takes, outcome, int(status), body, named, then)
                found.append(row)
    return found


def prefers_of(cell: str, takes: str) -> list[str]:
    """Return the Prefer headers that a cell of the table stands for."""
    wait = "wait=20" if takes == "shorter" else "wait=1"
    named = {"any": ANY, "wait": ("none", wait), "strict": (f"{wait}, handling=strict",)}
    return [prefer for name in cell.split("; ") for prefer in named.get(name, (name.strip("`"),))]


def headers_of(cell: str, prefer: str) -> str:
    """Return the headers that a cell of the table names, in the words below it too."""
    applied = "wait=10" if prefer == "none" else prefer
    page = (DOCS / "http-api.md").read_text()
    for name, headers in re.findall(r"\*(accepted|applied)\*: ([^.]*)\.", page):
        cell = re.sub(rf"\b{name}\b", headers, cell)
    return cell.replace("`Preference-Applied`", f"`Preference-Applied: {applied}`")


def asked(row: Row) -> tuple[str, dict[str, Any], Any]:
    """Return the operation and input that come to the row's outcome in its time, and the result."""
    long = row.takes == "longer"
    match row.outcome:
        case "success" if long:
            return "sleep", {"seconds": row.long_s}, {"seconds": row.long_s}
        case "success" | "no worker free":
            return "echo", {"value": 42}, 42
        case "last failure":  # after three attempts, and pauses of at least 1.5 s
            return "fail", {"after": 4 if long else 0}, None
        case "refused":
            return "fail", {"kind": "refused", "after": row.long_s - 1 if long else 0}, None
        case "unavailable":
            return "fail", {"kind": "unavailable"}, None
        case "time-out":
            return "fail", {"kind": "hang"}, None
        case "retried, then success":  # four pauses are 11 to 15 s
            failures = 4 if long else 1
            return "flaky", {"failures": failures}, {"attempt": failures + 1}
        case "canceled meanwhile":
            return "sleep", {"seconds": 30}, None
    raise AssertionError(f"the table has an outcome that no operation comes to: {row.outcome}")


@dataclass(frozen=True)
class Seen:
    """What came of a row: the answer, the job in the end, and what the result is to be."""

    row: Row
    answer: requests.Response
    job: Any
    result: Any
    #: What a cancel was answered.
    cancel: requests.Response | None = None

    @property
    def is_of_its_row(self) -> bool:
        """Whether all went as fast as the row has it: a busy machine may have been too slow."""
        if self.cancel is not None and self.cancel.status_code == 409:
            return False  # it had ended before
        if self.row.takes not in ("shorter", "longer") or self.job is None:
            return True
        created, ended = (datetime.fromisoformat(self.job[name]) for name in ("created", "ended"))
        took_s = (ended - created).total_seconds()
        if self.row.takes == "longer":  # the door was not late to answer
            return self.job["status"] == "canceled" or self.answer.elapsed.total_seconds() < took_s
        return took_s < self.row.wait_s - LAST_LOOK_S


def ask(api: Client, row: Row, answered: threading.Event | None = None) -> Seen:
    """Ask as the row says, cancel the job where it says so, and wait for the job's end."""
    operation, given, result = asked(row)
    more: dict[str, Any] = {} if row.door == "sync" else {"tags": {"row": secrets.token_hex(8)}}
    more |= {"deadline": {"within": 3600}} if row.door == "async" else {}
    headers = {} if row.prefer == "none" else {"Prefer": row.prefer}
    with ThreadPoolExecutor(1) as pool:
        canceled = row.outcome == "canceled meanwhile"
        if canceled and row.takes == "shorter":
            canceling = pool.submit(cancel, api, more["tags"])
        answer = api.ask(row.door, operation, given, headers=headers, **more)
        if answered:
            answered.set()
        if canceled and row.takes != "shorter":
            canceling = pool.submit(cancel, api, more["tags"])
    job = None if row.door == "sync" else api.ended(eventually(lambda: find(api, more["tags"])))
    return Seen(row, answer, job, result, canceling.result() if canceled else None)


def cancel(api: Client, tags: dict[str, str]) -> requests.Response:
    """Cancel the job with these tags as soon as it runs."""
    job = eventually(lambda: find(api, tags), lambda job: job and job["status"] != "queued")
    return api.call("POST", job["links"]["cancel"])


def find(api: Client, tags: dict[str, str]) -> Any:
    ((name, value),) = tags.items()
    answer = api.get(f"/jobs?tag={name}:{value}")
    # Where the machine was too busy to answer in time, the caller asks again.
    return next(iter(answer.json()["jobs"]), None) if answer.status_code == 200 else None


@contextmanager
def no_worker(served: Served) -> Iterator[None]:
    """Keep the worker's Lambda from taking anything on."""
    lambdas, name = served.client("lambda"), served.stack().ids["Work"]
    lambdas.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        lambdas.delete_function_concurrency(FunctionName=name)


@pytest.fixture(scope="module")
def seen(api: Client, request: pytest.FixtureRequest) -> dict[Row, Future[Seen]]:
    """What comes of all rows that were selected, save those that want the stack for themselves."""
    parametrized = [i.callspec for i in request.session.items if hasattr(i, "callspec")]
    selected = [r for spec in parametrized if isinstance(r := spec.params.get("row"), Row)]
    rows = [r for r in selected if r.outcome != "no worker free"]
    asking: dict[Row, Future[Seen]] = {}
    # The long ones first, so that what is to be short finds the lane free.
    for takes_long, at_once in ((True, LONG_AT_ONCE), (False, SHORT_AT_ONCE)):
        with ThreadPoolExecutor(at_once) as pool:
            some = [r for r in rows if (r.takes == "longer") == takes_long]
            asking |= {r: pool.submit(ask, api, r) for r in some}
    return asking


@pytest.mark.parametrize("row", rows(), ids=str)
def test_a_door_answers_as_its_row_of_the_table_says(
    api: Client, seen: dict[Row, Future[Seen]], row: Row, request: pytest.FixtureRequest
) -> None:
    if row.outcome == "no worker free":
        served = request.getfixturevalue("served")
        wait(seen.values())
        check(api, row, ask_without_worker(api, row, served))
    else:
        check(api, row, asked_again(api, row, seen))


def asked_again(api: Client, row: Row, seen: dict[Row, Future[Seen]]) -> Seen:
    """Return what came of a row; where the machine was too slow for it, of the row alone."""

    def alone() -> Seen:
        wait(seen.values())
        return ask(api, row)

    return of_its_row(seen[row].result(), alone)


def of_its_row(found: Seen, again: Callable[[], Seen]) -> Seen:
    """Return what came of a row, asked again while the machine was too slow for it."""
    for _ in range(TRIES):
        if found.is_of_its_row:
            break
        found = again()
    return found


def ask_without_worker(api: Client, row: Row, served: Served) -> Seen:
    """Ask while no worker is free, which lasts until the answer, or for a second of a long wait."""

    def once() -> Seen:
        answered = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            with no_worker(served):
                asking = pool.submit(ask, api, row, answered)
                answered.wait(1 if row.takes == "shorter" else PATIENCE_S)
            return asking.result()

    return of_its_row(once(), once)


def check(api: Client, row: Row, seen: Seen) -> None:
    answer, job = seen.answer, seen.job
    got = {name: answer.headers[name] for name in TOLD if name in answer.headers}

    assert answer.status_code == row.status, answer.text
    assert set(got) == set(row.wanted)
    for name, value in got.items():
        if name == "Retry-After":
            assert int(value) >= 1
        else:
            assert value == (row.wanted[name] or f"{api.url}/jobs/{job['id']}"), name
    assert (job or {"status": "–"})["status"] == row.then, job
    if row.body == "result":
        assert answer.json() == seen.result
    elif row.body == "job":
        assert answer.json()["id"] == job["id"]
    else:
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["type"] == f"{api.url}/problems/{row.body.strip('`')}"
    if row.then == "succeeded":
        assert job["result"] == seen.result


def test_the_table_has_every_combination_each_once() -> None:
    combined = [(r.door, r.prefer, r.takes, r.outcome) for r in rows()]
    distinct = set(combined)
    # No worker is looked for at the sync door, nor is there a job that could be canceled.
    wanted = {("sync", p, "–", o) for p in ANY for o in OUTCOMES[:4]}
    wanted |= {("async", p, "–", o) for p in ANY for o in OUTCOMES}
    wanted |= {("hybrid", "respond-async", "–", o) for o in OUTCOMES}
    for shorter, longer in zip(SHORTER, LONGER, strict=True):
        wanted |= {("hybrid", shorter, "shorter", o) for o in OUTCOMES[:5]}
        wanted |= {("hybrid", longer, "longer", o) for o in OUTCOMES[:4]}
        if "strict" in longer:  # the door cancels it itself
            wanted |= {("hybrid", longer, "longer", "no worker free")}
            wanted |= {("hybrid", shorter, "shorter", "no worker free")}
        else:
            wanted |= {("hybrid", longer, "longer", "canceled meanwhile")}
            wanted |= {("hybrid", longer, "–", "no worker free")}

    assert len(combined) == len(distinct)
    assert wanted <= distinct
