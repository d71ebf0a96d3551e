"""`make verify` without a stack: what it finds in wrong answers of a gateway or a stack."""

import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import requests
from botocore.exceptions import ClientError
from requests.adapters import BaseAdapter

from local.failure import Failure
from local.inbox import Inbox
from local.verify import begin, cleaning, files, gateway, jobs, parts, refusals, report, run
from local.verify.__main__ import choose, verify
from local.verify.caller import Caller
from local.verify.finding import Broken, Check, Finding, Skipped
from local.verify.options import Options, normalize_url, parse_arguments, read_local, read_options
from tests import stack
from tests.stopwatch import Stopwatch

URL, KEY = "https://api.example.com", "nl_secret"
ORIGIN = "https://app.example.com"
JOB = "01a20eff-13a8-723c-a1e0-0187f181401b"

type Answers = Callable[[requests.PreparedRequest], "Given"]


@dataclass(frozen=True)
class Given:
    """What a request is answered."""

    status: int = 200
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()


def problem(status: int, name: str, **members: Any) -> Given:
    body = {"type": f"{URL}/problems/{name}", "title": "", "status": status} | members
    return Given(status, body, (("Content-Type", "application/problem+json"),))


class Fake(BaseAdapter):
    """A stack that answers as the test says, and keeps the requests."""

    def __init__(self, answers: Answers) -> None:
        super().__init__()
        self.asked: list[requests.PreparedRequest] = []
        self._answers = answers

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        self.asked.append(request)
        given, answer = self._answers(request), requests.Response()
        body = given.body if isinstance(given.body, bytes) else json.dumps(given.body).encode()
        answer.status_code, answer.raw = given.status, io.BytesIO(body)
        answer.headers.update(dict(given.headers))
        answer.request, answer.url = request, request.url or ""
        return answer

    def close(self) -> None:
        pass


def caller(answers: Answers, **asked: Any) -> tuple[Caller, Fake]:
    """Return a caller of a fake stack, who waits for nothing."""
    fake, session = Fake(answers), requests.Session()
    session.mount("https://", fake)
    return Caller(Options(URL, KEY, **asked), session, Stopwatch()), fake


def named(guarantee: str, checks: tuple[Check, ...]) -> Check:
    (found,) = (check for check in checks if guarantee in check.guarantee)
    return found


def job(status: str = "succeeded", base: str = URL) -> dict[str, Any]:
    links = {"self": f"{base}/jobs/{JOB}", "result": f"{base}/jobs/{JOB}/result"}
    return {"id": JOB, "status": status, "attempt": 1, "error": None, "links": links}


# ── parts ─────────────────────────────────────────────────────────────────────────────────────

TEMPLATE = stack.template()["Resources"]
LAMBDAS = {n: r for n, r in TEMPLATE.items() if r["Type"] == "AWS::Serverless::Function"}
EVENTS = {f"{n}{e}": n for n, r in LAMBDAS.items() for e in r["Properties"].get("Events", {})}


def test_each_route_of_the_template_is_known_to_be_its_lambdas() -> None:
    for name, made in LAMBDAS.items():
        for event in made["Properties"].get("Events", {}).values():
            if event["Type"] == "HttpApi" and "Path" in event["Properties"]:
                path = re.sub(r"\{\w+\}", JOB, event["Properties"]["Path"])

                assert parts.lambda_of(event["Properties"]["Method"], path) == name


def test_the_advice_about_a_lambda_leads_somewhere() -> None:
    operating = (stack.ROOT / "docs/operating.md").read_text()
    for name in LAMBDAS.keys() - {"Sweep", "HandleDeadLetters"}:
        page, heading = re.findall(r"(docs/\w+\.md)#(\w+)", parts.advice(name))[0]
        sources = re.findall(rf"\b{name}[A-Z]\w+", parts.advice(name))

        assert Path(stack.ROOT, page).exists()
        assert f"### {name}Alarm" in operating
        assert heading == f"{name}Alarm".lower()
        assert all(EVENTS[source] == name for source in sources)
    assert {n for n in LAMBDAS if "enabled" in parts.advice(n)} == {
        "Work",
        "Notify",
        "SendWebhooks",
    }


