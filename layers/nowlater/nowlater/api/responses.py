"""HTTP responses: JSON, the results of operations, streams of events, and problems."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from nowlater import problems
from nowlater.api.request import HttpRequest

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
class Response:
    """An HTTP answer; `body` is sent as it is."""

    status: int
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Whether the body is text for sure; bytes may call themselves JSON and be none.
    is_text: bool = True

    def to_lambda(self) -> dict[str, Any]:
        """Return the answer in the HTTP API's payload format 2.0."""
        response = {"statusCode": self.status, "headers": _NOT_SNIFFED | dict(self.headers)}
        if self.body is None:
            return response
        if self.is_text and len(self.body) < _LONGEST_TEXT:
            return response | {"body": self.body.decode(), "isBase64Encoded": False}
        return response | {"body": base64.b64encode(self.body).decode(), "isBase64Encoded": True}


def json_response(
    status: int, body: Any = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return an answer with a body of JSON; `None` is no body at all."""
    sent = _NOT_STORED | dict(headers or {})
    if body is None:
        return Response(status, None, sent)
    return Response(status, msgspec.json.encode(body), {"Content-Type": JSON} | sent)


def result_response(data: bytes, media_type: str | None) -> Response:
    """Return an operation's result as it is: JSON (None), or bytes of a type, made harmless."""
    if media_type is None:
        return Response(200, data, {"Content-Type": JSON} | _NOT_STORED)
    return Response(
        200, data, {"Content-Type": media_type} | _NOT_STORED | _HARMLESS, is_text=False
    )


def text_stream(text: str) -> Response:
    """Return a finite stream of server-sent events (HTML, §9.2)."""
    return Response(200, text.encode(), {"Content-Type": EVENTS} | _NOT_STORED)


def problem_response(
    record: dict[str, Any], request: HttpRequest, *, status: int | None = None
) -> Response:
    """Return an answer that tells a problem, as `Problem.record` gave it."""
    document = problems.document(record, request.base, status)
    return json_response(document["status"], document, {"Content-Type": PROBLEM})
