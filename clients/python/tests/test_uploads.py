"""Large files in inputs: uploaded once for each idempotency key, so that a submit can be repeated."""

import io
import itertools
import json
import os
import threading
from collections.abc import Callable, Iterator
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


def test_an_upload_that_stays_refused_is_given_up(server: Server) -> None:
    """403 after a lost answer may be of a URL that became too old, so that a new one is asked for."""
    refused = itertools.repeat(httpx.Response(403, text="AccessDenied"), 50)
    client = broken(server, itertools.chain([None], refused), "PUT")

    with pytest.raises(Unreachable, match="AccessDenied"):
        client.upload(LARGE)

    announced = [request for request in server.requests if request.url.path == "/uploads"]
    assert 1 < len(announced) < 10


def test_an_announcement_whose_answer_is_lost_is_repeated_with_its_key(server: Server) -> None:
    broken(server, iter([None, None]), "POST /uploads").upload(LARGE)

    announced = [request for request in server.requests if request.url.path == "/uploads"]
    assert len(announced) == 3
    assert len({request.headers["idempotency-key"] for request in announced}) == 1
    assert json.loads(announced[0].content)["size"] == len(LARGE)
