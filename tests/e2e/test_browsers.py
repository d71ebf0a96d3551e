"""What browsers, caches and monitors rely on, through real HTTP: HEAD beside every GET."""

import pytest
import requests

from tests.e2e.client import Client
from tests.e2e.patience import PATIENCE_S
from tests.routes import BY_ID, ROWS, path

READS = [route.id for route in BY_ID.values() if route.method == "GET"]
#: What is of one connection, of one moment, or counts the bytes that were sent.
_OF_ONE_ANSWER = {"date", "content-length", "connection", "transfer-encoding"}


@pytest.fixture(scope="module")
def job(api: Client) -> str:
    """A job that has ended, whose callback was sent something."""
    callback = {"url": "http://127.0.0.1:9/hooks"}
    asked = api.submit("text-stats", {"text": "To be."}, callback=callback)
    return str(api.ended(asked)["id"])


def visible_headers(answer: requests.Response) -> dict[str, str]:
    """Return the headers that are of the answer itself."""
    headers = {name.lower(): value for name, value in answer.headers.items()}
    ours = headers.keys() - _OF_ONE_ANSWER
    return {name: headers[name] for name in ours if not name.startswith(("x-amz", "apigw"))}


@pytest.mark.parametrize("route", READS)
def test_every_get_has_a_head_without_a_body(api: Client, job: str, route: str) -> None:
    asked = path(BY_ID[route], job) + ("?host=127.0.0.1" if route == "getSecret" else "")
    get, head = api.get(asked), api.call("HEAD", asked)

    assert get.status_code == ROWS[route].good
    assert get.content
    assert (head.status_code, head.content) == (get.status_code, b"")
    assert visible_headers(head) == visible_headers(get)


@pytest.mark.parametrize("route", [r for r in READS if BY_ID[r].scope is not None])
def test_a_head_needs_the_key_that_its_get_needs(api: Client, job: str, route: str) -> None:
    answer = requests.head(api.url + path(BY_ID[route], job), timeout=PATIENCE_S)

    assert (answer.status_code, answer.content) == (401, b"")


def test_a_monitor_without_a_key_sees_that_the_api_answers(api: Client) -> None:
    answer = requests.head(f"{api.url}/health", timeout=PATIENCE_S)

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"] == "application/json"


def test_what_takes_no_get_takes_no_head(api: Client) -> None:
    answers = [api.call("HEAD", place) for place in ("/nowhere", "/sync/text-stats", "/uploads")]

    assert [(a.status_code, a.content) for a in answers] == [(404, b""), (405, b""), (405, b"")]