# ── what a gateway can get wrong ──────────────────────────────────────────────────────────────

OF_202 = {
    "Location": f"{URL}/jobs/{JOB}",
    "Operation-Location": f"{URL}/jobs/{JOB}",
    "Retry-After": "1",
    "Preference-Applied": "respond-async",
    "Content-Location": f"{URL}/jobs/{JOB}",
}
PREFER = named("Prefer arrives", gateway.CHECKS)


def hybrid(headers: dict[str, str]) -> Answers:
    return lambda request: Given(202, job("queued"), tuple(headers.items()))


def test_all_headers_of_a_202_pass() -> None:
    assert PREFER.verify(caller(hybrid(OF_202))[0]).startswith("202 with Location")


@pytest.mark.parametrize("lost", OF_202)
def test_a_gateway_that_drops_a_header_is_found(lost: str) -> None:
    rest = {name: value for name, value in OF_202.items() if name != lost}
    with pytest.raises(Broken, match=f"without {lost}") as broken:
        PREFER.verify(caller(hybrid(rest))[0])

    assert broken.value.part == "Api"


def test_a_gateway_that_drops_prefer_is_found() -> None:
    ignored = OF_202 | {"Preference-Applied": "wait=10"}
    with pytest.raises(Broken, match="Preference-Applied is wait=10"):
        PREFER.verify(caller(hybrid(ignored))[0])


@pytest.mark.parametrize(
    ("check", "header", "seen"),
    [("Last-Event-ID", "Last-Event-ID", 204), ("If-None-Match", "If-None-Match", 304)],
)
@pytest.mark.parametrize("drops", [False, True])
def test_a_gateway_that_drops_what_was_seen_is_found(
    check: str, header: str, seen: int, drops: bool
) -> None:
    def answers(request: requests.PreparedRequest) -> Given:
        path = request.path_url
        if request.method == "POST":
            return Given(202, job())
        if header in request.headers and not drops:
            return Given(seen, b"")
        if path.endswith("/events"):
            stream = b'id: 1-succeeded\ndata: {"status": "succeeded"}\n\n'
            return Given(200, stream, (("Content-Type", "text/event-stream"),))
        return Given(200, job(), (("ETag", 'W/"1"'),))

    api, _ = caller(answers)
    if drops:
        with pytest.raises(Broken, match=f"not {seen}") as broken:
            named(check, gateway.CHECKS).verify(api)
        assert broken.value.part == "Api"
    else:
        assert str(seen) in named(check, gateway.CHECKS).verify(api)


def test_links_to_another_address_are_found_and_it_is_named() -> None:
    def answers(request: requests.PreparedRequest) -> Given:
        return Given(202, job("scheduled", "https://api.wrong.example"))

    def described(request: requests.PreparedRequest) -> Given:
        if request.method == "POST":
            return answers(request)
        if "openapi" in request.path_url:
            return Given(200, {"servers": [{"url": URL}]})
        return problem(404, "unknown-route")

    with pytest.raises(Broken, match=r"begin with https://api\.wrong\.example, not") as broken:
        named("links", gateway.CHECKS).verify(caller(described)[0])

    assert broken.value.part == "PublicUrl"


PREFLIGHT = named("preflight", gateway.CHECKS)
ALLOWED = {
    "Access-Control-Allow-Headers": ",".join(gateway._SENT),
    "Access-Control-Allow-Methods": "GET,POST,DELETE",
    "Access-Control-Expose-Headers": ",".join(gateway._READ),
}


def browser(allowed: dict[str, str], *, everybody: bool = False) -> Answers:
    """Return a stack that lets a web origin in, or any."""

    def answers(request: requests.PreparedRequest) -> Given:
        origin = request.headers["Origin"]
        if origin != ORIGIN and not everybody:
            return Given(204, b"")
        headers = {"Access-Control-Allow-Origin": origin} | allowed
        return Given(204, b"", tuple(headers.items()))

    return answers


