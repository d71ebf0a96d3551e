"""HTTP: a Lambda's routes, their answers, and the one place where problems become answers.

API Gateway has matched the route already, and names it in the event as template.yaml spells it:
so a Lambda's routes are a dict. (A router would double the start of what answers fastest.)
"""

import base64
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import msgspec

from nowlater import problems
from nowlater.api.request import Call
from nowlater.aws import records
from nowlater.aws.records import Unreadable
from nowlater.log import logger
from nowlater.problems import Problem

JSON, PROBLEM = "application/json", "application/problem+json"
EVENTS, HTML = "text/event-stream", "text/html; charset=utf-8"

#: A longer text goes out as base64, so that escaping cannot carry it over Lambda's 6 MB.
_LONGEST_TEXT = 1024 * 1024
_NOT_STORED = {"Cache-Control": "no-store"}
#: What bytes that an operation made must not be able to do in a browser.
_HARMLESS = {"Content-Security-Policy": "sandbox; default-src 'none'"}
#: What no browser is to take for anything else than it is called.
_NOT_SNIFFED = {"X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; `body` is sent as it is."""

    status: int
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Whether the body is text for sure; bytes may call themselves JSON and be none.
    is_text: bool = True

    def to_lambda(self) -> dict[str, Any]:
        """Return the answer in the HTTP API's payload format 2.0."""
        answer = {"statusCode": self.status, "headers": _NOT_SNIFFED | dict(self.headers)}
        if self.body is None:
            return answer
        if self.is_text and len(self.body) < _LONGEST_TEXT:
            return answer | {"body": self.body.decode(), "isBase64Encoded": False}
        return answer | {"body": base64.b64encode(self.body).decode(), "isBase64Encoded": True}


type Route = Callable[[Call], Answer]


class _Served(NamedTuple):
    """A route, and the parameters of its query: those that can be there once, and more often."""

    route: Route
    once: Collection[str]
    often: Collection[str]


class Api:
    """The routes of one Lambda, answering with problem details where they raise.

    `failures` are the exceptions of a queue or table that does not answer: 503, try again.
    """

    def __init__(self, public_url: str, failures: Iterable[type[Exception]] = ()) -> None:
        self._public_url = public_url
        self._failures = tuple(failures)
        self._routes: dict[str, _Served] = {}

    @property
    def routes(self) -> list[str]:
        return list(self._routes)

    def route(
        self, key: str, *, once: Collection[str] = (), often: Collection[str] = ()
    ) -> Callable[[Route], Route]:
        """Serve a route, spelled as in the template: `GET /jobs/{id}`; what takes GET takes HEAD.

        `once` and `often` are the parameters that its query may have, once or more often.
        """

        def serve(route: Route) -> Route:
            served = _Served(route, once, often)
            self._routes[key] = served
            if key.startswith("GET "):
                self._routes[f"HEAD {key.removeprefix('GET ')}"] = served
            return route

        return serve

    def handle(self, event: dict[str, Any]) -> dict[str, Any]:
        """Answer an event of the HTTP API; raises nothing."""
        call = Call(event, self._public_url)
        try:
            served = self._routes.get(event["routeKey"]) or _no_route(call)
            call.check_query(served.once, served.often)
            answer = served.route(call)
        except Problem as problem:
            answer = _of_problem(problem, call)
        except Unreadable as fault:
            records.log(fault)
            detail = (
                f"{fault.what} cannot be read; who runs the API was told. Others are not affected."
            )
            answer = _of_problem(Problem("internal-error", detail), call)
        except self._failures:
            logger.exception("AWS did not answer")
            detail = (
                "A part of the service did not answer. Send it again, under its idempotency key."
            )
            answer = _of_problem(Problem("try-again", detail, headers={"Retry-After": "2"}), call)
        except Exception:
            logger.exception("unexpected")
            detail = "This is a fault of ours; it was recorded."
            answer = _of_problem(Problem("internal-error", detail), call)
        if call.is_head:
            # Nor its length: API Gateway counts the bytes that it is given, whatever we say.
            answer = replace(answer, body=None)
        return answer.to_lambda()


def answer(status: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an answer with a body of JSON; `None` is no body at all."""
    sent = _NOT_STORED | dict(headers or {})
    if body is None:
        return Answer(status, None, sent)
    return Answer(status, msgspec.json.encode(body), {"Content-Type": JSON} | sent)


def raw(data: bytes, media_type: str | None) -> Answer:
    """Return an operation's result as it is: JSON (None), or bytes of a type, made harmless."""
    if media_type is None:
        return Answer(200, data, {"Content-Type": JSON} | _NOT_STORED)
    return Answer(200, data, {"Content-Type": media_type} | _NOT_STORED | _HARMLESS, is_text=False)


def text_stream(text: str) -> Answer:
    """Return a finite stream of server-sent events (HTML, §9.2)."""
    return Answer(200, text.encode(), {"Content-Type": EVENTS} | _NOT_STORED)


def problem(record: dict[str, Any], call: Call, *, status: int | None = None) -> Answer:
    """Return an answer that tells a problem, as `Problem.record` gave it."""
    document = problems.document(record, call.base, status)
    return answer(document["status"], document, {"Content-Type": PROBLEM})


def _of_problem(told: Problem, call: Call) -> Answer:
    logger.info("refused", extra={"problem": told.name})
    made = problem(told.record(), call)
    return Answer(made.status, made.body, dict(made.headers) | told.headers)


def _no_route(call: Call) -> _Served:
    """Raise the problem of what no route takes: its method, or its address."""
    from nowlater.api.routes import methods_of  # 3 ms, for these alone

    if methods := methods_of(call.place):
        allowed = ", ".join(methods)
        detail = f"There is no {call.line[:200]}, but there {'are' if len(methods) > 1 else 'is'} {allowed}."
        raise Problem("wrong-method", detail, headers={"Allow": allowed})
    raise Problem("unknown-route", f"There is no {call.line[:200]}; see {call.base}/operations.")
