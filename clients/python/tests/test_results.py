"""Results as streams, which continue after a cut, and as raw answers."""

import asyncio
import contextlib
import io
import json
import os
import pickle
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from nowlater_client import AsyncClient, Client, NowlaterError, Reply, Unreachable, errors
from nowlater_client.files import Content
from nowlater_client.testing import Server

SIZE = 300_000
CONTENT = bytes(range(256)) * (SIZE // 256)


class Store:
    """A stand-in whose bucket cuts each answer after `cut` bytes, and may ignore Range."""

    def __init__(self, cut: int | None = None, *, has_range: bool = True, fails: int = 0) -> None:
        self.server = Server({"make": lambda size=SIZE: CONTENT[:size]})
        self.cut, self.has_range, self.fails = cut, has_range, fails
        self.asked: list[httpx.Request] = []
        self.closed, self.most_open, self.open = 0, 0, 0
        self.lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != "store.test":
            return self.server.handle(request)
        with self.lock:
            self.asked.append(request)
            self.open += 1
            self.most_open = max(self.most_open, self.open)
        if self.fails:
            self.fails -= 1
            return httpx.Response(503, text="<Error>SlowDown</Error>")
        assert "authorization" not in request.headers
        start = int(request.headers.get("range", "bytes=0-")[6:-1]) if self.has_range else 0
        headers = {"content-type": "image/png", "content-length": f"{len(CONTENT) - start}"}
        if start:
            headers["content-range"] = f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}"
        return httpx.Response(206 if start else 200, headers=headers, stream=Body(self, start))

    def client(self, **options: Any) -> Client:
        http = httpx.Client(transport=httpx.MockTransport(self))
        return Client("https://nowlater.test", "nl_test", http_client=http, **options)


class Body(httpx.SyncByteStream):
    def __init__(self, store: Store, start: int) -> None:
        self.store, self.start = store, start

    def __iter__(self) -> Iterator[bytes]:
        end = len(CONTENT) if self.store.cut is None else self.start + self.store.cut
        for at in range(self.start, min(end, len(CONTENT)), 10_000):
            yield CONTENT[at : min(at + 10_000, end)]
        if end < len(CONTENT):
            raise httpx.RemoteProtocolError("peer closed connection")

    def close(self) -> None:
        with self.store.lock:
            self.store.closed += 1
            self.store.open -= 1


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    async def at_once(seconds: float) -> None:
        await asyncio.sleep(0)

    monkeypatch.setattr("nowlater_client.core.sleep", at_once)
    monkeypatch.setattr("nowlater_client.exchange.sleep", at_once)
    monkeypatch.setattr("nowlater_client.gather._LEAST_PAUSE_S", 0.001)


@pytest.mark.parametrize("cut", [None, 120_000])
@pytest.mark.parametrize("has_range", [True, False])
def test_a_stream_is_whole_even_if_it_was_cut(cut: int | None, has_range: bool) -> None:
    if cut and not has_range:
        cut = 299_990  # each answer starts again, and the last one brings the rest
    store = Store(cut, has_range=has_range)
    if cut == 299_990:
        store.cut = None
    with store.client() as client:
        pieces = list(client.submit("make").stream())

    assert b"".join(pieces) == CONTENT
    assert len(pieces) > 10
    ranges = [request.headers.get("range") for request in store.asked]
    assert ranges == ([None, "bytes=120000-", "bytes=240000-"] if store.cut else [None])


def test_a_stream_of_a_store_without_ranges_skips_what_it_has() -> None:
    store, cuts = Store(150_000, has_range=False), list[int]()
    with store.client() as client:
        found = b""
        for piece in client.submit("make").stream():
            found += piece
            if len(found) == 150_000:
                store.cut = None
                cuts.append(len(found))

    assert (found, cuts) == (CONTENT, [150_000])


def test_a_small_result_is_a_stream_too() -> None:
    with Store().client() as client:
        assert b"".join(client.submit("make", {"size": 5}).stream()) == CONTENT[:5]


def test_a_stream_that_cannot_continue_names_the_job() -> None:
    store = Store(100_000)
    with store.client(timeout=0.5) as client:
        job = client.submit("make")
        pieces = job.stream()
        next(pieces)
        store.cut = 0
        with pytest.raises(Unreachable, match="peer closed connection") as caught:
            list(pieces)

    assert caught.value.job_id == job.id


