"""Every route over HTTP, as everybody who may or may not use it: what API Gateway does is in it."""

from typing import Any

import pytest
import requests

from nowlater import instants
from nowlater.access import api_keys
from nowlater.aws.table import Table
from tests import stack
from tests.e2e.client import Client
from tests.e2e.patience import PATIENCE_S, eventually
from tests.e2e.served import Served
from tests.issuer import Issuer, SigningKey
from tests.routes import BY_ID, ROWS, path

TEXT = {"text": "To be, or not to be."}
BODIES: dict[str, Any] = {
    **{door: {"input": {"value": "To be."}} for door in ("sync", "async", "hybrid")},
    "createUpload": {"size": 4},
}
KEYED = [route.id for route in BY_ID.values() if route.scope is not None]
OPEN = [route.id for route in BY_ID.values() if route.scope is None]


@pytest.fixture(scope="module")
def table(served: Served) -> Table:
    deployed = served.stack()
    return Table(deployed.outputs["TableName"], deployed.client("dynamodb"))


def made(table: Table, owner: str = "acme", **how: Any) -> str:
    return api_keys.issue(table, owner, now=instants.now(), **how)[1]


@pytest.fixture(scope="module")
def strangers(table: Table, issuer: Issuer) -> dict[str, tuple[str | None, int]]:
    """Who is not let in: what they show, and what API Gateway answers them."""
    now = instants.now()
    revoked, revoked_token = api_keys.issue(table, "acme", now=now)
    api_keys.revoke(table, revoked.id)
    good = made(table)
    return {
        "no key": (None, 401),
        "no key of ours": ("Bearer secret", 403),
        "no bearer": (f"Basic {good}", 403),
        "a made-up key": (f"Bearer nl_{'0' * 12}_{'x' * 43}", 403),
        "the secret of another key": (f"Bearer {good[:-43]}{revoked_token[-43:]}", 403),
        "an expired key": (f"Bearer {made(table, expires=now - 1)}", 403),
        "a revoked key": (f"Bearer {revoked_token}", 403),
        "an expired token": (f"Bearer {issuer.token(now - 10**6)}", 403),
        "a token for others": (f"Bearer {issuer.token(now, aud='others')}", 403),
        "a token with an unknown signature": (
            f"Bearer {issuer.token(now, SigningKey('one'))}",
            403,
        ),
    }


@pytest.fixture(scope="module")
def without(table: Table) -> dict[str, str]:
    """Keys for all but what one scope allows."""
    return {
        scope: made(table, scopes=tuple(s for s in api_keys.SCOPES if s != scope))
        for scope in api_keys.SCOPES
    }


@pytest.fixture(scope="module")
def others(table: Table, issuer: Issuer) -> dict[str, str]:
    """Other owners, who may do all with what is theirs."""
    now = instants.now()
    return {"key": made(table, "another"), "token": issuer.token(now, exp=now / 1000 + 86_400)}


def ask(url: str, route: str, authorization: str | None, job: str = "") -> requests.Response:
    """Call a route; its answer is not followed."""
    headers = {} if authorization is None else {"Authorization": authorization}
    query = "?host=127.0.0.1" if route == "getSecret" else ""
    return requests.request(
        BY_ID[route].method,
        url + path(BY_ID[route], job) + query,
        headers=headers,
        json=BODIES.get(route),
        allow_redirects=False,
        timeout=PATIENCE_S,
    )


def job_for(api: Client, route: str) -> str:
    """Return a job as the route wants it."""
    match ROWS[route].job:
        case "ended":
            callback = {"url": "http://127.0.0.1:9/hooks"}
            return str(api.ended(api.submit("text-stats", TEXT, callback=callback))["id"])
        case "unfinished":
            return str(api.submit("text-stats", TEXT, start={"after": 3600})["id"])
    return ""


def answered(answer: requests.Response) -> tuple[int, str | None]:
    if answer.headers.get("Content-Type") != "application/problem+json":
        return answer.status_code, None
    return answer.status_code, answer.json()["type"].rpartition("/")[2]


def test_every_route_of_the_template_is_asked_for() -> None:
    asked_for = {key for name in [*KEYED, *OPEN] for key in BY_ID[name].keys}

    assert asked_for == set(stack.routes()) - {"$default"}
    assert ROWS.keys() == {*KEYED, *OPEN}


@pytest.mark.parametrize("route", KEYED)
def test_a_route_is_for_those_who_may_use_it(
    api: Client,
    strangers: dict[str, tuple[str | None, int]],
    without: dict[str, str],
    others: dict[str, str],
    route: str,
) -> None:
    row, scope = ROWS[route], str(BY_ID[route].scope)
    job = job_for(api, route)
    refused = {
        who: answered(ask(api.url, route, said, job)) for who, (said, _) in strangers.items()
    }
    unscoped = ask(api.url, route, f"Bearer {without[scope]}", job)
    elsewhere = {
        shown: answered(ask(api.url, route, f"Bearer {token}", job))
        for shown, token in others.items()
    }
    mine = ask(api.url, route, api.authorization, job)

    assert refused == {who: (status, None) for who, (_, status) in strangers.items()}
    assert (answered(unscoped), unscoped.json()["scope"]) == ((403, "missing-scope"), scope)
    assert elsewhere == dict.fromkeys(others, row.other or (row.good, None))
    assert answered(mine) == (row.good, None), mine.text


@pytest.mark.parametrize("route", OPEN)
def test_what_is_open_is_open_to_all_alike(
    api: Client, strangers: dict[str, tuple[str | None, int]], route: str
) -> None:
    headers = [said for said, _ in strangers.values()] + [api.authorization]
    answers = [ask(api.url, route, said) for said in headers]

    assert {answered(answer) for answer in answers} == {(ROWS[route].good, None)}
    assert len({answer.content for answer in answers}) == 1


def test_a_token_is_a_caller_like_any_other(api: Client, issuer: Issuer) -> None:
    ann, bob = (Client(api.url, issuer.token(instants.now(), sub=name)) for name in ("ann", "bob"))
    job = ann.ended(ann.submit("text-stats", TEXT))
    listed = [[j["id"] for j in caller.get("/jobs").json()["jobs"]] for caller in (ann, bob)]
    for caller in (ann, bob):
        caller.close()

    assert job["status"] == "succeeded"
    assert job["id"] in listed[0]
    assert job["id"] not in listed[1]
    assert api.get(f"/jobs/{job['id']}").status_code == 404


def test_a_token_of_a_new_key_is_taken(api: Client, issuer: Issuer) -> None:
    """The issuer is asked once in 10 s; what was refused before is remembered, so each token is new."""
    new = SigningKey("new", "ES256")
    issuer.keys.append(new)

    def status() -> int:
        token = issuer.token(instants.now(), new)
        return ask(api.url, "listJobs", f"Bearer {token}").status_code

    assert eventually(status, lambda seen: seen != 403, pause_s=1) == 200
