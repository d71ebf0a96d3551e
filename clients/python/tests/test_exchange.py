"""Which answers are repeated, with which key, and for how long."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import formatdate
from typing import Any

import httpx
import pytest

from nowlater_client import AsyncClient, Client, NowlaterError, Unreachable, WaitTimeout, errors

#: A request that is given up leaves its socket to the thread that reads from it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
JOB_ID = "01a20eff-13a8-723c-a1e0-0187f181401b"
#: How late a time limit may be, in seconds.
TOLERANCE_S = 2.0


def job(status: str = "queued") -> dict[str, Any]:
    now = "2026-11-24T19:18:47.464Z"
    times = {"created": now, "updated": now, "deadline": now}
    return {"id": JOB_ID, "operation": "echo", "status": status, "attempt": 0, "tags": {}, **times}


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    content = json.dumps({"code": code, "detail": "It says why.", "status": status})
    kind = {"content-type": "application/problem+json", **headers}
    return httpx.Response(status, content=content, headers=kind)


class Script:
    """Answers requests with what was written down, and then always with the last of it."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers, self.requests = list(answers), list[httpx.Request]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def keys(self) -> set[str | None]:
        return {request.headers.get("idempotency-key") for request in self.requests}

    def client(self, **options: Any) -> Client:
        http = httpx.Client(transport=httpx.MockTransport(self))
        return Client("https://api.example.com", "nl_key", http_client=http, **options)


ACCEPTED = httpx.Response(202, json=job())
GATEWAYS = {"message": "Internal Server Error"}
REPEATED = {
    "no answer": httpx.ReadError("reset"),
    "no connection": httpx.ConnectError("refused"),
    "half an answer": httpx.RemoteProtocolError("peer closed connection"),
    "429 of the gateway": httpx.Response(429, json={"message": "Too Many Requests"}),
    "429 of the API": problem(429, "too-many-jobs", **{"retry-after": "0"}),
    "500 of the gateway": httpx.Response(500, json=GATEWAYS),
    "502 of a proxy": httpx.Response(502, html="<h1>Bad Gateway</h1>"),
    "503 of the gateway": httpx.Response(503, json={"message": "Service Unavailable"}),
    "504 of the gateway": httpx.Response(504, json={"message": "Endpoint request timed out"}),
    "try-again": problem(503, "try-again", **{"retry-after": "0"}),
    "unavailable": problem(503, "unavailable", **{"retry-after": "0"}),
    "JSON that ends too soon": httpx.Response(
        202, content=b'{"id": "01a2', headers={"content-type": "application/json"}
    ),
}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    if "waits" not in request.fixturenames:
        monkeypatch.setattr("nowlater_client.exchange.random.uniform", lambda low, high: 0.0)


@pytest.fixture
def waits() -> None:
    """The test is about waiting."""


@pytest.mark.parametrize("name", REPEATED)
def test_a_submit_is_repeated_with_one_key_until_it_is_answered(name: str) -> None:
    script = Script(REPEATED[name], REPEATED[name], ACCEPTED)

    accepted = script.client().submit("echo", {"value": 1})

    assert accepted.id == JOB_ID
    assert len(script.requests) == 3
    assert len(script.keys) == 1
    assert None not in script.keys
    assert len({request.content for request in script.requests}) == 1


@pytest.mark.parametrize(
    "answer",
    [
        problem(500, "operation-failed"),
        problem(500, "internal-error"),
        problem(504, "timed-out"),
        problem(422, "invalid-input"),
        problem(409, "already-ended"),
        problem(503, "unavailable", **{"content-location": f"https://api/jobs/{JOB_ID}"}),
        httpx.Response(403, json={"message": "Forbidden"}),
        httpx.Response(404, html="<h1>Not Found</h1>"),
    ],
    ids=lambda answer: f"{answer.status_code} {answer.text[:30]}",
)
def test_any_other_answer_is_final(answer: httpx.Response) -> None:
    script = Script(answer, ACCEPTED)

    with pytest.raises(NowlaterError) as caught:
        script.client().submit("echo", {"value": 1})

    assert len(script.requests) == 1
    assert caught.value.status == answer.status_code


