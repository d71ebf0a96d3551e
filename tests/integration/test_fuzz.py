"""Whatever is sent to whichever route: an answer as described, and never an unexpected 5xx."""

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import stack
from tests.integration.lambdas import Reply, lambda_context
from tests.integration.world import ROUTES, World

#: As often as that is done in a second or less a route. The same each time: a failure comes again.
some = settings(
    max_examples=60,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)
#: What a request can bring on itself, by a deadline or a strict wait that is too short.
ASKED_FOR = ("deadline-exceeded", "timed-out")
#: Routes that read a body.
WITH_BODY = ("sync", "submit", "hybrid", "upload")

#: What parsers have stumbled over.
PATHS_OF_OTHERS = ("..", "../../etc/passwd", "%2e%2e%2f", "JOB#other#0")
UNICODE = ("", "\x00", "é", "e\u0301", "\ufeff", "\ufffe", "\uffff", "\ud800")
CODE = ("a\r\nX-Injected: 1", "'\"`;--", "{{7*7}}", "${jndi}")
NO_NUMBERS = ("_" * 300, "9" * 400, "-1", "NaN")
ODD_TEXT = st.sampled_from((*PATHS_OF_OTHERS, *UNICODE, *CODE, *NO_NUMBERS))
TEXT = ODD_TEXT | st.text(max_size=30)
NUMBERS = st.integers() | st.floats() | st.sampled_from([2**53 + 1, 10**400, -(2**63) - 1, 5e-324])
VALUES = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
#: Options of their form, or nearly so; one request has few of them, or none would be taken.
OPTIONS: dict[str, Any] = {
    "start": st.sampled_from([{"after": 60}, {"after": 0.5}, {"at": "2026-11-24T13:00:00+01:00"}])
    | st.fixed_dictionaries({}, optional={"after": NUMBERS, "at": TEXT}),
    "deadline": st.sampled_from([{"within": 3600}, {"within": 1, "or": "refuse"}])
    | st.fixed_dictionaries({}, optional={"within": NUMBERS, "at": TEXT, "or": TEXT}),
    "retention": st.integers(3600, 2_592_000) | NUMBERS,
    "callback": st.fixed_dictionaries(
        {"url": (TEXT | st.just("hooks.example.com")).map("https://{}/".format) | TEXT},
        optional={"events": st.lists(st.sampled_from(["failed", "canceled", "x"]), max_size=2)},
    ),
    "tags": st.dictionaries(st.sampled_from(["a", "order", "A"]), TEXT, max_size=2),
    "x": VALUES,
}
FEW_OPTIONS = st.lists(st.sampled_from(sorted(OPTIONS)), max_size=2, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: OPTIONS[name] for name in names})
)
INPUTS = {
    "text-stats": st.fixed_dictionaries(
        {"text": TEXT}, optional={"top": st.integers(0, 1000) | NUMBERS}
    ),
    "echo": st.fixed_dictionaries({"value": VALUES}),
    "csv-profile": st.fixed_dictionaries(
        {"csv": TEXT | st.fixed_dictionaries({}, optional={"base64": TEXT, "upload": TEXT})}
    ),
    "read": st.fixed_dictionaries({"file": VALUES}),
}
ENVELOPES = st.sampled_from(sorted(INPUTS)).flatmap(
    lambda name: st.tuples(st.just(name), INPUTS[name], FEW_OPTIONS)
)
#: Headers as API Gateway hands them on: characters of Latin 1. It sets `host` and `x-forwarded-…` itself.
ANY_HEADER = st.text(st.characters(codec="latin-1"), max_size=40)
KNOWN_HEADERS = {
    "prefer": ["wait=99999999", "respond-async", "handling=strict, wait=1", 'wait="'],
    "if-none-match": ["*", "W/", '"a", W/"b"'],
    "last-event-id": ["1795521600000-queued"],
    "traceparent": ["00-" + "0" * 32 + "-" + "1" * 16 + "-01"],
    "accept-encoding": ["gzip"],
    "idempotency-key": ["k", "x" * 255],
    "x-unknown": ["y" * 4000],
}
HEADERS = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(few) | ANY_HEADER for name, few in KNOWN_HEADERS.items()}
).map(lambda headers: {"idempotency-key": None} | headers)
FORMS = st.fixed_dictionaries(
    {}, optional={"content-type": ANY_HEADER, "content-encoding": ANY_HEADER}
)
KNOWN_QUERIES = {
    "status": ["queued", "succeeded"],
    "operation": ["echo"],
    "tag": ["order:42", ":"],
    "limit": ["1", "100", "101"],
    "cursor": ["019ac1d2-7b5e-7c31-8f44-5d1f3b0a9e77"],
    "redirect": ["0", "1"],
    "host": ["hooks.example.com"],
    "lastEventId": ["1795521600000-running"],
}
QUERIES = st.none() | st.tuples(
    st.dictionaries(TEXT, TEXT, max_size=1),
    st.sampled_from(sorted(KNOWN_QUERIES)).flatmap(
        lambda name: st.fixed_dictionaries({name: st.sampled_from(KNOWN_QUERIES[name]) | TEXT})
    ),
).map(lambda both: both[0] | both[1])