def test_a_preflight_is_skipped_without_an_origin_and_says_how_to_give_it() -> None:
    with pytest.raises(Skipped, match="ORIGIN="):
        PREFLIGHT.verify(caller(browser(ALLOWED))[0])


def test_an_origin_that_may_call_passes() -> None:
    assert ORIGIN in PREFLIGHT.verify(caller(browser(ALLOWED), origin=ORIGIN)[0])


@pytest.mark.parametrize("lost", ALLOWED)
def test_a_header_that_a_browser_may_not_use_is_found(lost: str) -> None:
    wrong = ALLOWED | {lost: "get"}
    with pytest.raises(Broken, match=f"{lost} lacks") as broken:
        PREFLIGHT.verify(caller(browser(wrong), origin=ORIGIN)[0])

    assert broken.value.part == "WebOrigins"


def test_an_origin_that_may_not_call_and_a_stack_that_lets_all_in_are_found() -> None:
    with pytest.raises(Broken, match="allowing no origin"):
        PREFLIGHT.verify(caller(browser(ALLOWED), origin="https://other.example")[0])
    with pytest.raises(Broken, match="every origin is allowed"):
        PREFLIGHT.verify(caller(browser(ALLOWED, everybody=True), origin=ORIGIN)[0])


# ── the caller ────────────────────────────────────────────────────────────────────────────────

OF_GATEWAY = (("Content-Type", "application/json"),)
PROBLEM = (("Content-Type", "application/problem+json"),)


def test_a_key_goes_to_the_api_alone() -> None:
    elsewhere = "https://bucket.example.com/uploads/1"

    def answers(request: requests.PreparedRequest) -> Given:
        if request.method == "PUT":
            first = len([r for r in fake.asked if r.method == "PUT"]) == 1
            return Given(200 if first else 412, b"")
        to = {"method": "PUT", "url": elsewhere, "headers": {"If-None-Match": "*"}, "use": {}}
        return Given(201, to)

    api, fake = caller(answers)
    named("presigned PUT", files.CHECKS).verify(api)
    sent = {request.url: request.headers.get("Authorization") for request in fake.asked}

    assert sent == {f"{URL}/uploads": f"Bearer {KEY}", elsewhere: None}


def test_a_bucket_that_does_not_answer_is_found_and_its_url_is_not_shown() -> None:
    def answers(request: requests.PreparedRequest) -> Given:
        raise requests.ConnectionError(f"{request.url} failed: [Errno 111] Connection refused")

    with pytest.raises(Broken, match=r"PUT got no response: .*Connection refused") as broken:
        caller(answers)[0].call_presigned(
            "PUT", "https://bucket.example.com/?X-Amz-Signature=secret"
        )

    assert broken.value.part == "Bucket"
    assert "secret" not in str(broken.value)


def test_no_redirect_is_followed() -> None:
    api, fake = caller(lambda request: Given(303, b"", (("Location", "https://other.example/"),)))
    api.call("GET", f"/jobs/{JOB}/result")

    assert [request.url for request in fake.asked] == [f"{URL}/jobs/{JOB}/result"]


@pytest.mark.parametrize(
    ("answer", "sent"),
    [
        (Given(503, {"message": "Service Unavailable"}, OF_GATEWAY), 3),
        (Given(429, {"message": "Too Many Requests"}, OF_GATEWAY), 3),
        (problem(503, "try-again"), 3),
        (problem(500, "internal-error"), 1),
        (problem(429, "too-many-jobs"), 1),
        (replace(problem(429, "too-many-jobs"), headers=(*PROBLEM, ("Retry-After", "10"))), 3),
        (replace(problem(503, "unavailable"), headers=(*PROBLEM, ("Retry-After", "86400"))), 1),
        (problem(404, "unknown-job"), 1),
    ],
)
def test_a_temporary_failure_is_sent_again_a_few_times(answer: Given, sent: int) -> None:
    api, fake = caller(lambda request: answer)
    api.call("GET", f"/jobs/{JOB}")
    first = len(fake.asked)
    api.call("GET", f"/jobs/{JOB}")

    assert first == sent
    assert len(fake.asked) == sent + 1  # what has failed to the last is tried once


