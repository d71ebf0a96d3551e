"""Webhooks over real sockets: each way in which a receiver can fail, and what comes of it."""

import json
import ssl
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
from standardwebhooks import Webhook

from tests import receiver as plays
from tests.e2e.client import Client
from tests.e2e.patience import PATIENCE_S, eventually
from tests.e2e.served import Served, tool
from tests.receiver import Behaviour, Received, Receiver


@dataclass(frozen=True)
class Mode:
    """How a receiver takes the first try, and what the log says of it."""

    play: Behaviour
    status: int | None = None
    failure: str | None = None
    tries: int = 2
    state: str = "delivered"
    tls: bool = False


MODES = {
    "500": Mode(plays.answer(500), 500),
    "429 with Retry-After": Mode(plays.busy("7"), 429),
    "503 with Retry-After": Mode(plays.busy("7", 503), 503),
    "410": Mode(plays.gone, 410, tries=1, state="given-up"),
    "301": Mode(plays.redirect("http://127.0.0.1:9/"), 301),
    "reset": Mode(plays.reset, None, "broken"),
    "half a head": Mode(plays.half_a_head, None, "broken"),
    "no answer": Mode(plays.hang, None, "timed-out"),
    "slow loris": Mode(plays.slow_loris, None, "timed-out"),
    "a certificate of nobody": Mode(plays.ok, None, "tls", state="waiting", tls=True),
    "10 MB": Mode(plays.large, 200, tries=1),
    "endless body": Mode(plays.endless_body, 200, tries=1),
    "compressed bomb": Mode(plays.bomb, 200, tries=1),
    "empty 200": Mode(plays.empty, 200, tries=1),
}


@dataclass
class Story:
    """What happened to the webhook of one job."""

    job: Any
    delivery: Any
    received: list[Received]


@pytest.fixture(scope="module")
def stories(api: Client) -> Iterator[dict[str, Story]]:
    """One job for each mode, all at once, until their deliveries have come as far as they do."""
    with ExitStack() as closing:
        begun = {name: _begun(api, name, closing) for name in MODES}
        yield {name: _ended(api, name, closing, *begun[name]) for name in MODES}


def _begun(api: Client, name: str, closing: ExitStack) -> tuple[Any, Receiver]:
    """Submit a job that calls a receiver of this mode."""
    mode = MODES[name]
    made = Receiver([mode.play, plays.ok], tls=_tls() if mode.tls else None)
    receiver = closing.enter_context(made)
    callback = {"url": receiver.url("/hooks?a=b")}
    return api.submit("text-stats", {"text": name}, callback=callback, tags={"mode": "x"}), receiver


def _ended(api: Client, name: str, closing: ExitStack, job: Any, receiver: Receiver) -> Story:
    """Wait for what comes of a webhook; begin again where a busy machine ended a try before its record."""
    for _ in range(3):
        delivery = _until(api, job, MODES[name].tries)
        if delivery["count"] >= len(receiver.requests):
            break
        job, receiver = _begun(api, name, closing)
    return Story(job, delivery, receiver.requests)


def _tls() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


def _until(api: Client, job: Any, tries: int) -> Any:
    """Return a job's delivery once it was tried so often, or is over."""

    def deliveries() -> Any:
        answer = api.get(f"{job['links']['self']}/deliveries")
        assert answer.status_code == 200, answer.text
        return answer.json()["deliveries"]

    def is_enough(found: Any) -> bool:
        return found and (found[0]["count"] >= tries or found[0]["state"] != "waiting")

    return eventually(deliveries, is_enough)[0]


def verified(api: Client, got: Received) -> Any:
    """Return the event of a webhook, checked as a receiver in Python checks it."""
    secret = api.get("/webhooks/secret?host=127.0.0.1").json()["secret"]
    return Webhook(secret).verify(got.body, got.headers)


@pytest.mark.parametrize("name", MODES)
def test_the_log_says_how_the_first_try_went(stories: dict[str, Story], name: str) -> None:
    mode, made = MODES[name], stories[name].delivery["attempts"][0]

    assert (made["status"], (made["failure"] or {}).get("name")) == (mode.status, mode.failure)
    assert made["latency_ms"] < plays.MAX_S * 1000, "the receiver has ended it"
    assert made["size"] <= 65_536


@pytest.mark.parametrize("name", MODES)
def test_who_failed_once_gets_it_on_the_next_try(stories: dict[str, Story], name: str) -> None:
    mode, story = MODES[name], stories[name]

    assert story.delivery["state"] == mode.state
    assert story.delivery["count"] == mode.tries
    assert {r.headers["webhook-id"] for r in story.received} <= {f"{story.job['id']}/succeeded"}
    assert len({r.headers["webhook-timestamp"] for r in story.received}) == len(story.received)
    assert len(story.received) == (0 if mode.tls else mode.tries)


@pytest.mark.parametrize("name", [n for n, m in MODES.items() if not m.tls])
def test_each_try_is_signed(api: Client, stories: dict[str, Story], name: str) -> None:
    for got in stories[name].received:
        event = verified(api, got)

        assert event["type"] == "nowlater.job.succeeded"
        assert event["data"]["id"] == stories[name].job["id"]


@pytest.mark.parametrize("name", ["429 with Retry-After", "503 with Retry-After"])
def test_retry_after_is_honoured(stories: dict[str, Story], name: str) -> None:
    first, second = stories[name].received

    assert second.at - first.at >= 7, "the first wait is else of 5 s"


