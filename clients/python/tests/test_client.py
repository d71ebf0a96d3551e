"""What a user does with the client, against the stand-in for users' own tests."""

import asyncio
import io
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from nowlater_client import Client, File, Job, NowlaterError, WaitTimeout, errors
from nowlater_client.testing import Refused, Server


def greet(name: str) -> str:
    """Greet a person."""
    if name == "nobody":
        raise Refused("Nobody is greeted.")
    return f"Hello, {name}!"


def picture(size: int) -> File:
    return File(b"\x89PNG" + bytes(size), "image/png")


def length(file: Any) -> int:
    return len(file)


def broken() -> None:
    raise RuntimeError("It failed.")


def large(size: int) -> str:
    return "x" * size


OPERATIONS = {
    **{"greet": greet, "picture": picture, "length": length, "broken": broken},
    **{"large": large, "form": lambda: {"base64": "AA==", "media_type": "text/plain"}},
}


@pytest.fixture
def server() -> Server:
    return Server(OPERATIONS)


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at the list of jobs at once: the stand-in runs a job when it is looked at."""
    monkeypatch.setattr("nowlater_client.gather._LEAST_PAUSE_S", 0.001)


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with server.client() as client:
        yield client


def paths(server: Server) -> list[str]:
    return [f"{request.method} {request.url.path}" for request in server.requests]


def test_a_call_goes_to_the_sync_door(client: Client, server: Server) -> None:
    assert client.call("greet", {"name": "Ada"}) == "Hello, Ada!"
    assert paths(server) == ["POST /sync/greet"]


@pytest.mark.parametrize(
    "option", [{"wait": 5}, {"key": "k"}, {"tags": {"a": "b"}}, {"deadline": 60}]
)
def test_a_call_with_an_option_of_jobs_goes_to_the_hybrid_door(
    client: Client, server: Server, option: Any
) -> None:
    assert client.call("greet", {"name": "Ada"}, **option) == "Hello, Ada!"
    assert paths(server) == ["POST /hybrid/greet"]


def test_a_call_that_becomes_a_job_is_waited_for(client: Client, server: Server) -> None:
    assert client.call("greet", {"name": "Ada"}, wait=0) == "Hello, Ada!"
    assert server.requests[0].headers["prefer"] == "respond-async"
    assert len(server.requests) > 1


def test_a_call_finds_the_door_that_serves_the_operation(client: Client, server: Server) -> None:
    handle = server.handle

    def without_sync(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith(("/sync", "/hybrid")):
            server.requests.append(request)
            problem = {"code": "unknown-operation", "detail": "Not at this door.", "status": 404}
            kind = {"content-type": "application/problem+json"}
            return httpx.Response(404, content=json.dumps(problem), headers=kind)
        return handle(request)

    http = httpx.Client(transport=httpx.MockTransport(without_sync))
    with Client("https://nowlater.test", "nl_test", http_client=http) as other:
        assert other.call("greet", {"name": "Ada"}) == "Hello, Ada!"
        server.requests.clear()
        assert other.call("greet", {"name": "Bob"}) == "Hello, Bob!"

    assert paths(server)[0] == "POST /async/greet"


def test_a_job_is_followed_to_its_end(client: Client) -> None:
    seen: list[str] = []

    job = client.submit("greet", {"name": "Ada"}, tags={"order": "42"})
    result = job.result(on_progress=lambda job: seen.append(job.status))

    assert (result, job.tags) == ("Hello, Ada!", {"order": "42"})
    assert seen == ["queued", "running", "succeeded"]
    assert job.refresh().has_ended
    assert client.job(job.id).result() == result


def test_events_are_the_changes(client: Client) -> None:
    job = client.submit("greet", {"name": "Ada"})

    assert [state.status for state in job.events()] == ["queued", "running", "succeeded"]
    assert job.status == "succeeded"


def test_a_failed_job_raises_its_error(client: Client) -> None:
    job = client.submit("greet", {"name": "nobody"})

    with pytest.raises(errors.Refused, match="Nobody is greeted") as caught:
        job.result()
    assert caught.value.job_id == job.id
    with pytest.raises(errors.OperationFailed):
        client.call("broken", wait=1)


def test_a_wait_that_is_too_short_names_the_job(server: Server) -> None:
    server = Server(OPERATIONS, reads=10**6)
    with server.client() as client:
        job = client.submit("greet", {"name": "Ada"})
        with pytest.raises(WaitTimeout) as caught:
            job.result(timeout=0.2)

    assert caught.value.job_id == job.id


@pytest.mark.parametrize("size", [10, 100_000])
def test_a_file_is_bytes_with_a_media_type(client: Client, size: int, tmp_path: Path) -> None:
    job = client.submit("picture", {"size": size})
    sink = io.BytesIO()

    result = job.result()
    job.download(tmp_path / "picture.png")
    job.download(sink)

    assert (result, result.media_type) == (picture(size), "image/png")
    assert (tmp_path / "picture.png").read_bytes() == sink.getvalue() == result
    assert [path.name for path in tmp_path.iterdir()] == ["picture.png"]


def test_a_large_result_is_read_without_the_key(client: Client) -> None:
    assert client.submit("large", {"size": 100_000}).result() == large(100_000)


def test_a_result_that_looks_like_a_file_is_none(client: Client) -> None:
    assert client.submit("form").result() == {"base64": "AA==", "media_type": "text/plain"}


@pytest.mark.parametrize("size", [5, 600_000])
def test_a_file_in_an_input_is_sent_by_its_size(
    client: Client, server: Server, size: int, tmp_path: Path
) -> None:
    path = tmp_path / "data.csv"
    path.write_bytes(b"x" * size)

    with path.open("rb") as opened:
        for file in (path, b"x" * size, File(b"x" * size, "text/csv"), opened):
            assert client.call("length", {"file": file}) == size

    assert ("POST /uploads" in paths(server)) == (size > 500_000)


def test_an_upload_can_be_used_again(client: Client, server: Server) -> None:
    upload = client.upload(b"x" * 7, "text/csv")

    assert [client.call("length", {"file": upload}) for _ in range(2)] == [7, 7]
    assert paths(server).count("POST /uploads") == 1


def test_a_job_is_canceled_retried_and_erased(client: Client) -> None:
    job = client.submit("greet", {"name": "Ada"})

    assert job.cancel().status == "canceled"
    with pytest.raises(errors.Canceled):
        job.result()
    again = job.retry()
    assert (again.retry_of, again.result()) == (job.id, "Hello, Ada!")
    again.erase()
    again.erase()
    with pytest.raises(errors.JobExpired):
        client.job(again.id)


def test_jobs_are_listed_and_handled_by_filters(client: Client) -> None:
    for number in range(250):
        client.submit("greet", {"name": "x"}, tags={"odd": str(number % 2)})

    odd = list(client.jobs(tags={"odd": "1"}))
    assert len(odd) == 125
    assert all(isinstance(job, Job) and job.tags == {"odd": "1"} for job in odd)
    assert [o.error for o in client.for_each("cancel", odd)] == [None] * 125
    assert len(list(client.jobs(status="canceled"))) == 125
    assert len(list(client.jobs(limit=3))) == 3
    hour = timedelta(hours=1)
    assert list(client.jobs(since=datetime.now(UTC) + hour)) == []
    assert list(client.jobs(until=datetime.now(UTC) - hour)) == []
    assert (
        len(list(client.jobs(since=datetime.now(UTC) - hour, until=datetime.now(UTC) + hour)))
        == 250
    )


def test_a_map_is_ordered(client: Client) -> None:
    names = [f"{number}" for number in range(300)]

    results = list(client.map("greet", ({"name": name} for name in names), concurrency=50))

    assert results == [f"Hello, {name}!" for name in names]


def test_a_map_asks_less_than_twice_for_each_job(client: Client, server: Server) -> None:
    list(client.map("greet", [{"name": "Ada"}] * 200))

    assert len(server.requests) < 2 * 200


def test_a_map_of_many_inputs_keeps_little_and_reads_ahead_little() -> None:
    server, read, taken = Server({"greet": greet}), 0, 0
    most_open, lock, open_now = 0, threading.Lock(), 0

    def handle(request: httpx.Request) -> httpx.Response:
        nonlocal open_now, most_open
        with lock:
            open_now += 1
            most_open = max(most_open, open_now)
        try:
            return server.handle(request)
        finally:
            server.requests.clear()
            with lock:
                open_now -= 1

    def inputs() -> Iterator[dict[str, str]]:
        nonlocal read
        for number in range(10_000):
            read += 1
            assert read - taken <= 100 + 1
            yield {"name": f"{number}"}

    http = httpx.Client(transport=httpx.MockTransport(handle))
    client = Client("https://nowlater.test", "nl_test", http_client=http)
    for number, result in enumerate(client.map("greet", inputs(), concurrency=100)):
        assert result == f"Hello, {number}!"
        taken += 1
        for job in list(server.jobs)[:-300]:  # the server is allowed to forget
            if server.jobs[job]["ended"]:
                del server.jobs[job]

    assert taken == 10_000
    assert most_open <= 10


def test_what_has_ended_in_time_is_yielded_later_too(client: Client) -> None:
    results = client.map("greet", [{"name": "Ada"}] * 3, concurrency=3, timeout=2)

    assert next(results) == "Hello, Ada!"
    time.sleep(2)
    assert list(results) == ["Hello, Ada!"] * 2


def test_inputs_that_were_not_read_in_time_are_an_error(client: Client) -> None:
    results = client.map("greet", [{"name": "Ada"}] * 4, concurrency=2, timeout=2)

    assert next(results) == "Hello, Ada!"
    time.sleep(2)
    with pytest.raises(errors.WaitTimeout):
        list(results)


def test_a_map_without_keys_does_not_pass_for_one_with_keys(client: Client) -> None:
    with pytest.raises(ValueError, match="key=''"):
        list(client.map("greet", [{}], key=""))
    with pytest.raises(TypeError, match="key of input 0 is no text: None"):
        list(client.map("greet", [{}], key=lambda index, item: None))  # type: ignore[arg-type, return-value]


def test_the_first_failure_of_a_map_is_raised_or_returned(client: Client) -> None:
    inputs = [{"name": "Ada"}, {"name": "nobody"}, {"name": "Bob"}]

    results = client.map("greet", inputs)
    assert next(results) == "Hello, Ada!"
    with pytest.raises(errors.Refused):
        next(results)
    first, second, third = client.map("greet", inputs, return_exceptions=True)
    assert (first, third) == ("Hello, Ada!", "Hello, Bob!")
    assert isinstance(second, errors.Refused)


def test_outcomes_come_as_jobs_end(client: Client) -> None:
    inputs = [{"name": "Ada"}, {"name": "nobody"}, {}]

    outcomes = sorted(client.as_completed("greet", inputs), key=lambda outcome: outcome.index)

    assert [outcome.input for outcome in outcomes] == inputs
    assert outcomes[0].result() == "Hello, Ada!"
    assert isinstance(outcomes[0].job, Job)
    assert [type(outcome.error) for outcome in outcomes[1:]] == [
        errors.Refused,
        errors.InvalidInput,
    ]


def test_the_same_inputs_find_the_same_jobs(server: Server) -> None:
    inputs = [{"name": f"{number}"} for number in range(20)]

    with server.client() as client:
        results = client.map("greet", inputs, key="batch-7")
        assert next(results) == "Hello, 0!"  # and then the process dies
    known = len(server.jobs)
    with server.client() as client:
        again = list(client.map("greet", inputs[::-1], key="batch-7"))

    assert again == [f"Hello, {number}!" for number in range(20)][::-1]
    assert known <= len(server.jobs) == 20


def test_a_map_that_takes_too_long_names_the_jobs() -> None:
    with Server(OPERATIONS, reads=10**6).client() as client:
        found = list(
            client.map("greet", [{"name": "Ada"}] * 5, timeout=0.3, return_exceptions=True)
        )

    assert all(isinstance(one, WaitTimeout) and one.job_id for one in found)
    assert len(found) == 5


def test_an_input_that_is_no_json_is_an_error_of_its_own(client: Client) -> None:
    with pytest.raises(TypeError):
        client.call("greet", {"name": object()})
    with pytest.raises(ValueError, match="not JSON compliant"):
        client.call("greet", {"name": float("nan")})


def test_times_are_relative_or_have_a_zone(client: Client, server: Server) -> None:
    at = datetime(2030, 1, 1, tzinfo=UTC)
    client.submit("greet", {"name": "Ada"}, deadline=timedelta(hours=1), start=at, retention=7200)
    body = json.loads(server.requests[-1].content)

    assert body["deadline"] == {"within": 3600.0}
    assert body["start"] == {"at": "2030-01-01T00:00:00+00:00"}
    assert body["retention"] == 7200
    with pytest.raises(ValueError, match="time zone"):
        client.submit("greet", {}, start=datetime(2030, 1, 1))


def test_counts_are_added_until_they_are_complete() -> None:
    def page(jobs: int, complete: bool) -> httpx.Response:
        group = {"from": None, "operation": "greet", "status": "failed", "jobs": jobs}
        counted = {"counts": [group], "since": "2026-11-24T12:00:00.000Z", "complete": complete}
        return httpx.Response(200, json=counted)

    answers, queries = [page(3, complete=False), page(4, complete=True)], list[str]()

    def handle(request: httpx.Request) -> httpx.Response:
        queries.append(request.url.query.decode())
        return answers.pop(0)

    http = httpx.Client(transport=httpx.MockTransport(handle))
    client = Client("https://nowlater.test", "nl_test", http_client=http)

    (counted,) = client.counts(status="failed", tags={"a": "b"})
    assert counted == {"from": None, "operation": "greet", "status": "failed", "jobs": 7}
    assert queries == [
        "status=failed&tag=a%3Ab",
        "status=failed&tag=a%3Ab&until=2026-11-24T12%3A00%3A00.000Z",
    ]


def test_options_connections_and_raw_answers(client: Client, server: Server) -> None:
    other = client.with_options(timeout=3, max_retries=1)

    reply = other.request("GET", "/operations")

    assert (reply.status, reply.media_type) == (200, "application/json")
    assert reply.json()["operations"][0]["name"] == "broken"
    with pytest.raises(errors.UnknownRoute):
        other.request("GET", "/nothing")


def test_a_client_needs_a_url_and_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOWLATER_URL", raising=False)
    monkeypatch.setenv("NOWLATER_KEY", "nl_key")

    with pytest.raises(errors.Misconfigured, match="NOWLATER_URL"):
        Client.from_env()
    with pytest.raises(errors.Misconfigured, match="https://"):
        Client("api.example.com", "nl_key")
    monkeypatch.setenv("NOWLATER_URL", "https://api.example.com/")
    with Client.from_env(timeout=5):
        pass


def test_the_asynchronous_client_does_the_same(server: Server, tmp_path: Path) -> None:
    async def inputs() -> AsyncIterator[dict[str, str]]:
        for number in range(30):
            yield {"name": f"{number}"}

    async def main() -> None:
        async with server.async_client() as client:
            assert await client.call("greet", {"name": "Ada"}) == "Hello, Ada!"
            job = await client.submit("picture", {"size": 100_000})
            assert [state.status async for state in job.events()][-1] == "succeeded"
            await job.download(tmp_path / "picture.png")
            assert await job.result() == (tmp_path / "picture.png").read_bytes()
            assert await client.call("length", {"file": b"x" * 600_000}) == 600_000
            results = [result async for result in client.map("greet", inputs())]
            assert results == [f"Hello, {number}!" for number in range(30)]
            with pytest.raises(errors.Refused):
                await client.call("greet", {"name": "nobody"})
            assert [job.status async for job in client.jobs(limit=1)] == ["succeeded"]
            again = await (await client.job(job.id)).retry()
            assert (await again.cancel()).status == "canceled"
            assert [o.error async for o in client.for_each("erase", [again])] == [None]

    asyncio.run(main())


def test_a_canceled_task_drops_its_requests(server: Server) -> None:
    server = Server(OPERATIONS, reads=10**6)

    async def main() -> None:
        async with server.async_client() as client:
            job = await client.submit("greet", {"name": "Ada"})
            task = asyncio.create_task(job.result())
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(main())


def test_every_method_is_documented_in_both_clients() -> None:
    from nowlater_client import AsyncClient, AsyncJob

    names = {name for kind in (Client, Job) for name in vars(kind) if not name.startswith("_")}
    others = {name for kind in (AsyncClient, AsyncJob) for name in vars(kind) if name[0] != "_"}

    assert names == others
    for kind in (Client, Job, AsyncClient, AsyncJob):
        for name, member in vars(kind).items():
            assert name.startswith("_") or member.__doc__, f"{kind.__name__}.{name}"


def test_the_root_catches_everything(client: Client) -> None:
    for name in ("nothing", "broken", "greet"):
        with pytest.raises(NowlaterError):
            client.call(name, {"name": "nobody"} if name == "greet" else {})
