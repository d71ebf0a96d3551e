"""Large files in inputs: uploaded once for each idempotency key, so that a submit can be repeated."""

import io
import itertools
import json
import os
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from nowlater_client import Client, Unreachable, errors
from nowlater_client.testing import Server

LARGE = bytes(range(256)) * 2400  # 600 KiB
OTHER = LARGE[::-1]


def length(file: bytes) -> int:
    return len(file)


@pytest.fixture
def server() -> Server:
    return Server({"length": length})


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def sleep(seconds: float) -> None:
        return None

    monkeypatch.setattr("nowlater_client.exchange.sleep", sleep)
    monkeypatch.setattr("nowlater_client.exchange.random.uniform", lambda low, high: 0.0)
    monkeypatch.setattr("nowlater_client.gather._LEAST_PAUSE_S", 0.001)


def puts(server: Server) -> list[str]:
    return [request.url.path for request in server.requests if request.method == "PUT"]


FORMS: dict[str, Callable[[Path], Any]] = {
    "path": lambda path: path,
    "bytes": lambda path: path.read_bytes(),
    "open file": lambda path: io.BytesIO(path.read_bytes()),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_submit_with_a_key_finds_its_job_again(
    server: Server, tmp_path: Path, form: Callable[[Path], Any]
) -> None:
    path = tmp_path / "large.bin"
    path.write_bytes(LARGE)
    found = []
    for _ in range(2):  # the program dies in between: another client
        with server.client() as client:
            job = client.submit("length", {"file": form(path)}, key="order-42")
            found.append((job.id, job.result()))

    assert found[0] == found[1]
    assert found[0][1] == len(LARGE)
    assert len(set(puts(server))) == 1


@pytest.mark.parametrize("content", [b"small", LARGE], ids=["small", "large"])
def test_a_path_that_is_a_pipe_is_sent_whole(
    server: Server, tmp_path: Path, content: bytes
) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content,))
    writer.start()
    with server.client() as client:
        assert client.call("length", {"file": tmp_path / "pipe"}) == len(content)
    writer.join()


