"""What is logged while a stack is used in every way: who, which job and how it went, nothing else."""

import json
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from nowlater import instants
from tests import receiver as plays
from tests.e2e.client import Client
from tests.e2e.logs import NEVER, leaks, logged
from tests.e2e.patience import PATIENCE_S, eventually
from tests.e2e.served import Served
from tests.issuer import Issuer
from tests.receiver import Receiver

#: What has to be there: else this would look in the wrong place.
SEEN = (
    "attempt_ended",
    "delivery_attempted",
    "operation_failed",
    "request_authorized",
    "request_refused",
)


@dataclass
class Planted:
    """Markers by where they were put, and the jobs that had them."""

    markers: dict[str, str] = field(default_factory=dict)
    jobs: list[str] = field(default_factory=list)

    def mark(self, where: str) -> str:
        """Return a new marker for a place."""
        return self.markers.setdefault(where, f"planted-{secrets.token_hex(12)}")


@pytest.fixture(scope="module")
def planted(served: Served, api: Client, issuer: Issuer, diagnostics: None) -> Iterator[Planted]:
    """A stack that has been used in every way, and has logged what it has to say of that."""
    made = Planted()
    with Receiver(
        [plays.answer(200, made.mark("answer").encode(), Content_Type="text/plain")]
    ) as to:
        for plant in (doors, failures, refusals, payloads, credentials):
            plant(made, api, issuer)
        deliveries(made, api, to)
        wanted = {*SEEN, *made.jobs}
        eventually(lambda: absent(wanted, logged(served)), lambda missed: not missed, pause_s=0.5)
        yield made


def absent(wanted: set[str], text: str) -> set[str]:
    return {said for said in wanted if said not in text}


def doors(made: Planted, api: Client, _: Issuer) -> None:
    headers = {
        "Idempotency-Key": made.mark("idempotency key"),
        "Prefer": f"wait=5; x={made.mark('prefer')}",
        "User-Agent": made.mark("user agent"),
        "traceparent": f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01",
    }
    asked = {"value": [made.mark("input"), {made.mark("input's member"): 1}]}
    tags = {"order": made.mark("tag")}
    assert api.ask("sync", "echo", asked, headers=headers).status_code == 200
    assert api.ask("hybrid", "echo", asked, headers=headers, tags=tags).status_code == 200
    job = api.ended(api.submit("echo", asked, tags=tags))
    made.jobs.append(job["id"])
    api.get(f"/jobs?tag=order:{made.mark('tag')}&limit=5")
    assert api.call("POST", f"/jobs/{job['id']}/retry").status_code == 202
    api.call("POST", f"/jobs/{job['id']}/cancel")


def failures(made: Planted, api: Client, _: Issuer) -> None:
    """Each way to fail; `error` is tried three times as a job."""
    for kind, status in {"error": 500, "refused": 422, "unavailable": 503}.items():
        given = {"kind": kind, "message": made.mark(f"message of {kind}")}
        assert api.ask("sync", "fail", given).status_code == status
        api.ask("hybrid", "fail", given, headers={"Prefer": "wait=1"})
        made.jobs.append(api.submit("fail", given, deadline={"within": 600})["id"])
    crashing = {"kind": "crash", "message": made.mark("message of crash")}
    assert api.ask("sync", "fail", crashing).status_code >= 500
    # It logs nothing before it dies; what it would log next is a lease later, among other tests.
    crashed = api.submit("fail", crashing, deadline={"within": 600})
    eventually(lambda: api.see(crashed)["status"] == "running")
    time.sleep(3)
    api.call("POST", crashed["links"]["cancel"])


def refusals(made: Planted, api: Client, _: Issuer) -> None:
    json_type = {"Content-Type": "application/json"}
    for door in ("sync", "async", "hybrid"):
        unfit = {"text": {made.mark("unfit input"): made.mark("unfit input")}}
        assert api.ask(door, "text-stats", unfit).status_code == 422
        broken = f'{{"input": "{made.mark("broken JSON")}"'
        assert api.call("POST", f"/{door}/echo", data=broken, headers=json_type).status_code == 400
        odd = {"input": {}, made.mark("odd option"): 1}
        assert api.call("POST", f"/{door}/echo", json=odd).status_code == 400
        other = {"Content-Type": made.mark("media type")}
        assert api.call("POST", f"/{door}/echo", data="x", headers=other).status_code == 415
    assert api.get(f"/jobs?cursor={made.mark('cursor')}").status_code == 400
    callback = {"url": f"http://example.com/?{made.mark('refused callback')}"}
    assert api.ask("async", "echo", {"value": 1}, callback=callback).status_code == 422
    key = {"Idempotency-Key": made.mark("key used twice")}
    answers = [api.ask("async", "echo", {"value": n}, headers=key) for n in range(2)]
    assert [answer.status_code for answer in answers] == [202, 422]