def test_a_failed_job_has_no_stream() -> None:
    with Store().client() as client, pytest.raises(errors.InvalidInput):
        list(client.submit("make", {"wrong": 1}).stream())


def test_closing_a_stream_frees_its_connection() -> None:
    store = Store()
    with store.client() as client:
        pieces = client.submit("make").stream()
        next(pieces)
        assert store.closed == 0
        pieces.close()
        assert store.closed == 1
        with contextlib.closing(client.submit("make").stream()) as other:
            next(other)
        assert store.closed == 2


def test_an_asynchronous_stream_is_the_same() -> None:
    async def main() -> bytes:
        async with server.async_client() as client:
            job = await client.submit("make")
            pieces = [piece async for piece in job.stream()]
            async with contextlib.aclosing(job.stream()) as other:
                await anext(other)
            return b"".join(pieces)

    server = Server({"make": lambda: CONTENT})
    assert asyncio.run(main()) == CONTENT


def test_a_download_into_a_text_file_is_refused(tmp_path: Path) -> None:
    with (
        Store().client() as client,
        (tmp_path / "x").open("w") as file,
        pytest.raises(TypeError, match="binary"),
    ):
        client.submit("make").download(file)  # type: ignore[arg-type]


def test_large_results_of_a_map_are_read_over_few_connections() -> None:
    store = Store()
    with store.client() as client:
        results = list(client.map("make", [{}] * 60, concurrency=60))

    assert results == [CONTENT] * 60
    assert len(store.asked) == 60
    assert 1 < store.most_open <= 10


def test_a_bucket_that_is_busy_is_asked_again() -> None:
    store = Store(fails=3)
    with store.client() as client:
        assert client.submit("make").result() == CONTENT

    assert len(store.asked) == 4


def test_raw_answers_are_seen_with_their_status_and_headers() -> None:
    seen = list[Reply]()
    with Server({"greet": lambda: "Hello"}).client() as client:
        assert client.with_options(on_reply=seen.append).call("greet") == "Hello"
        client.call("greet")

    assert [(reply.status, reply.media_type, reply.json()) for reply in seen] == [
        (200, "application/json", "Hello")
    ]


def test_a_deadline_may_be_refused_and_a_wait_may_be_strict() -> None:
    server = Server({"greet": lambda: "Hello"})
    with server.client() as client:
        client.submit("greet", deadline={"within": 60, "or": "refuse"})
        client.call("greet", wait=3, strict=True)

    submitted, called = server.requests
    assert json.loads(submitted.content)["deadline"] == {"within": 60, "or": "refuse"}
    assert called.headers["prefer"] == "wait=3, handling=strict"


# ── answers that are not the API's, and arguments that cannot be meant ────────────────────────


FOREIGN = {
    "a page": httpx.Response(200, html="<html>Sign in</html>"),
    "a redirect": httpx.Response(301, headers={"location": "https://other.example/"}),
    "other JSON": httpx.Response(200, json={"other": "api"}),
    "a list": httpx.Response(200, json=["x"]),
}
READ: dict[str, Callable[[Client], Any]] = {
    "submit": lambda client: client.submit("op"),
    "job": lambda client: client.job("j"),
    "jobs": lambda client: list(client.jobs()),
    "counts": lambda client: client.counts(),
    "operations": lambda client: client.operations(),
    "map": lambda client: list(client.map("op", [{}])),
}


@pytest.mark.parametrize("answer", FOREIGN.values(), ids=FOREIGN)
@pytest.mark.parametrize("call", READ.values(), ids=READ)
def test_an_answer_of_something_else_is_an_error(
    answer: httpx.Response, call: Callable[[Client], Any]
) -> None:
    http = httpx.Client(transport=httpx.MockTransport(lambda _: answer))
    with (
        Client("https://api.example.com", "k", http_client=http) as client,
        pytest.raises(errors.NotNowlater, match="not from a nowlater API"),
    ):
        call(client)


