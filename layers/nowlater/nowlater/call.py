"""One HTTP request: who calls, and what they sent (API Gateway's payload format 2.0)."""

import re
from dataclasses import dataclass
from typing import Any

from nowlater import request
from nowlater.log import logger
from nowlater.prefer import Prefer, preferences
from nowlater.problems import Problem
from nowlater.request import Envelope

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


@dataclass(frozen=True)
class Caller:
    """Who calls, as the authorizer says, and where they found us."""

    owner: str
    base: str


class Call:
    """One HTTP request (payload format 2.0)."""

    def __init__(self, event: dict[str, Any], public_url: str) -> None:
        self._event = event
        self._public_url = public_url.rstrip("/")
        # API Gateway writes names in lower case; `sam local` leaves them as they were sent.
        self._headers: dict[str, str] = {
            name.lower(): value for name, value in event["headers"].items()
        }

    @property
    def base(self) -> str:
        """The URL under which the caller reached the API."""
        said = f"{self.header('x-forwarded-proto') or 'https'}://{self.header('host')}"
        return self._public_url or said

    @property
    def line(self) -> str:
        """Method and path."""
        http = self._event["requestContext"]["http"]
        return f"{http['method']} {http['path']}"

    @property
    def is_read(self) -> bool:
        """Whether it only asks: conditions like If-None-Match are for such requests."""
        return self._event["requestContext"]["http"]["method"] in ("GET", "HEAD")

    @property
    def queries(self) -> dict[str, str]:
        """The parameters of the query."""
        return dict(self._event.get("queryStringParameters") or {})

    @property
    def trace(self) -> str | None:
        """The W3C `traceparent` of the request, if it sent one of that form."""
        sent = self.header("traceparent") or ""
        return sent if _TRACEPARENT.fullmatch(sent) else None

    def header(self, name: str) -> str | None:
        """Return a header's value, by its name in lower case."""
        return self._headers.get(name)

    def has_seen(self, etag: str) -> bool:
        """Tell whether If-None-Match names this entity tag, or any (RFC 9110 §13.1.2)."""
        seen = {_weak(tag.strip()) for tag in (self.header("if-none-match") or "").split(",")}
        return self.is_read and bool(seen & {_weak(etag), "*"})

    def path(self, name: str) -> str:
        """Return what stands in the path where the route has `{name}`, as far as UTF-8 can say it."""
        return str(self._event["pathParameters"][name]).encode(errors="replace").decode()

    def caller(self, scope: str) -> Caller:
        """Return who calls; raises Problem `missing-scope` where they may not use this route."""
        context = self._event["requestContext"]["authorizer"]["lambda"]
        if scope not in context["scopes"].split():
            raise Problem("missing-scope", f"This route needs the scope {scope!r}.", scope=scope)
        logger.append_keys(owner=context["owner"])
        return Caller(context["owner"], self.base)

    def preferences(self) -> Prefer:
        """Return what the Prefer header (RFC 7240) asks for."""
        return preferences(self.header("prefer"))

    def idempotency_key(self) -> str | None:
        """Return the Idempotency-Key; raises Problem `malformed-request` where it is none."""
        return request.idempotency_key(self.header("idempotency-key"))

    def envelope(self, most: int) -> Envelope:
        """Return the request's body; raises the problems of `request.envelope`."""
        return request.envelope(self.json(most))

    def json(self, most: int) -> Any:
        """Return the request's body as JSON types; raises the problems of `request.decoded`."""
        in_base64 = self._event.get("isBase64Encoded", False)
        kind = self.header("content-type")
        body, uploads = self._event.get("body"), f"{self.base}/uploads"
        packed = self.header("content-encoding")
        return request.decoded(body, in_base64, kind, most, uploads, packed)


def _weak(tag: str) -> str:
    """Return what is compared of an entity tag (RFC 9110 §8.8.3.2)."""
    return tag.removeprefix("W/")