def test_over_quota_it_waits_as_long_as_retry_after_says() -> None:
    def answers(request: requests.PreparedRequest) -> Given:
        if len(fake.asked) == 1:
            refused = problem(429, "too-many-jobs")
            return replace(refused, headers=(*PROBLEM, ("Retry-After", "34")))
        return Given(202, job("queued"))

    api, fake = caller(answers)

    assert api.submit()["status"] == "queued"
    assert (api.clock.monotonic(), api.repeats) == (34, 1)


def test_a_temporary_failure_is_sent_again_after_the_time_is_up_because_it_cleans_up_then() -> None:
    api, fake = caller(lambda request: problem(503, "try-again"), within_s=0)
    api.call("GET", "/jobs")

    assert len(fake.asked) == 3


def test_a_job_that_does_not_end_is_found() -> None:
    api, _ = caller(lambda request: Given(200, job("queued")), patience_s=60)
    with pytest.raises(Broken, match="still queued after 60 s") as broken:
        api.wait_for_end(JOB)

    assert broken.value.part == "Work"


def test_once_a_job_was_waited_for_in_vain_the_next_is_not_waited_for_as_long() -> None:
    api, _ = caller(lambda request: Given(200, job("queued")), patience_s=60)
    for waited_s in (60, 5, 5):
        with pytest.raises(Broken, match=f"after {waited_s} s"):
            api.wait_for_end(JOB)

    assert api.clock.monotonic() == 60 + 5 + 5


@pytest.mark.parametrize(
    "url",
    [
        "http://api.example.com",
        "ftp://x",
        "api.example.com",
        "https://",
        "http://[",
        "https://a:b",
        "https://a b",
        "https://ä\n",
    ],
)
def test_a_key_is_not_sent_in_the_clear_or_to_no_address(url: str) -> None:
    with pytest.raises(Failure):
        normalize_url(url)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"url": "http://localhost:8080"}', "ä"])
def test_a_served_stack_with_a_wrong_description_is_reported(text: str, tmp_path: Path) -> None:
    (tmp_path / "api.json").write_text(text, encoding="latin-1")
    with pytest.raises(Failure, match=r"api\.json .* Stop make up"):
        read_local(tmp_path)


def test_an_address_is_spelled_as_links_begin_with_it() -> None:
    assert normalize_url("https://API.example.com/v1/") == "https://api.example.com/v1"


def test_the_key_is_named_in_the_environment_and_not_as_an_argument(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="KEY=nl_… make verify URL="):
        read_local(tmp_path)


def test_a_stage_says_not_where_to_check(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["verify", "--stack", "prod"])
    with pytest.raises(Failure, match=r"STACK=prod does not say where.* make verify URL=https"):
        read_options(parse_arguments(None))


@pytest.mark.parametrize("key", ["nl_secret\nnl_other", "nl_secret ", "nl_secret\r", "nl_sécret"])
def test_what_is_no_key_is_refused_and_not_shown(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", key)
    monkeypatch.setattr("sys.argv", ["verify", "--url", URL])
    with pytest.raises(Failure, match="KEY is not one key") as failure:
        read_options(parse_arguments(None))

    assert key[:5] not in str(failure.value)


# ── whether it can begin ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("path", "answer", "said"),
    [
        ("/health", Given(404, {"message": "Not Found"}, OF_GATEWAY), "no nowlater at"),
        ("/health", Given(200, b"<html>"), "does not respond like a stack"),
        (
            "/health",
            Given(301, b"", (("Location", "https://b.example"),)),
            "redirects to https://b",
        ),
        ("/jobs", Given(403, {"message": "Forbidden"}, OF_GATEWAY), "The key is refused"),
        (
            "/jobs",
            problem(403, "missing-scope", scope="read"),
            r"lacks the scope read\. .*: KEY=nl_… make verify",
        ),
        ("/jobs", Given(403, [], PROBLEM), "does not respond like a stack"),
        ("/jobs", problem(403, "missing-scope"), "does not respond like a stack"),
        ("/operations", Given(200, {"operations": []}), "does not serve text-stats"),
        ("/operations", Given(200, []), "does not respond like a stack"),
        ("/operations", Given(200, {}), "does not respond like a stack"),
        ("/operations", Given(200, {"operations": [1]}), "does not respond like a stack"),
        ("/operations", Given(200, {"operations": None}), "does not respond like a stack"),
    ],
)
def test_what_prevents_a_start_is_reported(path: str, answer: Given, said: str) -> None:
    def answers(request: requests.PreparedRequest) -> Given:
        if request.path_url.startswith(path):
            return answer
        if request.path_url == "/health":
            return Given(200, {"status": "ok"})
        return problem(404, "unknown-job")

    with pytest.raises(Failure, match=said) as failure:
        begin.begin(caller(answers)[0])

    assert KEY not in str(failure.value)