def test_retry_after_is_kept(waits: None) -> None:
    script = Script(problem(429, "too-many-jobs", **{"retry-after": "1"}), ACCEPTED)
    began = time.monotonic()

    script.client().submit("echo")

    assert 1 <= time.monotonic() - began < 1 + TOLERANCE_S


def test_a_wait_that_is_too_long_is_not_begun() -> None:
    script = Script(problem(429, "too-many-uploads", **{"retry-after": "3600"}))

    with pytest.raises(errors.TooManyUploads):
        script.client(timeout=5).submit("echo")

    assert len(script.requests) == 1


def test_an_exception_has_the_key_by_which_the_job_is_found() -> None:
    script = Script(httpx.ReadError("reset"))

    with pytest.raises(Unreachable) as caught:
        script.client(max_retries=3).submit("echo", key="order-42")

    assert caught.value.key == "order-42"
    assert script.keys == {"order-42"}
    assert "order-42" in f"{caught.value}"
    assert len(script.requests) == 4


def test_a_url_that_never_answered_is_given_up_soon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("nowlater_client.exchange.FIRST_CONTACT_S", 0.0)
    script = Script(httpx.ConnectError("Name or service not known"))

    with pytest.raises(Unreachable):
        script.client().operations()

    assert len(script.requests) == 1


def test_the_key_is_sent_to_the_api_alone() -> None:
    script = Script(
        httpx.Response(200, json=job("succeeded")),
        httpx.Response(303, headers={"location": "https://bucket.s3.amazonaws.com/result"}),
        httpx.Response(200, json="large"),
    )
    http = httpx.Client(
        transport=httpx.MockTransport(script),
        headers={"authorization": "Bearer of-the-application"},
        auth=("user", "password"),
        cookies={"session": "1"},
        follow_redirects=True,
    )
    client = Client("https://api.example.com", "nl_key", http_client=http)

    assert client.job(JOB_ID).result() == "large"
    assert [r.headers.get("authorization") for r in script.requests] == [
        "Bearer nl_key",
        "Bearer nl_key",
        None,
    ]
    assert "cookie" not in script.requests[-1].headers


def test_a_link_to_another_host_gets_no_key() -> None:
    script = Script(
        httpx.Response(200, json={"jobs": [], "next": "https://evil.example.com/jobs?cursor=1"}),
        httpx.Response(200, json={"jobs": [], "next": None}),
    )

    assert list(script.client().jobs()) == []
    assert [str(r.url.host) for r in script.requests] == ["api.example.com"] * 2


# ── time limits, over real sockets ────────────────────────────────────────────────────────────

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n"


def hang(connection: socket.socket, ended: threading.Event) -> None:
    ended.wait(30)