def jsonified(value: Any) -> str:
    """Return a value as JSON text, or as what some take for it: NaN, halves of surrogate pairs."""
    return json.dumps(value)


def unwaiting(route: str, headers: dict[str, Any]) -> dict[str, Any]:
    """Return headers without a key at the hybrid door: a replay would wait for a job that does not run."""
    return headers | ({"idempotency-key": None} if route == "hybrid" else {})


def checked(reply: Reply) -> None:
    """Fail on an unexpected 5xx; `World.call` has checked that the answer is as described."""
    if reply.status >= 500:
        assert reply.problem in ASKED_FOR, reply.body
    if reply.status >= 400:
        assert reply.problem is not None
        assert reply.json["status"] == reply.status
    assert "\n" not in "".join(reply.headers.values())


#: The variables that each route has in its path.
PATHS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(ROUTES, ()),
    **dict.fromkeys(
        ("status", "result", "events", "cancel", "erase", "retry", "deliveries"), ("id",)
    ),
    "replay": ("id", "number"),
    **dict.fromkeys(("operation", "sync", "submit", "hybrid"), ("operation",)),
    "problem": ("name",),
    "docs-file": ("file",),
    "console-file": ("version", "file"),
}


@pytest.mark.parametrize("route", ROUTES)
def test_no_header_query_or_path_is_too_strange(world: World, route: str) -> None:
    existing = world.submit("echo", {"value": 1}).json["id"]
    world.work()  # or a look at it may wait for its end
    variables = {
        "id": st.just(existing) | TEXT | st.just("019ac1d2-7b5e-7c31-8f44-5d1f3b0a9e77"),
        "operation": st.just("text-stats") | TEXT,
        "name": st.just("too-large") | TEXT,
        "file": st.sampled_from(["start.js", "console.js"]) | TEXT,
        "version": st.just("0123456789ab") | TEXT,
        "number": st.just("1") | TEXT,
    }
    in_path = st.fixed_dictionaries({name: variables[name] for name in PATHS[route]})

    @some
    @given(HEADERS, QUERIES, in_path)
    def holds(headers: dict[str, Any], query: Any, place: dict[str, str]) -> None:
        checked(world.call(route, headers=unwaiting(route, headers), query=query, **place))

    holds()


@pytest.mark.parametrize("route", WITH_BODY)
def test_no_form_of_a_body_is_too_strange(world: World, route: str) -> None:
    @some
    @given(FORMS)
    def holds(headers: dict[str, str]) -> None:
        checked(world.call(route, headers={"idempotency-key": None} | headers))

    holds()


@pytest.mark.parametrize("route", WITH_BODY)
def test_no_bytes_are_too_strange(world: World, route: str) -> None:
    good = b'{"size": 5}' if route == "upload" else b'{"input": {"text": "To be, or not to be."}}'
    cuts = st.tuples(st.integers(0, len(good)), st.binary(max_size=3), st.integers(0, 2))
    whole = [b"[" * 10**5, b'{"a":' * 10**5, b"\xef\xbb\xbf{}", b"\x1f\x8b\x08", b"\x00"]

    @some
    @given(
        cuts.map(lambda cut: good[: cut[0]] + cut[1] + good[cut[0] + cut[2] :])
        | st.binary(max_size=60)
        | st.sampled_from(whole)
    )
    def holds(body: bytes) -> None:
        packed = base64.b64encode(body).decode()
        checked(world.call(route, raw=packed, is_base64=True, headers={"idempotency-key": None}))

    holds()


@pytest.mark.parametrize("route", WITH_BODY)
def test_no_text_is_too_strange(world: World, route: str) -> None:
    @some
    @given(TEXT | VALUES.map(jsonified), st.booleans())
    def holds(body: str, is_base64: bool) -> None:
        headers = {"idempotency-key": None}
        checked(world.call(route, raw=body, is_base64=is_base64, headers=headers))

    holds()


@pytest.mark.parametrize("route", ["sync", "submit", "hybrid"])
def test_no_request_is_too_strange(world: World, route: str) -> None:
    @some
    @given(ENVELOPES, HEADERS)
    def holds(asked: tuple[str, Any, Any], headers: dict[str, Any]) -> None:
        operation, given_, options = asked
        raw = jsonified({"input": given_} | (options if route != "sync" else {}))
        headers = unwaiting(route, headers)
        reply = world.call(route, operation=operation, raw=raw, headers=headers)
        checked(reply)
        if reply.status == 202:
            checked(world.call("status", id=reply.json["id"]))
            checked(world.call("list", query={"limit": "1"}))

    holds()


def test_no_credentials_are_too_strange(world: World) -> None:
    nearly = st.text("0123456789abcdef_-", max_size=60)

    @some
    @given(ANY_HEADER | nearly.map("Bearer nl_{}".format) | ANY_HEADER.map("Bearer {}".format))
    def holds(said: str) -> None:
        event = stack.event("authorize") | {"identitySource": [said]}
        answer = world.app("authorize").handler(event, lambda_context())
        assert answer == {"isAuthorized": False}

    holds()
