"""The stand-in: what a user's own tests see of faults in an operation, times, and what it lacks."""

import asyncio
import inspect
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from typing import Any

import httpx
import pytest

import discovery
from described import openapi
from nowlater_client import AsyncClient, AsyncJob, WaitTimeout, errors
from nowlater_client.testing import Refused, Server
from tests.contract import Contract
from tests.unit.builds import build

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

        assert 50 < (job.deadline - datetime.now(timezone.utc)).total_seconds() <= 60
        assert job.result() == 1
    with Server({"parse": parse}, reads=10**9).client() as client:
        late = client.submit("parse", {"text": "1"}, deadline=0.05)
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


def test_what_it_lacks_is_said(server: Server) -> None:
    with (
        server.client() as client,
        pytest.raises(errors.UnknownRoute, match="stand-in has no GET"),
    ):
        client.request("GET", "/jobs/x/events")


# ── its answers are those of the API ──────────────────────────────────────────────────────────


class Judged(Server):
    """A stand-in whose answers are compared with the API's document."""

    def __init__(self, contract: Contract, **options: Any) -> None:
        super().__init__({"parse": parse, "large": lambda: "x" * 20_000}, **options)
        self.contract, self.faults = contract, list[str]()

    def handle(self, request: httpx.Request) -> httpx.Response:
        response = super().handle(request)
        if request.url.host == "nowlater.test":
            headers = {**response.headers}
            headers.pop("content-length", None)
            if headers.get("retry-after") == "0":  # of which tests are fast
                headers["retry-after"] = "1"
            asked = (request.method, request.url.path)
            try:
                self.contract.check(*asked, response.status_code, headers, response.content)
            except AssertionError as fault:
                self.faults.append(f"{fault}")
        return response


@pytest.fixture(scope="module")
def contract() -> Contract:
    index = [build.index_entry(spec) for spec in discovery.find_operations()]
    return Contract(openapi.document(index))