def drip(text: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Return a server that sends a byte each tenth of a second."""

    def send(connection: socket.socket, ended: threading.Event) -> None:
        for byte in text * 1000:
            if ended.wait(0.1):
                return
            connection.sendall(bytes([byte]))

    return send


def head_then_drip(connection: socket.socket, ended: threading.Event) -> None:
    connection.sendall(HEAD)
    drip(b" ")(connection, ended)


@contextmanager
def serving(behave: Callable[[socket.socket, threading.Event], None]) -> Iterator[str]:
    """Serve connections as slowly as somebody wants."""
    ended = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                connection.recv(65536)
                behave(connection, ended)
            except OSError:
                pass  # the client has closed it

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threads = []

        def accept() -> None:
            while True:
                try:
                    connection = listening.accept()[0]
                except OSError:
                    return
                threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
                threads[-1].start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            ended.set()
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join(5)
            for thread in threads:
                thread.join(5)


SLOW = {"hangs": hang, "drips headers": drip(HEAD), "drips the body": head_then_drip}


@pytest.mark.parametrize("behaviour", SLOW)
def test_a_timeout_is_kept_however_slow_the_server_is(behaviour: str) -> None:
    with serving(SLOW[behaviour]) as url, Client(url, "nl_key") as client:
        began = time.monotonic()
        with pytest.raises(Unreachable):
            client.call("echo", {"value": 1}, timeout=1.5)
        took_s = time.monotonic() - began

    assert 1.4 < took_s < 1.5 + TOLERANCE_S


@pytest.mark.parametrize("behaviour", SLOW)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_an_asynchronous_timeout_is_kept_too(behaviour: str) -> None:
    import asyncio

    async def call(url: str) -> float:
        async with AsyncClient(url, "nl_key") as client:
            began = time.monotonic()
            with pytest.raises(Unreachable):
                await client.call("echo", {"value": 1}, timeout=1.5)
            return time.monotonic() - began

    with serving(SLOW[behaviour]) as url:
        took_s = asyncio.run(call(url))

    assert 1.4 < took_s < 1.5 + TOLERANCE_S


# ── what a job's status and result may come with ──────────────────────────────────────────────


def replies(*answers: httpx.Response) -> tuple[Client, list[httpx.Request]]:
    """Return a client of these answers, the last of which is repeated, and what it asks."""
    asked, left = list[httpx.Request](), list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return left.pop(0) if len(left) > 1 else left[0]

    http = httpx.Client(transport=httpx.MockTransport(handle))
    return Client("https://api.example.com", "nl_key", http_client=http), asked


@pytest.mark.parametrize(
    ("value", "longest_s"),
    [
        *[("nan", 1), ("garbage", 1), ("-5", 1), ("0", 0.05), ("1000000000", 20)],
        *[("Wed, 21 Oct 2015 07:28:00 GMT", 0.05), ("Wed, 21 Oct 2099 07:28:00 GMT", 20)],
    ],
)
def test_a_job_is_looked_at_again_whatever_retry_after_says(
    monkeypatch: pytest.MonkeyPatch, value: str, longest_s: float
) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr("nowlater_client.core.sleep", sleep)
    again = httpx.Response(200, headers={"retry-after": value}, json=job("running"))
    ended = httpx.Response(200, json=job("succeeded") | {"result": 42})
    client, _ = replies(ACCEPTED, again, ended)

    assert client.submit("echo").result() == 42
    assert slept == [longest_s]


def test_a_date_in_retry_after_is_kept(waits: None) -> None:
    at = formatdate(time.time() + 2, usegmt=True)
    busy = httpx.Response(503, headers={"retry-after": at}, text="busy")
    script, began = Script(busy, ACCEPTED), time.monotonic()

    script.client().submit("echo")

    assert 0.9 < time.monotonic() - began < 2 + TOLERANCE_S
    assert len(script.requests) == 2


@pytest.mark.parametrize("value", ["0", "Wed, 21 Oct 2015 07:28:00 GMT"])
def test_an_answer_that_asks_for_no_wait_is_not_repeated_in_a_hurry(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    waits_s: list[float] = []
    monkeypatch.setattr(
        "nowlater_client.exchange.random.uniform", lambda low, high: waits_s.append(high) or 0.0
    )
    busy = httpx.Response(503, headers={"retry-after": value}, text="busy")

    Script(busy, busy, ACCEPTED).client().submit("echo")

    assert waits_s == [1.0, 2.0]


def test_a_problem_is_known_by_its_type_in_any_letters() -> None:
    content = json.dumps({"code": "refused", "detail": "No.", "status": 422})
    kind = {"content-type": "Application/Problem+JSON; charset=utf-8"}
    script = Script(httpx.Response(422, headers=kind, content=content))

    with pytest.raises(errors.Refused):
        script.client().call("echo")


SENT: dict[str, httpx.Response] = {
    "an empty answer": httpx.Response(204),
    "JSON of another API": httpx.Response(202, json={"other": "api"}),
}


@pytest.mark.parametrize("answer", SENT.values(), ids=SENT)
def test_an_answer_to_a_submit_that_is_no_job_names_the_key(answer: httpx.Response) -> None:
    with pytest.raises(errors.NotNowlater) as caught:
        Script(answer).client().submit("echo", key="order-42")

    assert caught.value.key == "order-42"


HTTP_JSON = {"content-type": "application/json"}
RESULTS: dict[str, tuple[type[NowlaterError], list[httpx.Response]]] = {
    "303 to nowhere": (errors.NotNowlater, [httpx.Response(303)]),
    "a job": (errors.NotNowlater, [httpx.Response(202, json=job("succeeded"))]),
    "broken JSON": (
        errors.NotNowlater,
        [
            httpx.Response(303, headers={"location": "https://store.example.com/x"}),
            httpx.Response(200, headers=HTTP_JSON, content=b'{"a": tr'),
        ],
    ),
    "nothing stored": (
        errors.JobExpired,
        [
            httpx.Response(303, headers={"location": "https://store.example.com/x"}),
            httpx.Response(404, text="<Error>NoSuchKey</Error>"),
        ],
    ),
}


@pytest.mark.parametrize("name", RESULTS)
def test_a_result_that_is_none_is_an_error_that_names_the_job(name: str) -> None:
    kind, answers = RESULTS[name]
    client, _ = replies(httpx.Response(202, json=job("succeeded")), *answers)
    ended = client.submit("echo")

    with pytest.raises(kind) as caught:
        ended.result(timeout=5)
    assert caught.value.job_id == JOB_ID


# ── time limits, and URLs that are wrong ──────────────────────────────────────────────────────


def test_a_time_limit_is_a_wait_timeout_and_says_nothing_of_submits() -> None:
    with serving(hang) as url, Client(url, "nl_key") as client:
        with pytest.raises(WaitTimeout) as caught:
            client.call("echo", timeout=0.5)
        with pytest.raises(TimeoutError):
            client.job(JOB_ID, timeout=0.5)

    assert isinstance(caught.value, Unreachable)
    assert "key" not in f"{caught.value}"


def test_a_time_limit_of_a_result_names_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(hang) as url:
        stored = httpx.Response(303, headers={"location": f"{url}/x"})
        http = httpx.Client(
            transport=Either(
                url,
                Script(httpx.Response(202, json=job("succeeded")), stored),
            )
        )
        ended = Client("https://api.example.com", "nl_key", http_client=http).submit("echo")
        began = time.monotonic()
        with pytest.raises(WaitTimeout) as caught:
            ended.result(timeout=1)

    assert caught.value.job_id == JOB_ID
    assert time.monotonic() - began < 1 + TOLERANCE_S


class Either(httpx.BaseTransport):
    """Sends requests for a URL by the network, and others to a script."""

    def __init__(self, url: str, script: Script) -> None:
        self.url, self.script, self.network = url, script, httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if f"{request.url}".startswith(self.url):
            return self.network.handle_request(request)
        return self.script(request)


def test_only_the_client_s_own_patience_is_no_timeout() -> None:
    with pytest.raises(Unreachable) as caught:
        Script(httpx.ReadError("reset")).client(max_retries=2).submit("echo", timeout=60)

    assert not isinstance(caught.value, TimeoutError)
    assert "same key gets the same job" in f"{caught.value}"


def speak_plainly(connection: socket.socket, ended: threading.Event) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")


@pytest.mark.parametrize("name", ["no host", "no TLS"])
def test_a_url_that_cannot_be_right_is_reported_at_once(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    if name == "no host":  # the tests may ask no name server
        monkeypatch.setattr("socket.getaddrinfo", unknown)
    with serving(speak_plainly) as url:
        bad = "https://nowlater.invalid" if name == "no host" else url.replace("http:", "https:")
        asked: list[float] = []
        monkeypatch.setattr("nowlater_client.exchange.sleep", lambda s: fail(asked, s))
        with Client(bad, "nl_key") as client, pytest.raises(Unreachable, match="Check the URL"):
            client.operations()
    assert asked == []


async def fail(asked: list[float], seconds: float) -> None:
    asked.append(seconds)


@pytest.mark.parametrize("proxy", ["socks5://localhost:1", "foo://x"])
def test_a_proxy_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("ALL_PROXY", proxy)
    uncaught: list[Any] = []
    monkeypatch.setattr("threading.excepthook", uncaught.append)

    with (
        Client("https://api.example.com", "nl_key") as client,
        pytest.raises(errors.Misconfigured, match="ALL_PROXY"),
    ):
        client.operations()

    assert uncaught == []


@pytest.mark.parametrize(
    "value", [{"x": float("nan")}, {"x": float("inf")}, {"x": "\udcff"}], ids=["NaN", "inf", "half"]
)
def test_an_input_that_json_cannot_have_is_refused(value: Any) -> None:
    script = Script(ACCEPTED)
    with pytest.raises(ValueError, match="cannot be sent as JSON"):
        script.client().submit("echo", value)
    assert script.requests == []


def test_the_log_has_no_signed_url(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "httpx")

    def answer(connection: socket.socket, ended: threading.Event) -> None:
        length, kind = b"content-length: 2", b"content-type: application/json"
        connection.sendall(b"HTTP/1.1 200 OK\r\n" + length + b"\r\n" + kind + b"\r\n\r\n42")

    async def read(url: str) -> bytes:
        async with AsyncClient(url, "nl_key") as client:
            end = time.monotonic() + 5
            reply = await client._connection.read(
                "GET", f"{url}/x?X-Amz-Signature=abc", {}, b"", end
            )
            return reply.body

    with serving(answer) as url:
        assert asyncio.run(read(url)) == b"42"

    assert "/x" in caplog.text
    assert "abc" not in caplog.text


@pytest.mark.parametrize("timeout", [None, float("nan"), "5", float("inf")])
def test_a_client_s_timeout_is_a_number(timeout: Any) -> None:
    with pytest.raises(ValueError, match="seconds"):
        Client("https://api.example.com", "nl_key", timeout=timeout)
    if timeout is not None:
        with pytest.raises(ValueError, match="seconds"):
            Script(ACCEPTED).client().with_options(timeout=timeout)


@pytest.mark.parametrize("wait", [float("nan"), "5"])
def test_a_wait_is_a_number(wait: Any) -> None:
    with pytest.raises(ValueError, match="number of seconds"):
        Script(ACCEPTED).client().call("echo", wait=wait)


def test_durations_may_be_timedeltas() -> None:
    second = timedelta(seconds=1)
    client = Script(httpx.Response(202, json=job("running"))).client(timeout=second)

    with pytest.raises(WaitTimeout, match="after 1 s"):
        client.call("echo", wait=second, timeout=second)


def test_a_head_request_is_sent_once() -> None:
    script = Script(httpx.Response(200, headers={"content-type": "application/json"}))
    reply = script.client().request("HEAD", "/jobs/1")

    assert (reply.status, reply.body, len(script.requests)) == (200, b"", 1)


@pytest.mark.parametrize("base", ["https://api.example.com", "https://api.example.com/v1"])
def test_links_of_the_api_keep_the_path_of_its_url(base: str) -> None:
    script = Script(httpx.Response(200, json={"jobs": [job()], "next": f"{base}/jobs?cursor=1"}))
    http = httpx.Client(transport=httpx.MockTransport(script))
    client = Client(base, "nl_key", http_client=http)

    assert len(list(client.jobs(limit=2))) == 2
    client.request("GET", f"{base}/jobs/v1/x")

    paths = [f"{request.url}".removeprefix(base) for request in script.requests]
    assert paths == ["/jobs?limit=2", "/jobs?cursor=1", "/jobs/v1/x"]


def test_a_strict_wait_is_at_least_a_second_and_longer_than_the_client_s_timeout() -> None:
    script = Script(httpx.Response(200, json=1))
    client = script.client(timeout=2)
    for wait in (0, 0.3, 7.9):
        client.call("echo", wait=wait, strict=True)
    client.call("echo", wait=7.9)

    preferred = [request.headers["prefer"] for request in script.requests]
    assert preferred == [f"wait={n}, handling=strict" for n in (1, 1, 7)] + ["wait=1"]


@pytest.mark.parametrize("empty", [[], (), "", set()])
@pytest.mark.parametrize("name", ["status", "operation"])
def test_a_filter_that_is_empty_does_not_mean_all(name: str, empty: Any) -> None:
    script = Script(httpx.Response(200, json={"jobs": [], "next": None}))
    filters: Any = {name: empty}

    with pytest.raises(ValueError, match=f"{name} is (an )?empty"):
        list(script.client().jobs(**filters))

    assert not script.requests
