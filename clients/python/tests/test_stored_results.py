"""Results that S3 stores, over real sockets: parts, cuts, refusals, and other content in between."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from nowlater_client import Client, NowlaterError, Unreachable, errors

CONTENT = bytes(range(256)) * 400
HALF = len(CONTENT) // 2
ENDED = {"id": "j-1", "operation": "make", "status": "succeeded"}
Answer = tuple[int, dict[str, str], bytes]


def part(start: int, end: int = len(CONTENT), total: int = len(CONTENT)) -> Answer:
    """Return a part of the content, as S3 answers a Range."""
    said = {"Content-Range": f"bytes {start}-{end - 1}/{total}", "ETag": '"a"'}
    return 206, said, CONTENT[start:end]


def cut(size: int = HALF, etag: str = '"a"') -> Answer:
    """Return the whole content, of which a part arrives."""
    return 200, {"ETag": etag, "Content-Length": f"{len(CONTENT)}"}, CONTENT[:size]


def unmeasured(content: bytes) -> Answer:
    """Return content whose end shows nowhere: no length, and the connection is cut."""
    return (
        200,
        {"ETag": '"a"', "Transfer-Encoding": "chunked"},
        b"%x\r\n%s\r\n" % (len(content), content),
    )


class Bucket:
    """An API with one job, and a bucket that gives its answers in turn; the last one again and again."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.urls, self.ranges = [*answers], 0, list[str | None]()


@contextmanager
def serving(bucket: Bucket) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.startswith("/stored"):
                bucket.ranges.append(self.headers.get("range"))
                is_last = len(bucket.answers) == 1
                self.answer(*(bucket.answers[0] if is_last else bucket.answers.pop(0)))
            else:
                bucket.urls += 1
                self.answer(303, {"Location": f"{url}/stored/{bucket.urls}"}, b"")

        def answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.protocol_version = "HTTP/1.1"
            self.send_response(status)
            if "Transfer-Encoding" not in headers:
                headers = {"Content-Length": f"{len(content)}", **headers}
            for name, value in {"Connection": "close", **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield url
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nowlater_client.exchange.random.uniform", lambda low, high: 0.001)


def read(bucket: Bucket, **options: Any) -> bytes:
    with serving(bucket) as url, Client(url, "key", **options) as client:
        return b"".join(client._new_job(ENDED).stream())


WHOLE: dict[str, list[Answer]] = {
    "in one answer": [cut(len(CONTENT))],
    "in two parts": [cut(), part(HALF)],
    "in parts that are smaller than asked for": [cut(), part(HALF, HALF + 100), part(HALF + 100)],
    "in a part that begins earlier": [cut(), part(HALF - 100)],
    "from the beginning again": [cut(), cut(len(CONTENT))],
    "after a part of something else": [cut(), part(HALF + 1), part(HALF)],
    "after a part that says nothing": [cut(), (206, {}, CONTENT[HALF + 1 :]), part(HALF)],
    "with a cut at the very end": [
        unmeasured(CONTENT),
        (416, {"Content-Range": f"bytes */{len(CONTENT)}"}, b""),
    ],
    "after less than was there": [cut(), (200, {}, b"short"), part(HALF)],
    "after three refusals": [(403, {}, b"")] * 3 + [cut()] + [(403, {}, b"")] * 3 + [part(HALF)],
}


@pytest.mark.parametrize("answers", WHOLE.values(), ids=WHOLE)
def test_a_result_is_whole(answers: list[Answer]) -> None:
    bucket = Bucket(*answers)

    assert read(bucket) == CONTENT
    assert bucket.urls == len(answers)


def test_an_empty_result_is_whole() -> None:
    assert read(Bucket((200, {}, b""))) == b""


UNMEASURED = unmeasured(CONTENT[:HALF])
CHANGED: dict[str, tuple[Answer, Answer]] = {
    "the ETag of a part": (cut(), (206, part(HALF)[1] | {"ETag": '"b"'}, CONTENT[HALF:])),
    "the ETag of the whole": (UNMEASURED, cut(etag='"b"')),
    "the size": (cut(), part(HALF, total=len(CONTENT) + 1)),
    "to less than was read": (UNMEASURED, (416, {"Content-Range": "bytes */10"}, b"")),
}


@pytest.mark.parametrize("answers", CHANGED.values(), ids=CHANGED)
def test_a_result_that_changes_is_an_error(answers: tuple[Answer, Answer]) -> None:
    bucket = Bucket(*answers)

    with pytest.raises(NowlaterError, match="has changed while it was read") as caught:
        read(bucket)

    assert caught.value.job_id == "j-1"
    assert len(bucket.ranges) == 2


@pytest.mark.parametrize("status", [400, 403, 307])
@pytest.mark.parametrize("before", [[], [cut()]], ids=["at once", "in the middle"])
def test_refusals_are_given_up_after_four_urls(before: list[Answer], status: int) -> None:
    bucket = Bucket(*before, (status, {}, b"<Error/>"))

    with pytest.raises(Unreachable, match=f"S3 answered {status}"):
        read(bucket, timeout=3600)

    assert bucket.urls == len(before) + 4


def test_a_bucket_that_is_busy_is_not_a_refusal() -> None:
    assert read(Bucket(*[(503, {}, b"SlowDown")] * 6, cut(len(CONTENT)))) == CONTENT


def test_a_result_that_is_gone_is_expired() -> None:
    with pytest.raises(errors.JobExpired):
        read(Bucket(cut(), (404, {}, b"")))
