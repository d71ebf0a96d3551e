"""What is refused over HTTP, and what other owners see: nothing."""

import gzip
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.e2e.client import Client
from tests.e2e.served import Served, make_key, tool

TEXT = {"text": "To be, or not to be."}
JSON = {"Content-Type": "application/json"}
BODY = b'{"input": {"text": "To be, or not to be."}}'
DEEP = '{"input": ' + "[" * 100_000 + "]" * 100_000 + "}"
REFUSED: dict[str, tuple[str, str, dict[str, Any], int, str]] = {
    "no JSON": ("POST", "/async/text-stats", {"data": "{"}, 400, "malformed-request"),
    "no object": ("POST", "/async/text-stats", {"json": [1]}, 400, "malformed-request"),
    "too deep": ("POST", "/async/text-stats", {"data": DEEP}, 400, "malformed-request"),
    "no such option": (
        *("POST", "/async/text-stats", {"json": {"input": TEXT, "when": 1}}),
        *(400, "malformed-request"),
    ),
    "a bad cursor": ("GET", "/jobs?cursor=x", {}, 400, "malformed-request"),
    "an option of other doors": (
        *("POST", "/sync/text-stats", {"json": {"input": TEXT, "retention": 3600}}),
        *(400, "malformed-request"),
    ),
    "no such route": ("GET", "/nowhere", {}, 404, "unknown-route"),
    "no such operation": ("POST", "/async/nothing", {"json": {}}, 404, "unknown-operation"),
    "no such job": ("GET", "/jobs/1", {}, 404, "unknown-job"),
    "not JSON by its type": (
        *("POST", "/async/text-stats", {"data": "x", "headers": {"Content-Type": "text/csv"}}),
        *(415, "unsupported-media-type"),
    ),
    "a member that is there twice": (
        *("POST", "/async/text-stats", {"data": '{"input": {"text": "a"}, "input": {}}'}),
        *(400, "malformed-request"),
    ),
    "a byte order mark": (
        *("POST", "/sync/text-stats", {"data": b"\xef\xbb\xbf" + BODY}),
        *(400, "malformed-request"),
    ),
    "a compressed body": (
        *("POST", "/async/text-stats"),
        {"data": gzip.compress(BODY), "headers": {**JSON, "Content-Encoding": "gzip"}},
        *(415, "unsupported-media-type"),
    ),
    "another charset": (
        *("POST", "/async/text-stats"),
        {"data": BODY, "headers": {"Content-Type": "application/json; charset=utf-16"}},
        *(415, "unsupported-media-type"),
    ),
    "an id that is none": ("GET", "/jobs/%00", {}, 404, "unknown-job"),
    "an id that leads elsewhere": ("GET", "/jobs/..%5C..%5Cx", {}, 404, "unknown-job"),
    "too large": (
        *("POST", "/async/text-stats", {"json": {"input": {"text": "x" * 1_100_000}}}),
        *(413, "too-large"),
    ),
    "an input of another form": (
        *("POST", "/async/text-stats", {"json": {"input": {"text": 1}}}),
        *(422, "invalid-input"),
    ),
    "a time that has passed": (
        *(
            "POST",
            "/async/text-stats",
            {"json": {"input": TEXT, "start": {"at": "2020-01-01T00:00:00Z"}}},
        ),
        *(422, "impossible-time"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_requests_get_their_problem(api: Client, case: str) -> None:
    method, path, sent, status, name = REFUSED[case]
    if "data" in sent:
        sent = {"headers": JSON} | sent
    answer = api.call(method, path, **sent)

    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = json.loads(answer.text)
    assert problem["type"] == f"{api.url}/problems/{name}"
    assert problem["status"] == status
    assert api.get(problem["type"]).json()["title"] == problem["title"]


def test_a_body_in_chunks_is_taken(api: Client) -> None:
    pieces = (BODY[:9], BODY[9:20], BODY[20:])
    answer = api.call("POST", "/sync/text-stats", data=iter(pieces), headers=JSON)

    assert answer.request.headers["Transfer-Encoding"] == "chunked"
    assert (answer.status_code, answer.json()["words"]) == (200, 6)


def test_a_long_query_is_taken_and_an_unknown_parameter_refused(api: Client) -> None:
    taken = api.get("/jobs", params=[("limit", "1"), ("tag", "a:" + "é" * 900), ("tag", "b:1,2")])
    refused = api.get("/jobs", params={"limit": "1", "x" * 100: "é" * 900})

    assert (taken.status_code, taken.json()["jobs"]) == (200, [])
    assert (refused.status_code, refused.headers["X-Content-Type-Options"]) == (400, "nosniff")


def test_another_method_is_told_from_those_that_there_are(api: Client) -> None:
    answer = api.call("PUT", "/jobs")

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")


def test_no_host_that_a_caller_names_has_this_api_call_itself(api: Client) -> None:
    body = {"input": TEXT, "callback": {"url": f"{api.url}/async/text-stats"}}
    for host in ("evil.example", "localhost:1", "127.0.0.1:1"):
        headers = {"Host": host, "X-Forwarded-Port": "1"}
        answer = api.call("POST", "/async/text-stats", json=body, headers=headers)

        assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (
            422,
            "callback-refused",
        )
        assert host not in str(answer.json())


def test_without_a_good_key_nothing_is_served_but_what_describes_the_api(api: Client) -> None:
    for key, status in ((None, 401), ("nl_0123456789ab_" + "x" * 43, 403)):
        stranger = Client(api.url, key)

        assert stranger.ask("sync", "text-stats", TEXT).status_code == status
        assert stranger.get("/jobs").status_code == status
        assert stranger.get("/health").json() == {"status": "ok"}
        for path in ("/openapi.json", "/asyncapi.json", "/docs", "/docs/start.js"):
            assert stranger.get(path).status_code == 200
        stranger.close()


@pytest.fixture(scope="module")
def other(served: Served) -> Iterator[Client]:
    """A caller whose key `make key` made for another owner."""
    client = Client(served.connection()["url"], make_key(served, "--owner", "other"))
    yield client
    client.close()


def test_another_owners_job_is_nowhere_to_be_found(api: Client, other: Client) -> None:
    job = api.ended(api.submit("text-stats", TEXT))
    path = f"/jobs/{job['id']}"
    routes = [("GET", path), ("GET", f"{path}/result"), ("DELETE", path)]
    routes += [("POST", f"{path}/cancel"), ("POST", f"{path}/retry")]
    answers = [other.call(method, route) for method, route in routes]

    assert [a.status_code for a in answers] == [404] * len(routes)
    assert all(a.json()["type"].endswith("unknown-job") for a in answers)
    assert other.get("/jobs").json()["jobs"] == []
    assert api.get(path).json() == job


def test_a_key_is_listed_and_revoked_and_may_do_only_what_it_was_made_for(
    served: Served, other: Client
) -> None:
    token = make_key(served, "--owner", "reader", "--scopes", "read", "--days", "1")
    key_id = token.split("_")[1]
    reader = Client(served.connection()["url"], token)
    refused, read = reader.ask("sync", "text-stats", TEXT), reader.get("/jobs")
    reader.close()
    listed = make_key(served, "--list")
    make_key(served, "--revoke", key_id)

    assert (refused.status_code, read.status_code) == (403, 200)
    assert refused.json()["scope"] == "invoke"
    assert f"{key_id}  reader  read  until " in listed
    assert token.split("_", 2)[2] not in listed
    assert key_id not in make_key(served, "--list")


def test_a_key_is_rotated_without_a_gap(served: Served) -> None:
    old = make_key(served, "--owner", "rotating", "--scopes", "read,invoke", "--days", "30")
    new = make_key(served, "--rotate", old.split("_")[1])
    listed = {line.split()[0]: line.split() for line in make_key(served, "--list").splitlines()}
    ends = {key: datetime.fromisoformat(listed[key.split("_")[1]][4]) for key in (old, new)}
    callers = [Client(served.connection()["url"], key) for key in (old, new)]
    answers = [caller.get("/jobs").status_code for caller in callers]
    for caller in callers:
        caller.close()

    assert answers == [200, 200]
    assert listed[new.split("_")[1]][1:3] == ["rotating", "read,invoke"]
    assert round((ends[new] - ends[old]) / timedelta(days=1)) == 29


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rotate", "0123456789ab"], "There is no key 0123456789ab"),
        (["--revoke", "0123456789ab"], "There is no key 0123456789ab"),
        (["--owner", "a b"], "cannot be an owner"),
        (["--owner", "a", "--days", "0"], "DAYS=0 must be a whole number"),
        (["--owner", "a", "--scopes", "all"], "scopes are some of"),
    ],
)
def test_what_cannot_be_done_with_keys_is_said(
    served: Served, arguments: list[str], said: str
) -> None:
    done = tool(served.folder, "key", *arguments)

    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
