"""HTTP: who calls, what they sent, and the one place where problems become answers."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from nowlater import problems, request
from nowlater.log import logger
from nowlater.problems import Problem
from nowlater.request import Envelope

JSON, PROBLEM = "application/json", "application/problem+json"

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)

#: A longer text goes out as base64, so that escaping cannot carry it over Lambda's 6 MB.
_LONGEST_TEXT = 1024 * 1024
_NOT_STORED = {"Cache-Control": "no-store"}
#: What bytes that an operation made must not be able to do in a browser.
_HARMLESS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
}


@dataclass(frozen=True)
class Caller:
    """Who calls, as the authorizer says, and where they found us."""

    owner: str
    base: str


class Api(APIGatewayHttpResolver):
    """Routes of the HTTP API (payload format 2.0), answering with problem details where it must.

    `failures` are the exceptions of a queue or table that does not answer: 503, try again.
    """

    def __init__(self, public_url: str, failures: Iterable[type[Exception]] = ()) -> None:
        super().__init__()
        self._public_url = public_url.rstrip("/")
        self.exception_handler(Problem)(self._problem)
        self.exception_handler(Exception)(self._crash)
        for failure in failures:
            self.exception_handler(failure)(self._unreachable)
        self.not_found(self._no_route)

    @property
    def base(self) -> str:
        """The URL under which the caller reached the API."""
        host = self.header("host") or "localhost"
        return self._public_url or f"{self.header('x-forwarded-proto') or 'https'}://{host}"

    def header(self, name: str) -> str | None:
        value: str | None = self.current_event.headers.get(name)
        return value

    @property
    def queries(self) -> dict[str, str]:
        """The parameters of the query."""
        return dict(self.current_event.query_string_parameters or {})

    @property
    def idempotency_key(self) -> str | None:
        """The Idempotency-Key header; raises Problem `malformed-request` where it is none."""
        return request.idempotency_key(self.header("idempotency-key"))

    @property
    def trace(self) -> str | None:
        """The W3C `traceparent` of the request, if it sent one of that form."""
        sent = self.header("traceparent") or ""
        return sent if _TRACEPARENT.fullmatch(sent) else None

    def caller(self, scope: str) -> Caller:
        """Return who calls; raises Problem `missing-scope` where they may not use this route."""
        context = self.current_event.raw_event["requestContext"]["authorizer"]["lambda"]
        if scope not in context["scopes"].split():
            raise Problem(
                "missing-scope", f"This route needs a key with the scope {scope!r}.", scope=scope
            )
        logger.append_keys(owner=context["owner"])
        return Caller(context["owner"], self.base)

    def envelope(self, most: int) -> Envelope:
        """Return the request's body; raises the problems of `request.envelope`."""
        return request.envelope(self.json(most))

    def json(self, most: int) -> Any:
        """Return the request's body as JSON types; raises the problems of `request.decoded`."""
        event = self.current_event
        in_base64 = event.is_base64_encoded or False
        return request.decoded(event.body, in_base64, self.header("content-type"), most)

    def _problem(self, problem: Problem) -> Response[Any]:
        logger.info("refused", extra={"problem": problem.name})
        document = problems.document(problem.record(), self.base)
        return answer(problem.status, document, problem.headers, media_type=PROBLEM)

    def _unreachable(self, error: Exception) -> Response[Any]:
        logger.exception("AWS did not answer")
        detail = "A part of the service did not answer; nothing was accepted. Send it again."
        return self._problem(Problem("try-again", detail, headers={"Retry-After": "2"}))

    def _crash(self, error: Exception) -> Response[Any]:
        logger.exception("unexpected")
        return self._problem(Problem("internal-error", "This is a fault of ours; it was recorded."))

    def _no_route(self, error: Exception) -> Response[Any]:
        said = f"{self.current_event.http_method} {self.current_event.path}"
        return self._problem(
            Problem("unknown-route", f"There is no {said[:200]}; see {self.base}/operations.")
        )


def answer(
    status: int,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    media_type: str = JSON,
    may_be_kept: bool = False,
) -> Response[Any]:
    """Return an answer: `body` is encoded as JSON; `None` is no body at all."""
    sent = dict({} if may_be_kept else _NOT_STORED) | dict(headers or {})
    if body is None:
        return Response(status, headers=sent)
    data = msgspec.json.encode(body)
    text = data.decode() if len(data) < _LONGEST_TEXT else data
    return Response(status, media_type, text, sent)


def raw(data: bytes, media_type: str) -> Response[Any]:
    """Return an operation's result as it is: JSON as JSON, bytes as bytes that stay harmless."""
    if media_type == JSON:
        text = data.decode() if len(data) < _LONGEST_TEXT else data
        return Response(200, JSON, text, dict(_NOT_STORED))
    return Response(200, media_type, data, _NOT_STORED | _HARMLESS)