@pytest.mark.parametrize(
    ("served", "runs"),
    [
        (("echo", "greet"), "echo"),
        (("echo", "text-stats"), "text-stats"),
    ],
)
def test_without_the_samples_it_runs_echo(served: tuple[str, ...], runs: str) -> None:
    doors = ["sync", "async", "hybrid"]
    operations = {"operations": [{"name": name, "doors": doors} for name in served]}

    def answers(request: requests.PreparedRequest) -> Given:
        known = {"/health": {"status": "ok"}, "/operations": operations}
        if body := known.get(request.path_url):
            return Given(200, body)
        return problem(404, "unknown-job")

    api, _ = caller(answers)
    begin.begin(api)

    assert api.options.operation == runs
    assert set(api.options.input) == {"value" if runs == "echo" else "text"}


# ── the run, and its report ───────────────────────────────────────────────────────────────────


def findings(*checks: Check, within_s: float = 60) -> list[Finding]:
    api, _ = caller(lambda request: Given(200, {}), within_s=within_s)
    found: list[Finding] = []
    run.run(api, found, lambda line: None, checks)
    return found


def test_an_answer_that_is_not_as_documented_fails_its_check_alone() -> None:
    bad = Check("bad", lambda api: api.read_job(JOB)["status"])
    good = Check("good", lambda api: "seen")

    assert [(it.result, it.part) for it in findings(bad, good)] == [
        ("FAILED", "Api"),
        ("passed", None),
    ]


def test_once_the_time_is_up_nothing_passes() -> None:
    (found,) = findings(Check("good", lambda api: "seen"), within_s=0)

    assert (found.result, found.part) == ("FAILED", "Time")


def test_the_checks_can_be_chosen() -> None:
    assert choose("") == list(run.CHECKS)
    assert [check.guarantee for check in choose("LAST-event")] == ["Last-Event-ID arrives"]
    with pytest.raises(Failure, match="No guarantee contains 'nothing of the kind'"):
        choose("nothing of the kind")


def test_each_guarantee_is_another() -> None:
    assert len({check.guarantee for check in run.CHECKS}) == len(run.CHECKS)


def test_the_report_fits_80_columns_and_names_the_part_that_explains_most_first() -> None:
    long = "x" * 200
    bad = Finding(f"guarantee {long}", "FAILED", f"evidence {long}", "Status")
    made = [bad, Finding("good", "passed", "seen"), bad, replace(bad, part="Notify")]
    shown = report.table(made) + "\n" + report.where_to_look(made, {"Status": "abc="})
    status, notify = shown.index("- Status (2 checks failed)"), shown.index("- Notify (1 check")

    assert max(map(len, shown.splitlines())) <= 80
    assert status < notify
    assert "abc=" in shown[status:notify]
    assert report.summary(made) == "1 passed, 3 FAILED, 0 skipped"


# ── cleaning up ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("may_erase", [True, False])
def test_its_jobs_are_canceled_and_erased_or_reported(may_erase: bool) -> None:
    def answers(request: requests.PreparedRequest) -> Given:
        erased = any(r.method == "DELETE" for r in fake.asked)
        match request.method:
            case "GET":
                listed = [] if erased and may_erase else [job("scheduled")]
                return Given(200, {"jobs": listed, "next": None})
            case "DELETE":
                return Given(204, b"") if may_erase else problem(503, "try-again")
        return Given(200, job("canceled"))

    api, fake = caller(answers)
    said = cleaning.clean_up(api)
    sent = [f"{r.method} {r.path_url.partition('?')[0]}" for r in fake.asked]

    assert sent[:3] == ["GET /jobs", f"POST /jobs/{JOB}/cancel", f"DELETE /jobs/{JOB}"]
    assert (said == "1 job was made, and erased.") == may_erase
    assert ("1 could not be" in said) != may_erase


