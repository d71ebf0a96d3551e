"""Callbacks in the envelope: which are taken, and how the others are refused."""

from typing import Any

import msgspec
import pytest

from nowlater.doors import envelope, idempotency
from tests.integration.world import World

GOOD = "https://hooks.example.com/nowlater"
#: Of `echo` with a callback to that URL alone, as the code made it before callbacks had a format.
FINGERPRINT = "5130cf7278fc8bb039fe7a04fd57c5236d1795b60377e3267d7e8354370a3677"


@pytest.mark.parametrize(
    "callback",
    [
        {"url": GOOD},
        {"url": GOOD, "events": ["failed"]},
        {"url": GOOD, "format": "application/cloudevents+json"},
        {"url": GOOD, "events": ["succeeded", "failed", "canceled"]},
        {"url": "https://hooks.example.com:443/"},
        {"url": "https://hooks.example.com/a?b=c"},
    ],
)
def test_a_public_https_url_is_taken(world: World, callback: dict[str, Any]) -> None:
    assert world.submit("echo", {"value": 1}, callback=callback).status == 202


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.com/",
        "https://hooks.example.com:8443/",
        "https://10.0.0.1/",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/",
        "https://user@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://api.example.com/async/echo",
        "https://API.example.com./",
        "ftp://hooks.example.com/",
        "hooks.example.com",
        "",
        "https://" + "x" * 2050 + ".com/",
        "https://hooks.example.com/\x00",
        "https://hooks.example.com/\ud800",
        "https://hoоks.example.com/",
    ],
)
@pytest.mark.parametrize("door", ["submit", "hybrid"])
def test_any_other_is_refused_with_what_to_send_instead(world: World, url: str, door: str) -> None:
    ask = world.submit if door == "submit" else world.hybrid
    answer = ask("echo", {"value": 1}, callback={"url": url})

    assert answer.status in (400, 422)
    assert answer.problem in ("callback-refused", "malformed-request")
    assert answer.problem == "callback-refused" or not url.isprintable() or "\ud800" in url
    assert world.counts() == (0, 0, 0)


#: Hosts of this API: that of the sample events, and those that AWS gives to its id.
OWN = (
    "api.example.com",
    "API.Example.COM",
    "api.example.com:443",
    "a1b2c3d4e5.execute-api.eu-central-1.amazonaws.com",
    "A1B2C3D4E5.execute-api.us-east-1.amazonaws.com",
    "a1b2c3d4e5.execute-api.cn-north-1.amazonaws.com.cn",
)
#: Other ways to write them: no host at all, to us.
ODD = (
    "api.example.com.",
    "%61pi.example.com",
    "api%2eexample.com",
    "ａpi.example.com",
    "api。example.com",
)


@pytest.mark.parametrize("host", OWN)
@pytest.mark.parametrize("public_url", ["", "https://jobs.example.org/v1"])
@pytest.mark.parametrize("named", ["evil.example", "api.example.com", "hooks.example.com:8443"])
def test_this_api_is_not_called_whatever_host_a_request_names(
    world: World, host: str, public_url: str, named: str
) -> None:
    for name in ("submit", "hybrid"):
        world.app(name).api._public_url = public_url
    callback = {"url": f"https://{host}/async/echo"}
    body = {"input": {"value": 1}, "callback": callback}
    try:
        replies = [
            world.call(door, operation="echo", body=body, headers={"host": named})
            for door in ("submit", "hybrid")
        ]
    finally:
        for name in ("submit", "hybrid"):
            world.app(name).api._public_url = ""

    assert {reply.problem for reply in replies} == {"callback-refused"}
    assert all("belongs to this API" in reply.json["detail"] for reply in replies)
    assert world.counts() == (0, 0, 0)


@pytest.mark.parametrize("host", ODD)
def test_another_spelling_of_our_host_is_no_host(world: World, host: str) -> None:
    answer = world.submit("echo", {"value": 1}, callback={"url": f"https://{host}/async/echo"})

    assert answer.problem == "callback-refused"


def test_the_public_url_is_our_own_too(world: World) -> None:
    world.app("submit").api._public_url = "https://Jobs.example.org:443/v1"
    try:
        answer = world.submit("echo", {"value": 1}, callback={"url": "https://jobs.example.org/"})
    finally:
        world.app("submit").api._public_url = ""

    assert "belongs to this API" in answer.json["detail"]


def test_the_api_of_others_may_be_called(world: World) -> None:
    url = "https://b1b2c3d4e5.execute-api.eu-central-1.amazonaws.com/"

    assert world.submit("echo", {"value": 1}, callback={"url": url}).status == 202


def test_the_problem_points_at_the_url(world: World) -> None:
    answer = world.submit("echo", {"value": 1}, callback={"url": "http://hooks.example.com/"})

    assert answer.json["pointer"] == "/callback/url"
    assert answer.json["detail"].startswith("/callback/url: Webhooks are sent only by https")


@pytest.mark.parametrize(
    ("callback", "pointer"),
    [
        ("https://hooks.example.com/", "/callback"),
        ({}, "/callback"),
        ({"url": 1}, "/callback/url"),
        ({"url": None}, "/callback/url"),
        ({"url": GOOD, "events": []}, "/callback/events"),
        ({"url": GOOD, "events": "failed"}, "/callback/events"),
        ({"url": GOOD, "events": ["failed", "queued"]}, "/callback/events/1"),
        ({"url": GOOD, "events": ["failed"] * 4}, "/callback/events"),
        ({"url": GOOD, "secret": "x"}, "/callback/secret"),
        ({"url": GOOD, "format": "text/plain"}, "/callback/format"),
        ({"url": GOOD, "format": None}, "/callback/format"),
    ],
)
def test_a_callback_of_another_form_is_malformed_at_its_pointer(
    world: World, callback: Any, pointer: str
) -> None:
    answer = world.submit("echo", {"value": 1}, callback=callback)

    assert (answer.problem, answer.json["pointer"]) == ("malformed-request", pointer)


def test_the_fingerprint_of_a_callback_without_a_format_is_what_it_was_before_there_was_one() -> (
    None
):
    asked = envelope.parse_envelope({"input": {"value": 1}, "callback": {"url": GOOD}})

    assert b"format" not in msgspec.json.encode(asked)
    assert idempotency.fingerprint("echo", asked) == FINGERPRINT


def test_no_callback_is_none(world: World) -> None:
    assert world.submit("echo", {"value": 1}, callback=None).status == 202


def test_the_same_key_with_another_callback_is_another_request(world: World) -> None:
    world.submit("echo", {"value": 1}, key="k", callback={"url": GOOD})
    again = world.submit("echo", {"value": 1}, key="k", callback={"url": GOOD + "/2"})

    assert again.problem == "idempotency-key-reused"


def test_where_a_job_calls_back_does_not_show_in_it(world: World) -> None:
    job = world.submit("echo", {"value": 1}, callback={"url": GOOD}).json

    assert "hooks.example.com" not in str(job)