GOOD, HOOK = {"text": "1"}, "https://example.com/hook"
#: What both clients can do, with an ended job that has a callback, and one that runs.
ASKED: dict[str, Callable[[Any, Any, Any], Any]] = {
    "call": lambda client, *_: client.call("parse", GOOD),
    "call of a job": lambda client, *_: client.call("parse", GOOD, wait=3, key="k"),
    "call that is strict": lambda client, *_: client.call("parse", GOOD, wait=3, strict=True),
    "call that is too late": lambda client, *_: client.call(
        "parse", GOOD, wait=3, strict=True, start=60
    ),
    "call that fails": lambda client, *_: client.call("parse", {"text": "x"}, wait=3),
    "call that is refused": lambda client, *_: client.call("parse", {"text": "refused"}),
    "call with a bad input": lambda client, *_: client.call("parse", {"test": "1"}),
    "call with a large file": lambda client, *_: client.call("parse", {"text": b"%600000d" % 1}),
    "call of no operation": lambda client, *_: client.call("nothing"),
    "call in the past": lambda client, *_: client.call("parse", GOOD, deadline=PAST),
    "submit": lambda client, *_: client.submit(
        "parse", GOOD, start=9, deadline=99, retention=3600, tags={"a": "b"}, callback=HOOK, key="j"
    ),
    "submit with a used key": lambda client, *_: client.submit("parse", {"text": "2"}, key="used"),
    "submit again": lambda client, *_: client.submit("parse", GOOD, callback=HOOK, key="used"),
    "job": lambda client, ended, _: client.job(ended.id),
    "job of another": lambda client, *_: client.job("unknown"),
    "jobs": lambda client, *_: client.jobs(tags={"a": "b"}, since=PAST),
    "jobs of a status": lambda client, *_: client.jobs(status=["failed", "running"], limit=1),
    "map": lambda client, *_: client.map("parse", [GOOD] * 3),
    "as_completed": lambda client, *_: client.as_completed("parse", [GOOD] * 3, key="batch"),
    "for_each": lambda client, *jobs: client.for_each("erase", jobs),
    "counts": lambda client, *_: client.counts(since=PAST),
    "lanes": lambda client, *_: client.lanes(),
    "deliveries": lambda client, *_: client.deliveries(state=["waiting"]),
    "operations": lambda client, *_: client.operations(),
    "operation": lambda client, *_: client.operation("parse"),
    "upload": lambda client, *_: client.upload(b"x"),
    "secret": lambda client, *_: client.secret("example.com"),
    "rotate_secret": lambda client, *_: client.rotate_secret(),
    "request": lambda client, ended, _: client.request("HEAD", f"/jobs/{ended.id}"),
    "request that is malformed": lambda client, *_: client.request(
        "POST", "/async/parse", json={"inptu": {}}
    ),
    "job.refresh": lambda _, *jobs: jobs[1].refresh(),
    "job.wait": lambda _, *jobs: jobs[1].wait(),
    "job.result": lambda _, *jobs: jobs[1].result(),
    "job.stream": lambda _, *jobs: jobs[1].stream(),
    "job.events": lambda _, *jobs: jobs[1].events(),
    "job.download": lambda _, *jobs: jobs[1].download("/dev/null"),
    "job.cancel": lambda _, *jobs: jobs[1].cancel(),
    "job.retry": lambda _, *jobs: jobs[0].retry(),
    "job.erase": lambda _, *jobs: jobs[0].erase(),
    "job.deliveries": lambda _, *jobs: jobs[0].deliveries(),
    "job.replay": lambda _, *jobs: jobs[0].replay(),
    "job.replay of none": lambda _, *jobs: jobs[1].replay(),
    "job.cancel of an ended one": lambda _, *jobs: jobs[0].cancel(),
    "job.retry of one that runs": lambda _, *jobs: jobs[1].retry(),
    "job.erase of one that runs": lambda _, *jobs: jobs[1].erase(),
}
#: Those that end in a problem, by its code.
PROBLEMS = {
    "call that is too late": "timed-out",
    "call that fails": "operation-failed",
    "call that is refused": "refused",
    "call with a bad input": "invalid-input",
    "call of no operation": "unknown-operation",
    "call in the past": "impossible-time",
    "submit with a used key": "idempotency-key-reused",
    "job of another": "unknown-job",
    "request that is malformed": "malformed-request",
    "job.replay of none": "unknown-delivery",
    "job.cancel of an ended one": "already-ended",
    "job.retry of one that runs": "unfinished",
    "job.erase of one that runs": "unfinished",
}


def test_all_that_the_clients_can_do_is_asked() -> None:
    methods = {name for name in vars(AsyncClient) if not name.startswith("_")}
    methods |= {f"job.{name}" for name in vars(AsyncJob) if not name.startswith("_")}

    assert {name.partition(" ")[0] for name in ASKED} == methods - {"close"}


async def given(value: Any) -> Any:
    """Return what a method of an asynchronous client gives."""
    return await value if inspect.isawaitable(value) else [one async for one in value]


@pytest.mark.parametrize("name", ASKED)
@pytest.mark.parametrize("is_async", [False, True], ids=["Client", "AsyncClient"])
def test_each_answer_is_one_of_the_api(contract: Contract, name: str, is_async: bool) -> None:
    async def run() -> Any:
        async with server.async_client() as client:
            ended = await client.submit("parse", GOOD, callback=HOOK, key="used")
            await ended.wait()
            running = await (await client.submit("large", tags={"a": "b"})).refresh()
            return await given(ASKED[name](client, ended, running))

    def run_blocking() -> Any:
        with server.client() as client:
            ended = client.submit("parse", GOOD, callback=HOOK, key="used").wait()
            running = client.submit("large", tags={"a": "b"}).refresh()
            found = ASKED[name](client, ended, running)
            return list(found) if inspect.isgenerator(found) else found

    server, code = Judged(contract), None
    try:
        asyncio.run(run()) if is_async else run_blocking()
    except errors.NowlaterError as error:
        code = error.code

    assert server.faults == []
    assert code == PROBLEMS.get(name)


def test_head_is_answered_as_get_without_the_body(contract: Contract) -> None:
    server = Judged(contract)
    with server.client() as client:
        job = client.submit("parse", GOOD).wait()
        reply = client.request("HEAD", f"/jobs/{job.id}")

    assert (reply.status, reply.media_type, reply.body) == (200, "application/json", b"")


