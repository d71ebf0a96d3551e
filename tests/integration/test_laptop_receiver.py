"""The receiver of `make up`: many webhooks at once, rotated secrets, and what is no webhook."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

from local.receiver import Receiver
from local.terminal import Terminal
from nowlater.notifications import signing

SECRET = signing.secret(b"master", "acme", "localhost", 0)
BODY = b'{"data": {}}'


def signed(body: bytes = BODY, secret: str = SECRET, event: str = "event") -> dict[str, str]:
    return signing.headers(event, int(time.time()) * 1000, body, [secret])


class Api:
    """The route of the secret, of a stack whose secrets the test rotates; it counts requests."""

    def __init__(self) -> None:
        self.secrets = [SECRET]
        self.asked = 0
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                api.asked += 1
                time.sleep(0.2)
                current, *previous = api.secrets
                shown = {"secret": current, "previous": [{"secret": one} for one in previous]}
                self.send_response(200)
                self.end_headers()
                self.wfile.write(json.dumps(shown).encode())

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def api() -> Iterator[Api]:
    api = Api()
    threading.Thread(target=api.server.serve_forever, daemon=True).start()
    yield api
    api.server.shutdown()
    api.server.server_close()


@pytest.fixture
def receiver(api: Api, tmp_path: Path) -> Iterator[Receiver]:
    # No port comes after the last one: it takes a free port.
    receiver = Receiver(65535, api.url, "key", Terminal(tmp_path / "output.log"))
    threading.Thread(target=receiver.run, daemon=True).start()
    yield receiver
    receiver._server.shutdown()
    receiver._server.server_close()


def post(receiver: Receiver, event: str = "event", secret: str = SECRET) -> requests.Response:
    headers = signed(secret=secret, event=event)
    return requests.post(receiver.url, BODY, headers=headers, timeout=30)


def test_many_webhooks_at_once_ask_for_the_secret_once(api: Api, receiver: Receiver) -> None:
    with ThreadPoolExecutor(30) as pool:
        found = list(pool.map(lambda n: post(receiver, event=f"event-{n}"), range(60)))

    assert Counter(response.status_code for response in found) == {204: 60}
    assert api.asked == 1


def test_after_a_rotation_new_and_old_secrets_are_accepted(api: Api, receiver: Receiver) -> None:
    new = signing.secret(b"master", "acme", "localhost", 1)
    before = post(receiver)
    api.secrets = [new, SECRET]
    after = [post(receiver, secret=new), post(receiver)]
    api.secrets = [new]
    other = post(receiver, secret=signing.secret(b"master", "acme", "localhost", 2))
    ended = post(receiver)

    assert [one.status_code for one in (before, *after, other, ended)] == [204, 204, 204, 401, 401]


def test_without_the_api_a_webhook_is_to_be_sent_again(api: Api, receiver: Receiver) -> None:
    api.secrets = []
    response = post(receiver)

    assert (response.status_code, "did not give the secret" in response.text) == (503, True)


def test_a_webhook_that_comes_again_is_said_to(
    receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    assert [post(receiver).status_code for _ in range(2)] == [204, 204]
    said = capsys.readouterr().out

    assert said.count("its signature is valid") == 2
    assert said.count("its webhook-id came 2 times: handle it once") == 1
    assert "its webhook-id came 2 times" in receiver.page().decode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no JSON \x1b[2J\x00\xff",
        b"[" * 100_000 + b"]" * 100_000,
        b'{"data":{"operation":"<script>","id":1,"status":"x","error":null}}',
        b'"' + b"a" * (2**20 - 2) + b'"',
    ],
)
def test_whatever_a_body_is_it_is_received_and_shown_as_text(
    receiver: Receiver, capsys: pytest.CaptureFixture[str], body: bytes
) -> None:
    headers = signed(body)
    response = requests.post(receiver.url, body, headers=headers, timeout=30)
    said = capsys.readouterr().out

    assert response.status_code == 204
    assert len(said) < 1000
    assert not set("\x1b\x00") & set(said)
    assert b"<script>" not in receiver.page()
    assert len(json.loads(receiver.listed())["webhooks"]) == 1


@pytest.mark.parametrize(
    ("method", "body", "status", "fault"),
    [
        ("POST", b" " * 2**20 * 10, 413, "its body has 10485760 bytes, and may have 1048576"),
        ("POST", iter([b"{}"]), 411, "it has no Content-Length"),
        ("PUT", BODY, 405, "it is a PUT: send webhooks by POST"),
        ("DELETE", None, 405, "it is a DELETE: send webhooks by POST"),
    ],
)
def test_what_is_no_webhook_is_refused_and_said(
    receiver: Receiver,
    capsys: pytest.CaptureFixture[str],
    method: str,
    body: Any,
    status: int,
    fault: str,
) -> None:
    response = requests.request(method, receiver.url, data=body, timeout=30)

    assert (response.status_code, response.text) == (status, f"{fault}\n")
    assert capsys.readouterr().out == f"webhook: refused with {status}: {fault}\n"
    assert json.loads(receiver.listed()) == {"webhooks": []}
    assert requests.head(receiver.url, timeout=30).status_code == 200
