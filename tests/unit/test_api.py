"""HTTP: requests, responses, and problems as responses."""

import base64
import json
from typing import Any

import pytest

from nowlater.api.request import HttpRequest
from nowlater.api.responses import Response, json_response, result_response
from nowlater.api.router import Api
from nowlater.problems import Problem
from tests import stack

TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def event(**headers: str) -> dict[str, Any]:
    """Return a sample event with these headers besides its own."""
    made = stack.event("status")
    made["headers"] |= {name.replace("_", "-"): value for name, value in headers.items()}
    return made


class Broken(Exception):
    """What a queue raises that does not answer."""


def handled(route: Any, sent: dict[str, Any] | None = None, public_url: str = "") -> dict[str, Any]:
    """Return the answer of an API whose one route this is."""
    api = Api(public_url, [Broken])
    api.route("GET /jobs/{id}")(route)
    return api.handle(sent or event())


def raising(error: Exception) -> Any:
    def route(_: HttpRequest) -> Response:
        raise error

    return route


# ── calls ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("host", ["evil.example", "localhost:8080", "API.example.com.", "x/y", ""])
def test_links_start_with_the_domain_that_api_gateway_was_called_by(host: str) -> None:
    """`Host` is the caller's, and would have us link to wherever it likes."""
    sent = event(host=host, x_forwarded_proto="http", x_forwarded_port="81")

    assert HttpRequest(sent, "").base == "https://api.example.com"
    assert HttpRequest(sent, "").hosts == ("api.example.com", "a1b2c3d4e5.execute-api.*")


@pytest.mark.parametrize("domain", ["localhost", "a1b2c3d4e5.execute-api.localhost"])
@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("localhost:8080", "http://localhost:8080"),
        ("127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("LOCALHOST:9999", "http://localhost:8080"),
        ("evil.example", "http://localhost:8080"),
        ("evil.localhost:8080", "http://localhost:8080"),
        ("", "http://localhost:8080"),
    ],
)
def test_links_of_an_emulator_lead_to_this_machine(domain: str, host: str, base: str) -> None:
    sent = event(host=host, x_forwarded_proto="http", x_forwarded_port="8080")
    sent["requestContext"]["domainName"] = domain

    assert HttpRequest(sent, "").base == base


def test_links_start_with_the_public_url_where_there_is_one() -> None:
    assert (
        HttpRequest(event(), "https://jobs.example.org/v1/").base == "https://jobs.example.org/v1"
    )


def test_a_trace_is_taken_if_it_is_one() -> None:
    assert HttpRequest(event(traceparent=TRACE), "").trace == TRACE
    assert HttpRequest(event(traceparent=TRACE.upper()), "").trace is None
    assert HttpRequest(event(traceparent=TRACE + "\n"), "").trace is None
    assert HttpRequest(event(), "").trace is None


def test_a_caller_is_whom_the_authorizer_names() -> None:
    caller = HttpRequest(event(), "").caller("read")

    assert (caller.owner, caller.base) == ("acme", "https://api.example.com")


def test_a_key_without_the_scope_may_not_use_the_route() -> None:
    sent = event()
    sent["requestContext"]["authorizer"]["lambda"]["scopes"] = "invoke ready"
    with pytest.raises(Problem) as raised:
        HttpRequest(sent, "").caller("read")

    assert raised.value.name == "missing-scope"
    assert raised.value.members == {"scope": "read"}


def test_a_request_without_a_query_has_none() -> None:
    assert HttpRequest(event(), "").query == ()
    assert HttpRequest(event(), "").query_parameter("x") is None


@pytest.mark.parametrize(
    ("raw", "query"),
    [
        ("tag=a:1&tag=b:2", (("tag", "a:1"), ("tag", "b:2"))),
        ("tag=a:1,b:2", (("tag", "a:1,b:2"),)),
        ("tag=a%3A1%2Cb&x=%C3%A9+y", (("tag", "a:1,b"), ("x", "é y"))),
        ("x&y=&&=z", (("x", ""), ("y", ""), ("", "z"))),
        ("x=%ff%", (("x", "\ufffd%"),)),
    ],
)
def test_a_query_is_read_as_it_was_sent(raw: str, query: tuple[tuple[str, str], ...]) -> None:
    assert HttpRequest(event() | {"rawQueryString": raw}, "").query == query