def test_a_key_of_contents_needs_a_file_that_can_be_read_twice(
    server: Server, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")
    with server.client() as client, pytest.raises(ValueError, match="needs a file that can seek"):
        list(client.map("length", [{"file": tmp_path / "pipe"}], key="batch"))


def test_a_call_with_a_key_finds_its_job_again(server: Server) -> None:
    for _ in range(2):
        with server.client() as client:
            assert client.call("length", {"file": LARGE}, key="order-42") == len(LARGE)

    assert len(server.jobs) == 1


def test_other_content_or_another_key_is_another_upload(server: Server) -> None:
    with server.client() as client:
        client.submit("length", {"file": LARGE}, key="a")
        client.submit("length", {"file": LARGE}, key="b")
        client.submit("length", {"file": LARGE})
        client.upload(LARGE)
        client.upload(LARGE)
        with pytest.raises(errors.IdempotencyKeyReused):
            client.submit("length", {"file": OTHER}, key="a")

    assert len(set(puts(server))) == 6


@pytest.mark.parametrize("key", ["batch", lambda index, _: f"batch-{index}"])
def test_a_map_with_a_key_finds_its_jobs_again(server: Server, key: Any) -> None:
    inputs, ids = [{"file": LARGE}, {"file": OTHER + b"."}, {"file": LARGE}], []
    for _ in range(2):
        with server.client() as client:
            ended = list(client.as_completed("length", inputs, key=key))
        assert sorted(one.result() for one in ended) == [len(LARGE), len(LARGE), len(LARGE) + 1]
        ids.append({one.job and one.job.id for one in ended})

    assert ids[0] == ids[1]
    assert len(ids[0]) == len(server.jobs) == (2 if key == "batch" else 3)


def broken(
    server: Server, answers: Iterator[httpx.Response | None], at: str, **options: Any
) -> Client:
    """Return a client for whom requests with this method or path are answered so first; None: not at all."""

    def handle(request: httpx.Request) -> httpx.Response:
        if at in f"{request.method} {request.url.path}":
            for answer in answers:
                if answer is None:
                    server.handle(request)
                    raise httpx.ReadError("reset")
                return answer
        return server.handle(request)

    http = httpx.Client(transport=httpx.MockTransport(handle))
    return Client("https://nowlater.test", "nl_test", http_client=http, **options)


def test_the_key_of_an_exception_finds_the_job_of_a_large_file(server: Server) -> None:
    client = broken(server, iter([None]), "POST /async", max_retries=0)
    with pytest.raises(Unreachable) as caught:
        client.submit("length", {"file": LARGE})
    assert caught.value.key

    job = client.submit("length", {"file": LARGE}, key=caught.value.key)

    assert list(server.jobs) == [job.id]


@pytest.mark.parametrize("at", ["POST /uploads", "PUT"])
def test_an_upload_that_fails_names_the_key_of_its_submit(server: Server, at: str) -> None:
    client = broken(server, iter([None] * 9), at, max_retries=0)

    with pytest.raises(Unreachable) as caught:
        client.submit("length", {"file": LARGE}, key="order-42")

    assert caught.value.key == "order-42"


@pytest.mark.parametrize("answer", [None, httpx.Response(409), httpx.Response(503)])
def test_an_upload_is_sent_again_until_it_is_stored(server: Server, answer: Any) -> None:
    """409: S3 has another request with the same upload at the same time."""
    client = broken(server, iter([answer, answer]), "PUT")

    assert client.submit("length", {"file": LARGE}).result() == len(LARGE)
    assert len(server.jobs) == 1


@pytest.mark.parametrize("first", [None, httpx.Response(503)])
@pytest.mark.parametrize("refusal", [403, 400])
def test_an_upload_that_stays_refused_is_given_up(server: Server, first: Any, refusal: int) -> None:
    """A refusal may be of a URL that became too old, so that a new one is asked for."""
    refused = itertools.repeat(httpx.Response(refusal, text="AccessDenied"), 50)
    client = broken(server, itertools.chain([first], refused), "PUT")

    with pytest.raises(Unreachable, match="AccessDenied"):
        client.upload(LARGE, timeout=3600)

    announced = [request for request in server.requests if request.url.path == "/uploads"]
    assert len(announced) == 4


def test_a_refused_upload_succeeds_by_a_new_url(server: Server) -> None:
    answers = [httpx.Response(403), httpx.Response(503), *[httpx.Response(403)] * 3]

    assert broken(server, iter(answers), "PUT").upload(LARGE).id


@pytest.mark.parametrize("options", [{}, {"timeout": 3600}])
def test_an_upload_is_repeated_as_long_as_the_time_and_the_retries_allow(
    server: Server, options: dict[str, float]
) -> None:
    busy = [httpx.Response(503)] * 30

    assert broken(server, iter(busy), "PUT").upload(LARGE, **options).id
    for error, limit in ((Unreachable, {"max_retries": 29}), (Unreachable, {"timeout": 0.001})):
        with pytest.raises(error):
            broken(server, itertools.repeat(busy[0]), "PUT", **limit).upload(LARGE)


def test_the_time_in_which_a_file_is_sent_needs_no_patience(server: Server) -> None:
    """Else a large file, which takes longer than the client's timeout, would be sent but once."""
    sent: list[float] = []

    def handle(request: httpx.Request) -> httpx.Response:
        if request.method == "PUT" and len(sent) < 2:
            sent.append(0.6)
            time.sleep(sent[-1])
            return httpx.Response(503)
        return server.handle(request)

    http = httpx.Client(transport=httpx.MockTransport(handle))
    with Client("https://nowlater.test", "nl_test", http_client=http, timeout=0.5) as client:
        assert client.upload(LARGE).id


#: What is read of a request (bytes of the head, None: all; share of the body), and sent of the
#: answer (bytes), before the connection is cut.
CUTS = {
    "before the request is read": (0, 0, 0),
    "in the head of the request": (50, 0, 0),
    "in the body of the request": (None, 0.5, 0),
    "before the answer": (None, 1, 0),
    "in the head of the answer": (None, 1, 20),
}


class Cutting(BaseHTTPRequestHandler):
    """An API and a bucket in one, which cut as many connections as `cuts` says."""

    protocol_version = "HTTP/1.1"
    cuts: list[tuple[str, tuple[int | None, float, int]]]
    stored: list[bytes]

    def handle_one_request(self) -> None:
        begun = self.connection.recv(4, socket.MSG_PEEK | socket.MSG_WAITALL)
        if not self.cuts or not begun.startswith(self.cuts[0][0].encode()):
            super().handle_one_request()
            return
        _, (bytes_of_head, share, sent) = self.cuts.pop(0)
        head = b"" if bytes_of_head is None else self.rfile.read(bytes_of_head)
        while bytes_of_head is None and not head.endswith(b"\r\n\r\n"):
            head += self.rfile.readline()
        size = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        self.rfile.read(int(share * int(size[1])) if size else 0)
        self.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9"[:sent])
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        to = {"id": "u-1", "url": f"http://{self.headers['host']}/stored", "headers": {}}
        to["headers"]["Content-Length"] = f"{len(LARGE)}"
        self.answer(201, json.dumps(to).encode())

    def do_PUT(self) -> None:
        self.stored.append(self.rfile.read(int(self.headers["content-length"])))
        self.answer(200, b"")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", f"{len(body)}")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("cut", CUTS)
def test_an_upload_survives_cuts_of_its_connection(method: str, cut: str) -> None:
    handler = type("Handler", (Cutting,), {"cuts": [(method, CUTS[cut])] * 2, "stored": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        with Client(f"http://127.0.0.1:{http.server_port}", "key") as client:
            assert client.upload(LARGE).id == "u-1"
        http.shutdown()
        thread.join()

    assert handler.cuts == []
    assert handler.stored == [LARGE]


def test_an_announcement_whose_answer_is_lost_is_repeated_with_its_key(server: Server) -> None:
    broken(server, iter([None, None]), "POST /uploads").upload(LARGE)

    announced = [request for request in server.requests if request.url.path == "/uploads"]
    assert len(announced) == 3
    assert len({request.headers["idempotency-key"] for request in announced}) == 1
    assert json.loads(announced[0].content)["size"] == len(LARGE)