@pytest.mark.parametrize("name", ["a page", "a redirect"])
def test_a_page_is_no_result(name: str) -> None:
    http = httpx.Client(transport=httpx.MockTransport(lambda _: FOREIGN[name]))
    with (
        Client("https://api.example.com", "k", http_client=http) as client,
        pytest.raises(errors.NotNowlater),
    ):
        client.call("op")


REFUSED: dict[str, Callable[[Client], Any]] = {
    "concurrency": lambda client: list(client.map("make", [{}], concurrency=0)),
    "action": lambda client: list(client.for_each("delete", [])),  # type: ignore[arg-type]
    "limit": lambda client: list(client.jobs(limit=-1)),
    "timeout": lambda client: client.call("make", timeout="5"),  # type: ignore[arg-type]
    "A timeout": lambda client: client.call("make", timeout=float("nan")),
    "idempotency key": lambda client: client.submit("make", key=""),
    "key='é'": lambda client: client.submit("make", key="é"),
    "id of the job": lambda client: client.job(""),
    "time zone": lambda client: list(client.jobs(since=__import__("datetime").datetime.now())),
    "number of seconds": lambda client: client.submit("make", retention=float("inf")),
}


@pytest.mark.parametrize("said", REFUSED)
def test_an_argument_that_cannot_be_meant_is_refused(said: str) -> None:
    store = Store()
    with store.client() as client, pytest.raises(ValueError, match=said):
        REFUSED[said](client)

    assert store.server.requests == []


@pytest.mark.parametrize(
    "url",
    ["https:///x", "http://a b", "https://x?y=1", "https://user:pw@x", "ftp://x", "x.com", ""],
)
def test_a_url_is_that_of_an_api(url: str) -> None:
    with pytest.raises(errors.Misconfigured, match="must be like https://"):
        Client(url, "k")
    Client("HTTPS://api.example.com/stage/", "k")


def test_no_repr_has_the_key() -> None:
    client = Client("https://api.example.com", "nl_secret")

    assert repr(client) == "Client('https://api.example.com')"
    assert "nl_secret" not in repr(vars(client))


def test_a_limit_of_0_gives_no_job() -> None:
    with Store().client() as client:
        client.submit("make")
        assert list(client.jobs(limit=0)) == []


def test_a_raw_post_has_a_key_and_a_path_may_have_no_slash() -> None:
    store = Store()
    with store.client() as client:
        client.request("POST", "async/make", json={"input": {}})

    assert store.server.requests[0].url.path == "/async/make"
    assert len(store.server.requests[0].headers["idempotency-key"]) == 32


def test_a_file_is_sent_whole_each_time() -> None:
    file, server = io.BytesIO(b"name\n1\n"), Server({"length": lambda csv: len(csv)})
    with server.client() as client:
        assert [client.call("length", {"csv": file}) for _ in range(2)] == [7, 7]
        assert list(client.map("length", [{"csv": file}], key="batch")) == [7]


@pytest.mark.parametrize("file", [io.StringIO("x"), io.StringIO("")])
def test_a_text_file_is_refused(file: Any) -> None:
    with Store().client() as client, pytest.raises(TypeError, match="binary"):
        client.call("make", {"size": file})


def test_jobs_are_equal_by_id_and_can_be_pickled() -> None:
    import copy

    with Store().client() as client:
        job = client.submit("make")
        assert {job, client.job(job.id)} == {job}
        assert pickle.loads(pickle.dumps(job)) == job == copy.deepcopy(job)


def test_inputs_that_fail_lose_no_job() -> None:
    def inputs() -> Iterator[dict[str, Any]]:
        for _ in range(20):
            yield {}
        raise ZeroDivisionError

    with Server({"make": lambda: 1}).client() as client:
        found = list[Any]()
        with pytest.raises(ZeroDivisionError):
            found.extend(iter(client.map("make", inputs())))
        results = client.as_completed("make", inputs())
        outcomes = [next(results) for _ in range(20)]
        with pytest.raises(ZeroDivisionError):
            next(results)

    assert [outcome.value for outcome in outcomes] == [1] * 20


def test_an_asynchronous_callback_is_awaited() -> None:
    async def main() -> None:
        async def on_progress(job: Any) -> None:
            await asyncio.sleep(0)
            seen.append(job.status)

        async with Server({"make": lambda: 1}).async_client() as client:
            await (await client.submit("make")).wait(on_progress=on_progress)

    seen = list[str]()
    asyncio.run(main())

    assert seen == ["queued", "running", "succeeded"]