@pytest.mark.parametrize(
    ("raw", "parameter", "detail"),
    [
        ("staus=x", "staus", "?staus is no parameter of this route, which takes status and tag."),
        ("status=a&status=a", "status", "?status appears 2 times, and may appear once."),
        ("status=", "status", "?status has no value: give it one, or omit it."),
        ("tag=a:1&tag", "tag", "?tag has no value: give it one, or omit it."),
        (
            "Status=a",
            "Status",
            "?Status is no parameter of this route, which takes status and tag.",
        ),
        ("=x", "", "? is no parameter of this route, which takes status and tag."),
    ],
)
def test_a_parameter_that_is_not_known_or_not_so_often_is_refused_by_name(
    raw: str, parameter: str, detail: str
) -> None:
    request = HttpRequest(event() | {"rawQueryString": raw}, "")
    with pytest.raises(Problem) as raised:
        request.check_query(["status"], ["tag"])

    assert (raised.value.name, raised.value.detail) == ("malformed-request", detail)
    assert raised.value.members == {"parameter": parameter}


def test_the_name_of_an_unknown_parameter_is_shown_shortened() -> None:
    with pytest.raises(Problem, match="takes none: omit it") as raised:
        HttpRequest(event() | {"rawQueryString": "x" * 9000 + "=1"}, "").check_query((), ())

    assert len(str(raised.value.record())) < 400


# ── answers ───────────────────────────────────────────────────────────────────────────────────


def test_answers_are_not_stored_unless_they_may_be() -> None:
    kept = {"Cache-Control": "no-cache"}

    assert json_response(200, {}).headers["Cache-Control"] == "no-store"
    assert json_response(200, {}, kept).headers["Cache-Control"] == "no-cache"


def test_an_answer_without_a_body_has_no_type() -> None:
    made = json_response(204).to_lambda()

    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}
    assert made == {"statusCode": 204, "headers": headers}


def test_json_goes_out_as_text_and_all_else_in_base64() -> None:
    as_text, as_bytes = (
        result_response(b'{"a":"\xc3\xa9"}', None),
        result_response(b"\x89PNG", "image/png"),
    )

    assert as_text.to_lambda()["body"] == '{"a":"é"}'
    assert as_text.to_lambda()["isBase64Encoded"] is False
    assert base64.b64decode(as_bytes.to_lambda()["body"]) == b"\x89PNG"
    assert as_bytes.to_lambda()["isBase64Encoded"] is True


def test_a_long_text_goes_out_in_base64_so_that_escaping_cannot_double_it() -> None:
    made = result_response(b'"' + b'\\"' * 1_000_000 + b'"', None).to_lambda()

    assert made["isBase64Encoded"] is True
    assert len(json.dumps(made)) < 6_000_000


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml", "application/octet-stream"])
def test_bytes_that_an_operation_made_are_harmless_in_a_browser(kind: str) -> None:
    headers = result_response(b"<script>", kind).to_lambda()["headers"]

    assert headers["Content-Type"] == kind
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("sandbox")


# ── problems ──────────────────────────────────────────────────────────────────────────────────


def test_a_route_answers_with_what_it_returns() -> None:
    made = handled(lambda call: json_response(200, {"id": call.path_parameter("id")}))

    assert made["statusCode"] == 200
    assert json.loads(made["body"]) == {"id": event()["pathParameters"]["id"]}


def test_a_problem_becomes_an_answer_with_its_headers() -> None:
    problem = Problem("unavailable", "Not now.", headers={"Retry-After": "30"}, pointer="/a")
    made = handled(raising(problem), public_url="https://jobs.example.org")

    assert made["statusCode"] == 503
    assert made["headers"]["Content-Type"] == "application/problem+json"
    assert made["headers"]["Retry-After"] == "30"
    assert json.loads(made["body"]) == {
        "type": "https://jobs.example.org/problems/unavailable",
        "title": "The operation is not available now.",
        "status": 503,
        "detail": "Not now.",
        "code": "unavailable",
        "message": "Not now.",
        "pointer": "/a",
    }


def test_a_queue_that_does_not_answer_means_try_again() -> None:
    made = handled(raising(Broken("a secret endpoint")))

    assert made["statusCode"] == 503
    assert "Retry-After" in made["headers"]
    assert json.loads(made["body"])["type"].endswith("/try-again")
    assert "secret" not in made["body"]


def test_an_unexpected_exception_is_an_internal_error_that_leaks_nothing() -> None:
    made = handled(raising(RuntimeError("a secret")))

    assert made["statusCode"] == 500
    assert json.loads(made["body"])["type"].endswith("/internal-error")
    assert "secret" not in json.dumps(made)


def test_an_unknown_route_is_answered_with_where_to_look() -> None:
    made = handled(lambda call: json_response(200), stack.event("unknown"))

    assert made["statusCode"] == 404
    problem = json.loads(made["body"])
    assert problem["type"].endswith("/unknown-route")
    assert "/nowhere" in problem["detail"]
    assert "https://api.example.com/operations" in problem["detail"]
