"""One HTTP request: who calls, and what they sent (API Gateway's payload format 2.0)."""

import re
from dataclasses import dataclass
from typing import Any

from nowlater import request
from nowlater.log import logger
from nowlater.prefer import Prefer, preferences
from nowlater.problems import Problem
from nowlater.request import Envelope
from nowlater.timing import Instant, seconds_until

#: API Gateway answers by itself when a request is this old, counted from when it came in.
GATEWAY_S = 30
#: What is left of a time limit is never less: enough to answer, if not to do much.
_LEAST_S = 1.0

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
    def is_head(self) -> bool:
        """Whether it wants the answer to a GET without the body (RFC 9110 §9.3.2)."""
        return bool(self._event["requestContext"]["http"]["method"] == "HEAD")

    def left_s(self, limit_s: float, now: Instant) -> float:
        """Return what is left of a limit that counts from when API Gateway got the request.

        Its time can be missing or wrong (a sample event, `sam local`, a clock that is off): one that
        is to come, or longer ago than API Gateway waits, is not believed, and all of it is left.
        """
        came = self._event["requestContext"].get("timeEpoch")
        ago_s = seconds_until(now, came) if isinstance(came, int) else 0.0
        if not 0 <= ago_s <= GATEWAY_S:
            return limit_s
        return max(limit_s - ago_s, min(_LEAST_S, limit_s))

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
