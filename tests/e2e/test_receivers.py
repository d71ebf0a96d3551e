"""The receivers of docs/notifications.md, in Python and in JavaScript, called back by real jobs."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
import requests

from local import emulator
from tests import snippets
from tests.e2e import nodejs
from tests.e2e.client import Client
from tests.e2e.patience import PATIENCE_S, eventually
from tests.receiver import Receiver

PAGE = "notifications.md"
HOST = "127.0.0.1"


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def secret(api: Client) -> str:
    return str(api.get(f"/webhooks/secret?host={HOST}").json()["secret"])


@contextmanager
def in_python(folder: Path, secret: str) -> Iterator[tuple[str, list[Any]]]:
    """Run webhook.py; yield its URL, and what it has taken."""
    taken: list[Any] = []
    with snippets.modules(PAGE, folder) as load:
        app = load("webhook").receiver(secret, taken.append)
        server = make_server(HOST, 0, app, handler_class=Quiet)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}/", taken
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@contextmanager
def in_javascript(folder: Path, secret: str) -> Iterator[tuple[str, list[Any]]]:
    """Run webhook.mjs; yield its URL, and what it has taken."""
    taken: list[Any] = []
    port, program = emulator.free_port(), nodejs.folder() / "webhook.mjs"
    program.write_text(snippets.snippets(PAGE)["webhook.mjs"])  # beside the packages it imports
    process = subprocess.Popen(
        [nodejs.NODE, program],
        env=os.environ | {"SECRET": secret, "PORT": str(port)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines = process.stdout
    reader = threading.Thread(
        target=lambda: taken.extend(map(json.loads, iter(lines.readline, ""))), daemon=True
    )
    reader.start()
    try:
        yield f"http://{HOST}:{port}/", taken
    finally:
        process.terminate()
        process.wait(10)
        reader.join(10)
        lines.close()


LANGUAGES = {"Python": in_python, "JavaScript": in_javascript}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_receiver_takes_what_is_signed(
    api: Client, secret: str, tmp_path: Path, language: str
) -> None:
    with LANGUAGES[language](tmp_path, secret) as (url, taken):
        job = api.submit("text-stats", {"text": "ſigned: é, 🦊"}, callback={"url": url})
        delivery = _delivered(api, job)

    assert [event["data"]["id"] for event in taken] == [job["id"]]
    assert taken[0]["type"] == "nowlater.job.succeeded"
    assert delivery["attempts"][-1]["status"] == 200


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_receiver_refuses_what_is_not(
    api: Client, secret: str, tmp_path: Path, language: str
) -> None:
    with Receiver() as genuine:
        api.submit("echo", {"value": 1}, callback={"url": genuine.url()})
        (got,) = genuine.wait(1, within_s=PATIENCE_S)
    signed = {k: v for k, v in got.headers.items() if k.startswith("webhook-")}
    other = signed | {"webhook-signature": "v1," + "A" * 43 + "="}
    old = signed | {"webhook-timestamp": str(int(signed["webhook-timestamp"]) - 400)}
    with LANGUAGES[language](tmp_path, secret) as (url, taken):
        eventually(lambda: _is_up(url))
        answers = [
            requests.post(url, got.body, headers=headers, timeout=PATIENCE_S).status_code
            for headers in (signed, {}, other, old)
        ]
        tampered = requests.post(
            url, got.body + b" ", headers=signed, timeout=PATIENCE_S
        ).status_code

    assert [*answers, tampered] == [200, 403, 403, 403, 403]
    assert len(taken) == 1


def test_the_call_of_the_page_works_as_it_stands(api: Client) -> None:
    (code,) = (block for block in _shell() if "/async/text-stats" in block)
    token = api.get("/health").request.headers["Authorization"]
    with Receiver() as receiver:
        code = code.replace("https://hooks.example.com/nowlater", receiver.url())
        done = subprocess.run(
            ["bash", "-c", code],
            env=os.environ | {"URL": api.url, "AUTH": f"Authorization: {token}"},
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE_S,
        )
        (got,) = receiver.wait(1, within_s=PATIENCE_S)

    assert " 202 " in done.stdout.splitlines()[0], done.stdout
    assert got.headers["webhook-id"].endswith("/succeeded")


def _shell() -> list[str]:
    text = (snippets.DOCS / PAGE).read_text()
    return [block.partition("```")[0] for block in text.split("```sh\n")[1:]]


def _delivered(api: Client, job: Any) -> Any:
    api.ended(job)
    url = f"{job['links']['self']}/deliveries"
    (delivery,) = eventually(
        lambda: api.get(url).json()["deliveries"],
        lambda found: [one["state"] for one in found] == ["delivered"],
    )
    return delivery


def _is_up(url: str) -> bool:
    try:
        requests.get(url, timeout=PATIENCE_S)
    except requests.ConnectionError:
        return False
    return True
