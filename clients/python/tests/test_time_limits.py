"""A `timeout` is kept, whatever is under way when the server stops to answer."""

import asyncio
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from nowlater_client import AsyncClient, Client, Job, NowlaterError
from nowlater_client.files import INLINE_BYTES

#: A connection that anyio makes just when it is canceled ends as garbage.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
LIMIT_S, TOLERANCE_S = 0.6, 2.0
DIGEST = "0" * 32


def job(status: str = "queued") -> dict[str, Any]:
    times = dict.fromkeys(("created", "updated"), "2026-12-01T00:00:00.000Z")
    limits = {"deadline": "2099-12-01T00:00:00.000Z", "tags": {}, "links": {}}
    return {"id": str(uuid.uuid4()), "operation": "echo", "status": status, **times, **limits}


class Server:
    """Answers the requests that `answers` has, by method and the path's last part; hangs at all others."""

    def __init__(self) -> None:
        server, self.ended = self, threading.Event()
        self.answers: dict[str, tuple[int, dict[str, str], Any]] = {}

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                size = int(self.headers.get("content-length", 0))
                self.rfile.read(size)
                last = self.path.partition("?")[0].rpartition("/")[2]
                found = server.answers.get(f"{self.command} {last}")
                if found is None:
                    server.ended.wait(60)
                    return
                status, headers, body = found
                body = body() if callable(body) else body
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                if "Content-Length" in headers:  # of more than is sent
                    server.ended.wait(60)

            do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"

    @contextmanager
    def serving(self) -> Iterator[None]:
        thread = threading.Thread(target=self._http.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield
        finally:
            self.ended.set()
            self._http.shutdown()
            self._http.server_close()
            thread.join()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    with server.serving():
        yield server


def kept(run: Callable[[], Any]) -> NowlaterError:
    """Return the error after the limit, which was kept."""
    began = time.monotonic()
    with pytest.raises(NowlaterError) as raised:
        run()
    assert LIMIT_S - 0.1 < time.monotonic() - began < LIMIT_S + TOLERANCE_S
    assert isinstance(raised.value, TimeoutError)
    return raised.value


def inputs(count: int) -> list[dict[str, int]]:
    return [{"value": number} for number in range(count)]


FOLLOWED: dict[str, Callable[[Job], Any]] = {
    "refresh": lambda job: job.refresh(timeout=LIMIT_S),
    "wait": lambda job: job.wait(LIMIT_S),
    "watch": lambda job: job.wait(LIMIT_S, on_progress=print),
    "events": lambda job: list(job.events(LIMIT_S)),
    "result": lambda job: job.result(LIMIT_S),
    "stream": lambda job: list(job.stream(LIMIT_S)),
    "cancel": lambda job: job.cancel(timeout=LIMIT_S),
    "retry": lambda job: job.retry(timeout=LIMIT_S),
    "erase": lambda job: job.erase(timeout=LIMIT_S),
}


@pytest.mark.parametrize("method", FOLLOWED)
def test_of_a_method_of_a_job(server: Server, method: str) -> None:
    server.answers["POST echo"] = 202, {}, job()
    with Client(server.url, "key") as client:
        submitted = client.submit("echo", {"value": 1})
        error = kept(lambda: FOLLOWED[method](submitted))

    assert error.job_id == submitted.id


READ: dict[str, Callable[[Job], Any]] = {
    "result": lambda job: job.result(LIMIT_S),
    "stream": lambda job: list(job.stream(LIMIT_S)),
    "download": lambda job: job.download("result.bin", LIMIT_S),
}


@pytest.mark.parametrize("method", READ)
@pytest.mark.parametrize("hangs", ["the API", "S3", "S3 in the middle"])
def test_of_reading_a_result(
    server: Server, method: str, hangs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    server.answers["POST echo"] = 202, {}, job("succeeded")
    if hangs != "the API":
        server.answers["GET result"] = 303, {"Location": f"{server.url}/stored"}, b""
    if hangs == "S3 in the middle":
        server.answers["GET stored"] = 200, {"Content-Length": "100"}, b"x"
    with Client(server.url, "key") as client:
        submitted = client.submit("echo", {"value": 1})
        error = kept(lambda: READ[method](submitted))

    assert error.job_id == submitted.id
    assert list(tmp_path.iterdir()) == []


SENT: dict[str, Callable[[Client], Any]] = {
    "call": lambda client: client.call("echo", {"value": 1}, timeout=LIMIT_S),
    "call at the hybrid door": lambda client: client.call("echo", wait=5, timeout=LIMIT_S),
    "call with a large file": lambda client: client.call(
        "echo", {"value": b"x" * (INLINE_BYTES + 1)}, timeout=LIMIT_S
    ),
    "submit": lambda client: client.submit("echo", {"value": 1}, timeout=LIMIT_S),
    "job": lambda client: client.job(DIGEST, timeout=LIMIT_S),
    "upload": lambda client: client.upload(b"x", timeout=LIMIT_S),
    "request": lambda client: client.request("GET", "/jobs", timeout=LIMIT_S),
    "map": lambda client: list(client.map("echo", inputs(3), timeout=LIMIT_S)),
    "as_completed": lambda client: [
        outcome.result() for outcome in client.as_completed("echo", inputs(3), timeout=LIMIT_S)
    ],
}


@pytest.mark.parametrize("method", SENT)
def test_of_sending(server: Server, method: str) -> None:
    with Client(server.url, "key") as client:
        kept(lambda: SENT[method](client))


@pytest.mark.parametrize("method", ["call with a large file", "upload"])
def test_of_an_upload_to_s3(server: Server, method: str) -> None:
    to = {"id": DIGEST, "url": f"{server.url}/stored", "headers": {}}
    server.answers["POST uploads"] = 201, {}, to
    with Client(server.url, "key") as client:
        kept(lambda: SENT[method](client))


@pytest.mark.parametrize("count", [1, 2, 3, 20])
@pytest.mark.parametrize("hangs", ["the look", "the result"])
def test_of_a_map_whose_jobs_were_accepted(server: Server, count: int, hangs: str) -> None:
    status = "queued" if hangs == "the look" else "succeeded"
    server.answers["POST echo"] = 202, {}, lambda: job(status)
    with Client(server.url, "key") as client:
        error = kept(lambda: list(client.map("echo", inputs(count), timeout=LIMIT_S)))

    assert error.job_id


def test_of_an_asynchronous_map(server: Server) -> None:
    async def run() -> None:
        async with AsyncClient(server.url, "key") as client:
            async for _ in client.map("echo", inputs(5), timeout=LIMIT_S):
                pass

    server.answers["POST echo"] = 202, {}, job
    assert kept(lambda: asyncio.run(run())).job_id