def test_a_list_that_fails_is_reported() -> None:
    api, _ = caller(lambda request: problem(500, "internal-error"))

    assert "Others may remain" in cleaning.clean_up(api)


@pytest.mark.parametrize("listed", [None, {}, {"jobs": [1], "next": None}])
def test_a_list_that_is_not_as_documented_does_not_end_the_run(listed: Any) -> None:
    api, _ = caller(lambda request: Given(200, listed))

    assert "Others may remain" in cleaning.clean_up(api)


class Account:
    """An AWS account in which some calls are denied, and all are kept."""

    outputs: ClassVar = {"TopicArn": "arn:aws:sns:eu-central-1:123456789012:Topic"}

    def __init__(self, *denied: str) -> None:
        self.called: list[str] = []
        self._denied = denied

    def client(self, service: str) -> Any:
        return self

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(**_: Any) -> dict[str, Any]:
            self.called.append(name)
            if name in self._denied:
                raise ClientError({"Error": {"Code": "AccessDenied", "Message": "No."}}, name)
            made = {"QueueUrl": "https://q", "SubscriptionArn": "arn:s"}
            return made | {"Attributes": {"QueueArn": "arn:q"}}

        return call


@pytest.mark.parametrize("denied", ["get_queue_attributes", "set_queue_attributes", "subscribe"])
@pytest.mark.parametrize("more", ["", "delete_queue"])
def test_a_queue_that_cannot_be_subscribed_is_deleted(denied: str, more: str) -> None:
    account = Account(denied, more)
    with pytest.raises(ClientError, match=denied):
        Inbox(account, "queue")

    assert account.called[-1] == "delete_queue"


def test_a_queue_is_deleted_where_its_subscription_stays() -> None:
    account = Account("unsubscribe")
    with pytest.raises(ClientError, match="unsubscribe"):
        Inbox(account, "queue").close()

    assert account.called[-1] == "delete_queue"


def test_the_report_comes_where_the_queue_cannot_be_deleted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    inbox = Inbox(Account("unsubscribe", "delete_queue"), "queue")
    monkeypatch.setattr("local.verify.notifications.subscribe", lambda topic, run: inbox)
    api, _ = caller(lambda request: Given(200, {"jobs": [], "next": None}), topic="arn")
    status = verify(api, [Check("good", lambda api: "seen")])
    shown = capsys.readouterr()

    assert status == 0
    assert "1 passed" in shown.out
    assert f"The queue nowlater-verify-{api.run} or its subscription" in shown.err


# ── guarantees that do not hold ───────────────────────────────────────────────────────────────


def test_a_stranger_who_is_let_in_is_found() -> None:
    api, _ = caller(lambda request: Given(200, {"jobs": []}))
    with pytest.raises(Broken, match="with no key returned 200, not 401") as broken:
        named("without a valid key", refusals.CHECKS).verify(api)

    assert broken.value.part == "Authorize"


def test_a_start_that_is_too_early_is_found() -> None:
    times = {"start_at": "2026-12-01T12:00:02.000Z", "started": "2026-12-01T12:00:01.500Z"}
    api, _ = caller(lambda r: Given(202 if r.method == "POST" else 200, job() | times))
    with pytest.raises(Broken, match=r"0\.500 s before"):
        named("before its start", jobs.CHECKS).verify(api)


def test_a_deadline_that_is_not_kept_is_found() -> None:
    api, _ = caller(lambda r: Given(202 if r.method == "POST" else 200, job()))
    with pytest.raises(Broken, match="must miss its deadline has succeeded"):
        named("deadline", jobs.CHECKS).verify(api)