# ── it runs jobs once, and refuses what the API refuses ───────────────────────────────────────


@pytest.mark.parametrize("is_canceled", [False, True])
def test_a_job_runs_once_whoever_looks(is_canceled: bool) -> None:
    started, may_end, runs = threading.Event(), threading.Event(), list[int]()

    def slow() -> int:
        runs.append(1)
        started.set()
        may_end.wait(30)
        return len(runs)

    with Server({"slow": slow}, reads=1).client() as client, ThreadPoolExecutor(1) as thread:
        job = client.submit("slow", key="k")
        first = thread.submit(client.job, job.id)
        assert started.wait(10)
        assert client.submit("slow", key="k").status == "running"
        assert client.job(job.id).status == "running"
        if is_canceled:
            job.cancel()
        may_end.set()
        assert first.result().status == ("canceled" if is_canceled else "succeeded")
        assert client.job(job.id).raw["result"] == (None if is_canceled else 1)

    assert runs == [1]


@pytest.mark.parametrize(
    ("body", "code", "pointer"),
    [
        ({"input": {"test": "1"}}, "invalid-input", "/input"),
        ({"input": {"text": {"upload": "0" * 32}}}, "invalid-input", "/input"),
        ({"input": {"text": {"base64": "!"}}}, "invalid-input", "/input"),
        ({"input": ["1"]}, "invalid-input", "/input"),
        ({"text": "1"}, "malformed-request", "/text"),
        (["1"], "malformed-request", ""),
        (
            {"input": {"text": "1"}, "start": {"at": "2020-01-01T00:00:00Z"}},
            "impossible-time",
            "/start",
        ),
    ],
)
def test_what_the_api_refuses_is_refused_at_once(
    server: Server, body: Any, code: str, pointer: str | None
) -> None:
    with server.client() as client, pytest.raises(errors.NowlaterError) as caught:
        client.request("POST", "/async/parse", json=body)

    assert (caught.value.code, caught.value.pointer) == (code, pointer)
    assert server.jobs == {}


def test_a_retry_has_no_time_of_the_first_job(server: Server) -> None:
    with Server({"parse": parse}, reads=10**9).client() as client:
        late = client.submit("parse", GOOD, deadline=0.05).wait()
        again = late.retry()

    assert (again.retry_of, again.lane) == (late.id, "flexible")
    assert again.deadline - again.created > timedelta(days=2)


def test_the_result_of_an_erased_job_is_gone() -> None:
    with Server({"large": lambda: "x" * 20_000}).client() as client:
        job = client.submit("large").wait()
        url = client.request("GET", f"/jobs/{job.id}/result").headers["location"]
        job.erase()
        with pytest.raises(errors.JobExpired):
            client.job(job.id)
        found = client._connection.sender._given.get(url)  # type: ignore[union-attr]

    assert found.status_code == 404  # type: ignore[union-attr]


@pytest.mark.parametrize("wait", [None, 5])
def test_operations_may_be_coroutines_and_their_results_must_be_json(wait: int | None) -> None:
    async def later() -> str:
        await asyncio.sleep(0)
        return "later"

    server = Server({"later": later, "set": lambda: {1}, "nan": lambda: float("nan")})

    async def main() -> str:
        async with server.async_client() as client:
            return str(await client.call("later", wait=wait))

    with server.client() as client:
        assert client.call("later", wait=wait) == asyncio.run(main()) == "later"
        for name in ("set", "nan"):
            with pytest.raises(errors.OperationFailed):
                client.call(name, wait=wait)


def test_a_default_that_json_cannot_have_is_described() -> None:
    with Server({"parse": lambda at=PAST: at}).client() as client:
        found = client.operation("parse").input

    assert found == {"type": "object", "properties": {"at": {"default": repr(PAST)}}}


def test_the_secret_of_a_host_verifies_until_after_a_rotation(server: Server) -> None:
    with server.client() as client:
        first, other = client.secret("example.com"), client.secret("other.example")
        client.rotate_secret()
        second = client.secret("example.com")

    assert len({first.secret, other.secret, second.secret}) == 3
    assert [one["secret"] for one in second.previous] == [first.secret]
