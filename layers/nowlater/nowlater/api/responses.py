"""HTTP responses: JSON, the results of operations, streams of events, and problems."""

import base64
import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from nowlater import problems
from nowlater.api.request import HttpRequest

JSON, PROBLEM = "application/json", "application/problem+json"
EVENTS, HTML = "text/event-stream", "text/html; charset=utf-8"

#: Longer texts are sent as base64, as escaping could make them exceed Lambda's 6 MB.
_MAX_TEXT = 1024 * 1024
_NOT_STORED = {"Cache-Control": "no-store"}
#: Results of operations must not run scripts in a browser. It also tells a file of JSON from a JSON value.
SANDBOXED = {"Content-Security-Policy": "sandbox; default-src 'none'"}
#: Browsers must not guess another media type.
_NOT_SNIFFED = {"X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True)
class Response:
    """An HTTP response; `body` is sent unchanged."""

    status: int
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    #: Whether the body is surely UTF-8; the media type of an operation's result proves nothing.
    is_text: bool = True

    def to_lambda(self) -> dict[str, Any]:
        """Return the response in API Gateway's payload format 2.0."""
        response = {"statusCode": self.status, "headers": _NOT_SNIFFED | dict(self.headers)}
        if self.body is None:
            return response
        if self.is_text and len(self.body) < _MAX_TEXT:
            return response | {"body": self.body.decode(), "isBase64Encoded": False}
        return response | {"body": base64.b64encode(self.body).decode(), "isBase64Encoded": True}


def json_response(
    status: int, body: Any = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response with a JSON body, or with none where `body` is None."""
    all_headers = _NOT_STORED | dict(headers or {})
    if body is None:
        return Response(status, None, all_headers)
    return Response(status, msgspec.json.encode(body), {"Content-Type": JSON} | all_headers)


def result_response(data: bytes, media_type: str | None) -> Response:
    """Return an operation's result: JSON where `media_type` is None, else sandboxed bytes."""
    if media_type is None:
        return Response(200, data, {"Content-Type": JSON} | _NOT_STORED)
    return Response(
        200, data, {"Content-Type": media_type} | _NOT_STORED | SANDBOXED, is_text=False
    )


def revalidated(
    request: HttpRequest,
    data: bytes,
    headers: Mapping[str, str],
    *,
    is_text: bool = True,
    caching: str = "no-cache",
) -> Response:
    """Return a response with an entity tag; 304 where the caller has this version.

    By default, caches revalidate it each time.
    """
    etag = f'"{hashlib.sha256(data).hexdigest()[:32]}"'
    validators = {"ETag": etag, "Cache-Control": caching}
    if request.has_seen(etag):
        return Response(304, None, validators)
    return Response(200, data, dict(headers) | validators, is_text=is_text)


def packed_file(
    request: HttpRequest, packed: bytes, media_type: str, caching: str = "no-cache"
) -> Response:
    """Return a file, given as gzip: as it is to callers that accept gzip, else unpacked."""
    headers = {"Content-Type": media_type, "Vary": "Accept-Encoding"}
    if "gzip" not in (request.header("accept-encoding") or ""):
        return revalidated(
            request, gzip.decompress(packed), headers, is_text=False, caching=caching
        )
    headers |= {"Content-Encoding": "gzip"}
    return revalidated(request, packed, headers, is_text=False, caching=caching)


def text_stream(text: str) -> Response:
    """Return a finite stream of server-sent events (HTML, §9.2)."""
    return Response(200, text.encode(), {"Content-Type": EVENTS} | _NOT_STORED)


def problem_response(
    record: dict[str, Any], request: HttpRequest, *, status: int | None = None
) -> Response:
    """Return a problem response from what `Problem.record` returned."""
    document = problems.document(record, request.base, status)
    return json_response(document["status"], document, {"Content-Type": PROBLEM})