def payloads(made: Planted, api: Client, _: Issuer) -> None:
    """What is kept in the bucket: large inputs and results, and uploads."""
    large = api.ended(api.submit("echo", {"value": made.mark("large input") * 1000}))
    made.jobs.append(large["id"])
    url = api.get(f"{large['links']['result']}?redirect=0").json()["url"]
    assert made.mark("large input") in requests.get(url, timeout=PATIENCE_S).text
    made.markers["signature of a result"] = signature(url)
    to = api.call("POST", "/uploads", json={"size": 40, "media_type": "text/csv"}).json()
    made.markers["signature of an upload"] = signature(to["url"])
    data = f"a,b\n{made.mark('upload')},1\n".encode().ljust(40)[:40]
    put = requests.request(
        to["method"], to["url"], data=data, headers=to["headers"], timeout=PATIENCE_S
    )
    assert put.status_code == 200
    made.jobs.append(api.ended(api.submit("csv-profile", {"csv": to["use"]}))["id"])


def signature(url: str) -> str:
    return parse_qs(urlsplit(url).query)["X-Amz-Signature"][0]


def credentials(made: Planted, api: Client, issuer: Issuer) -> None:
    token = issuer.token(instants.now(), sub=made.mark("subject"), name=made.mark("claim"))
    made.markers["token"], made.markers["signature of a token"] = token.split(".")[1:]
    made.markers["key"] = api.authorization.split("_", 2)[
        2
    ]  # the secret, which may have one itself
    shown = {
        f"Bearer {token}": 200,
        f"Bearer {token[:-9]}": 403,
        f"Bearer nl_{'0' * 12}_{made.mark('wrong key').ljust(43, 'x')}": 403,
        f"Bearer {made.mark('no key')}": 403,
        f"Basic {made.mark('password')}": 403,
        f"Bearer {made.mark('no')}.{made.mark('token')}.x": 403,
    }
    for authorization, status in shown.items():
        headers = {"Authorization": authorization}
        got = requests.get(f"{api.url}/jobs", headers=headers, timeout=PATIENCE_S)
        assert got.status_code == status, authorization
    secret = api.get("/webhooks/secret?host=127.0.0.1").json()["secret"]
    made.markers["webhook's secret"] = secret.removeprefix("whsec_")


def deliveries(made: Planted, api: Client, to: Receiver) -> None:
    """A webhook that is accepted, and one that reaches no server."""
    query = f"/{made.mark('path')}?key={made.mark('query')}"
    for url in (to.url(query), f"http://127.0.0.1:9{query}"):
        job = api.submit("echo", {"value": made.mark("delivered")}, callback={"url": url})
        made.jobs.append(api.ended(job)["id"])
    received = to.wait(1, within_s=PATIENCE_S)[0]
    assert made.mark("delivered").encode() in received.body
    made.markers["webhook's signature"] = received.headers["webhook-signature"].split(",")[1]


def test_nothing_that_was_planted_is_logged(planted: Planted, served: Served) -> None:
    text = logged(served)
    # as it is, and as JSON, a URL or Python would write it
    written: tuple[Callable[[str], str], ...] = (str, json.dumps, requests.utils.quote)
    found = [
        w for w, m in planted.markers.items() if any(as_(m).strip('"') in text for as_ in written)
    ]

    assert len(planted.markers) > 30
    assert found == []


def test_what_is_logged_says_which_job_and_where_it_failed(
    planted: Planted, served: Served
) -> None:
    text = logged(served)

    assert absent(set(planted.jobs), text) == set()
    assert "builtins.RuntimeError" in text
    assert "diagnostics.py" in text


@pytest.mark.usefixtures("planted")
def test_no_key_token_secret_or_presigned_url_of_anybody_is_logged(served: Served) -> None:
    assert leaks(logged(served)) == {}


@pytest.mark.nightly
def test_a_long_log_is_read_to_its_end(served: Served) -> None:
    logs, long = served.client("logs"), {"logGroupName": "long", "logStreamName": "long"}
    logs.create_log_group(logGroupName="long")
    logs.create_log_stream(**long)
    lines = [{"timestamp": 1000 + n, "message": f"line-{n}-"} for n in range(10_007)]
    for n in range(0, len(lines), 5000):
        logs.put_log_events(**long, logEvents=lines[n : n + 5000])
    text = logged(served)
    logs.delete_log_group(logGroupName="long")

    assert [line["message"] for line in lines if line["message"] not in text] == []


EXAMPLES = {
    "an API key": f"nl_0123456789ab_{'x' * 43}",
    "a token": "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln",
    "credentials": "authorization: Bearer x",
    "a webhook's secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    "a webhook's signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    "a presigned URL": "https://b.s3.amazonaws.com/k?X-Amz-Signature=0a",
}


@pytest.mark.parametrize("what", NEVER)
def test_what_must_never_be_logged_would_be_found(what: str) -> None:
    assert what in leaks(f'{{"message": "{EXAMPLES[what]}"}}')