def test_a_class_of_a_user_does_not_take_the_place_of_a_problem() -> None:
    class TimedOut(NowlaterError):
        pass

    assert type(errors.from_problem({"code": "timed-out"})) is errors.TimedOut is not TimedOut


def test_a_fault_of_the_watch_is_raised_for_each_job(monkeypatch: pytest.MonkeyPatch) -> None:
    async def look(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr("nowlater_client.gather.look", look)
    with Server({"make": lambda: 1}, reads=10**6).client() as client:
        found = list(client.map("make", [{}] * 5, return_exceptions=True))

    assert [type(one) for one in found] == [ZeroDivisionError] * 5


def test_inputs_are_no_single_input() -> None:
    with Store().client() as client, pytest.raises(TypeError, match="iterable of inputs"):
        list(client.map("make", {"size": 1}))


def test_equal_files_of_different_types_are_different_inputs(tmp_path: Path) -> None:
    for name in ("a.csv", "a.txt"):
        (tmp_path / name).write_bytes(b"x")
    inputs = [{"csv": tmp_path / "a.csv"}, {"csv": tmp_path / "a.txt"}]
    server = Server({"length": lambda csv: len(csv)})

    with server.client() as client:
        assert list(client.map("length", inputs, key="batch")) == [1, 1]

    assert len(server.jobs) == 2


def test_a_rotation_is_not_repeated() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        raise httpx.ReadError("reset")

    seen = list[httpx.Request]()
    http = httpx.Client(transport=httpx.MockTransport(handle))
    with (
        Client("https://api.example.com", "k", http_client=http) as client,
        pytest.raises(Unreachable),
    ):
        client.rotate_secret()

    assert len(seen) == 1


def test_a_file_that_grows_or_shrinks_is_sent_as_it_was_or_not(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"x" * 600_000)
    content = Content(path)

    path.write_bytes(b"x" * 700_000)
    assert len(b"".join(content)) == 600_000
    path.write_bytes(b"x" * 500_000)
    with pytest.raises(ValueError, match="became smaller"):
        b"".join(content)


# ── closed clients, outages, ids, and cancellation ────────────────────────────────────────────


def test_a_job_of_a_closed_client_names_itself() -> None:
    with Store().client() as client:
        job = client.submit("make")

    with pytest.raises(errors.ClientClosed, match="closed") as caught:
        job.result()
    assert caught.value.job_id == job.id
    with pytest.raises(NowlaterError):
        client.operations()


def test_an_asynchronous_job_of_a_closed_client_names_itself() -> None:
    async def main() -> None:
        async with AsyncClient("http://127.0.0.1:9", "k") as client:
            job = client._new_job({"id": "j-1", "operation": "make", "status": "queued"})
        with pytest.raises(errors.ClientClosed) as caught:
            await job.refresh()
        assert caught.value.job_id == "j-1"

    asyncio.run(main())


@pytest.mark.parametrize("what", ["status", "result"])
def test_a_map_outlives_an_outage(what: str) -> None:
    """Longer than the client's own timeout: a job is not given up before its deadline."""
    store, away_until = Store(), [0.0]

    def handle(request: httpx.Request) -> httpx.Response:
        path, is_get = request.url.path, request.method == "GET"
        if is_get and path.endswith("/result") is (what == "result"):
            away_until[0] = away_until[0] or time.monotonic() + 0.5
            if time.monotonic() < away_until[0]:
                raise httpx.ConnectError("refused")
        return store(request)

    http = httpx.Client(transport=httpx.MockTransport(handle))
    with Client("https://nowlater.test", "nl_test", http_client=http, timeout=0.1) as client:
        assert list(client.map("make", [{"size": n} for n in (1, 2, 3, SIZE)])) == [
            *(CONTENT[:n] for n in (1, 2, 3)),
            CONTENT,
        ]


def test_jobs_can_be_named_by_their_ids_and_outcomes_pickled() -> None:
    with Store().client() as client:
        job = client.submit("make")
        outcomes = list(client.for_each("cancel", [job.id, "", job]))

    assert [type(one.error) for one in outcomes] == [type(None), ValueError, type(None)]
    assert outcomes[0].job == job
    assert pickle.loads(pickle.dumps(outcomes[0])).job.id == job.id


def test_ids_that_fail_lose_no_outcome() -> None:
    def ids() -> Iterator[str]:
        yield job.id
        raise OSError("no more")

    found = []
    with Store().client() as client:
        job = client.submit("make")
        with pytest.raises(OSError, match="no more"):
            found.extend(client.for_each("cancel", ids()))

    assert [one.job for one in found] == [job]


def test_a_canceled_download_leaves_no_file(tmp_path: Path) -> None:
    async def main() -> None:
        started, server = asyncio.Event(), Store().server

        async def slow() -> AsyncIterator[bytes]:
            started.set()
            yield CONTENT[:1000]
            await asyncio.sleep(60)

        async def handle(request: httpx.Request) -> httpx.Response:
            if request.url.host != "store.test":
                return server.handle(request)
            return httpx.Response(200, content=slow())

        http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
        async with AsyncClient("https://nowlater.test", "nl_test", http_client=http) as client:
            job = await client.submit("make")
            task = asyncio.create_task(job.download(tmp_path / "a.bin"))
            await asyncio.wait_for(started.wait(), 10)
            assert list(tmp_path.iterdir())
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert list(tmp_path.iterdir()) == []

    asyncio.run(main())


def test_a_callback_gets_the_job_itself() -> None:
    seen: list[Any] = []
    with Store().client() as client:
        job = client.submit("make")
        job.wait(on_progress=lambda one: seen.append((one is job, one.status, job.status)))

    assert len(seen) > 1
    assert all(is_same and given == own for is_same, given, own in seen)


@pytest.mark.parametrize(
    ("known", "said"),
    [("NOWLATER_URL", "no NOWLATER_KEY"), ("NOWLATER_KEY", "no NOWLATER_URL")],
)
def test_the_environment_says_what_it_has_not(
    monkeypatch: pytest.MonkeyPatch, known: str, said: str
) -> None:
    for name in ("NOWLATER_URL", "NOWLATER_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(known, "https://api.example.com")

    with pytest.raises(errors.Misconfigured, match=f"environment has {said}[.]"):
        Client.from_env()
    with pytest.raises(errors.Misconfigured):
        Client(None, None)  # type: ignore[arg-type]


def test_a_download_leaves_links_and_pipes_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "file")
    os.mkfifo(tmp_path / "pipe")  # and no device: a fault here would replace it
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with Store().client() as client:
        job = client.submit("make", {"size": 100})
        job.download(tmp_path / "link")
        job.download(tmp_path / "pipe")

    assert os.read(reader, 1000) == (tmp_path / "file").read_bytes() == CONTENT[:100]
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "pipe").is_fifo()
    os.close(reader)