def test_a_request_is_an_honest_one(stories: dict[str, Story]) -> None:
    (got,) = stories["empty 200"].received

    assert (got.method, got.path) == ("POST", "/hooks?a=b")
    assert got.headers["host"].startswith("127.0.0.1:")
    assert got.headers["content-type"] == "application/json"
    assert got.headers["user-agent"].startswith("nowlater")
    assert json.loads(got.body)["specversion"] == "1.0"


def test_down_for_many_tries_it_gets_the_next_under_the_same_id(api: Client) -> None:
    """The later tries are asked for: their times are hours apart."""
    down = 4
    with Receiver([plays.busy("3600", 503)] * down + [plays.ok]) as receiver:
        job = api.submit("echo", {"value": 1}, callback={"url": receiver.url()})
        for tried in range(1, down + 1):
            delivery = _until(api, job, tried)
            assert delivery["state"] == "waiting"
            time.sleep(1)  # timestamps are in seconds
            assert api.call("POST", delivery["links"]["replay"]).status_code == 202
        delivery = _until(api, job, down + 1)
        stamps = [r.headers["webhook-timestamp"] for r in receiver.requests]

    assert delivery["state"] == "delivered"
    assert [t["status"] for t in delivery["attempts"]] == [503] * down + [200]
    assert {r.headers["webhook-id"] for r in receiver.requests} == {f"{job['id']}/succeeded"}
    assert stamps == sorted(set(stamps))
    assert verified(api, receiver.requests[-1])["data"]["id"] == job["id"]


def test_after_a_rotation_old_and_new_secret_verify(api: Client) -> None:
    old = api.get("/webhooks/secret?host=127.0.0.1").json()["secret"]
    assert api.call("POST", "/webhooks/secret/rotate").status_code == 200
    new = api.get("/webhooks/secret?host=127.0.0.1").json()["secret"]
    time.sleep(11)  # for so long, a running Lambda may know only the old one
    with Receiver() as receiver:
        api.submit("echo", {"value": 1}, callback={"url": receiver.url()})
        (got,) = receiver.wait(1, within_s=PATIENCE_S)

    assert old != new
    for secret in (old, new):
        assert Webhook(secret).verify(got.body, got.headers)


@pytest.mark.nightly
def test_a_dead_host_delays_no_other_webhook(api: Client) -> None:
    """Each try at the dead one takes its whole time; its breaker then leaves it alone."""
    with Receiver([plays.hang]) as dead, Receiver() as alive:
        for _ in range(40):
            api.submit("echo", {"value": 1}, callback={"url": dead.url()})
        time.sleep(3)
        api.submit("echo", {"value": 1}, callback={"url": alive.url()})
        alive.wait(1, within_s=PATIENCE_S)

        assert dead.connections < 40, "it came after all of the others"


def redrive(served: Served, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run what `make redrive` runs."""
    return tool(served.folder, "redrive", *arguments)


def test_what_was_given_up_is_listed_and_sent_again_in_bulk(api: Client, served: Served) -> None:
    with Receiver([plays.gone, plays.gone, plays.ok]) as receiver:
        host = receiver.url().split("/")[2]
        callback = {"url": receiver.url()}
        jobs = [api.submit("echo", {"value": n}, callback=callback) for n in range(2)]
        for job in jobs:
            _until(api, job, 1)
        listed = redrive(served, "--host", host, "--list")
        assert listed.stderr == "2 deliveries are given up.\n"
        assert all(f"{job['id']}/succeeded" in listed.stdout for job in jobs)
        assert len(receiver.requests) == 2

        done = redrive(served, "--host", host)
        assert done.stderr == "2 deliveries are sent again within a few minutes.\n"
        served.sweep()
        delivered = [_until(api, job, 2)["state"] for job in jobs]
        again = redrive(served, "--host", host)

    assert delivered == ["delivered", "delivered"]
    assert again.stderr == (
        f"No webhook that was given up has HOST={host}: LIST=1 alone lists all.\n"
    )
    assert Counter(r.headers["webhook-id"] for r in receiver.requests) == {
        f"{job['id']}/succeeded": 2 for job in jobs
    }


def test_redrive_without_a_stack_says_what_to_do(served: Served, tmp_path: Path) -> None:
    done = redrive(served, "--home", str(tmp_path))

    assert done.returncode == 1
    assert "Start it first, or name a stack on AWS: STACK=nowlater" in done.stderr


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:127.0.0.1]/",
        "http://2130706433/",
        "http://localhost.example.com:80/",
        "file:///etc/passwd",
    ],
)
def test_a_callback_that_leads_inside_is_refused(api: Client, url: str) -> None:
    answer = api.ask("async", "echo", {"value": 1}, callback={"url": url})

    assert answer.status_code == 422
    assert answer.json()["type"].endswith("/callback-refused")
    assert answer.json()["pointer"] == "/callback/url"


def test_our_own_address_is_refused(api: Client) -> None:
    answer = api.ask("async", "echo", {"value": 1}, callback={"url": f"{api.url}/sync/echo"})

    assert answer.json()["type"].endswith("/callback-refused")


def test_what_has_no_key_sees_no_secret(api: Client) -> None:
    for method, path in (
        ("GET", "/webhooks/secret?host=x.com"),
        ("POST", "/webhooks/secret/rotate"),
    ):
        assert requests.request(method, api.url + path, timeout=PATIENCE_S).status_code == 401
