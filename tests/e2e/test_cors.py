"""Pages of other origins, as a browser asks for them (Fetch standard, CORS protocol)."""

import pytest
import requests

from tests.e2e.client import Client
from tests.e2e.conftest import WEB_ORIGINS
from tests.e2e.served import Served

STRANGER = "https://stranger.example.com"


def preflight(api: Client, path: str, origin: str, method: str, *headers: str) -> requests.Response:
    """Ask as a browser does before a page's request."""
    asked = {"Origin": origin, "Access-Control-Request-Method": method}
    if headers:
        asked["Access-Control-Request-Headers"] = ",".join(headers)
    return api.call("OPTIONS", path, headers=asked)


def listed(answer: requests.Response, name: str) -> set[str]:
    given = answer.headers.get(f"Access-Control-{name}", "")
    return {item.strip().lower() for item in given.split(",") if item.strip()}


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("origin", WEB_ORIGINS)
@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/hybrid/text-stats", ("authorization", "content-type", "prefer")),
        ("POST", "/async/text-stats", ("authorization", "content-type", "idempotency-key")),
        ("GET", "/jobs", ("authorization", "if-none-match")),
        ("HEAD", "/jobs", ("authorization",)),
        ("DELETE", "/jobs/019ac1d2-7b5e-7c31-8f44-5d1f3b0a9e77", ("authorization",)),
    ],
)
def test_a_page_of_an_allowed_origin_may_ask(
    api: Client, origin: str, method: str, path: str, headers: tuple[str, ...]
) -> None:
    answer = preflight(api, path, origin, method, *headers)

    assert answer.status_code in (200, 204)
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert method.lower() in listed(answer, "Allow-Methods")
    assert set(headers) <= listed(answer, "Allow-Headers")


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize("origin", WEB_ORIGINS)
def test_its_page_may_read_the_answers_headers(api: Client, origin: str) -> None:
    given = {"input": {"text": "To be"}}
    answer = api.call("POST", "/async/text-stats", json=given, headers={"Origin": origin})

    assert answer.status_code == 202
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    assert listed(answer, "Expose-Headers") == {
        *("content-location", "etag", "idempotency-replayed", "location", "operation-location"),
        *("preference-applied", "ratelimit", "ratelimit-policy", "retry-after"),
    }


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    "origin", [STRANGER, "http://app.example.com", "https://app.example.com:1"]
)
def test_a_page_of_another_origin_may_not(api: Client, origin: str) -> None:
    asked = preflight(api, "/jobs", origin, "GET", "authorization")
    answer = api.call("GET", "/health", headers={"Origin": origin})

    assert "Access-Control-Allow-Origin" not in asked.headers
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_bucket_takes_uploads_and_gives_results_of_such_a_page(served: Served) -> None:
    rules = served.client("s3").get_bucket_cors(Bucket=served.stack().ids["Bucket"])["CORSRules"]

    # The console's origin cannot be named there; a presigned URL is itself the right to the object.
    assert [rule["AllowedOrigins"] for rule in rules] == [["*"]]
    assert [set(rule["AllowedMethods"]) for rule in rules] == [{"GET", "PUT"}]