class Partial(io.RawIOBase):
    """A raw file that writes at most 1,000 bytes at once, as a pipe may."""

    def __init__(self) -> None:
        self.content = b""

    def writable(self) -> bool:
        return True

    def write(self, piece: Any) -> int:
        self.content += bytes(piece[:1000])
        return min(len(piece), 1000)


def test_a_download_goes_on_where_a_raw_file_wrote_a_part() -> None:
    with Server({"make": lambda: CONTENT}).client() as client:
        file = Partial()
        client.submit("make").download(file)

    assert file.content == CONTENT


@pytest.mark.parametrize("content", [b'{"rows": 1}', b'{"row": 1}\n{"row": 2}\n'])
def test_a_large_file_of_json_is_bytes_as_a_small_one(content: bytes) -> None:
    def respond(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/stored":
            return httpx.Response(
                200, content=content, headers={"content-type": "application/json"}
            )
        if request.url.path.endswith("/result"):
            headers = {"location": "https://s3.test/stored", "content-security-policy": "sandbox"}
            return httpx.Response(303, headers=headers)
        return httpx.Response(200, json={"id": "1", "operation": "make", "status": "succeeded"})

    http = httpx.Client(transport=httpx.MockTransport(respond))
    found = Client("https://api.test", "nl_key", http_client=http).job("1").result()

    assert (found, found.media_type) == (content, "application/json")
