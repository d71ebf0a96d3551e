"""An HTTP request of API Gateway (payload format 2.0): its caller, query, headers and body."""

import re
from collections.abc import Collection
from functools import cached_property
from typing import Any

from nowlater import wording
from nowlater.access.caller import Caller, Scope
from nowlater.api.prefer import Prefer, parse_prefer
from nowlater.doors import envelope as bodies
from nowlater.doors.envelope import Envelope
from nowlater.instants import Instant, seconds_until
from nowlater.log import logger
from nowlater.outbound import targets
from nowlater.problems import Problem

#: API Gateway responds by itself when a request has taken this long since it came in.
GATEWAY_S = 30
#: The remaining time is never less than this, so that a response is still possible.
_MIN_REMAINING_S = 1.0

#: The domain of the local stack and of `sam local`, or its last label.
_EMULATOR = "localhost"

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


class HttpRequest:
    """An HTTP request (payload format 2.0)."""

    def __init__(self, event: dict[str, Any], public_url: str) -> None:
        self._event = event
        self._context: dict[str, Any] = event["requestContext"]
        self._public_url = public_url.rstrip("/")
        # API Gateway sends names in lower case; `sam local` keeps the caller's spelling.
        self._headers: dict[str, str] = {
            name.lower(): value for name, value in event["headers"].items()
        }

    @property
    def base(self) -> str:
        """The URL of the API: the stack's PublicUrl, else the domain of the request at API Gateway.

        `Host` is not trusted, as callers choose it; only emulators use it, for loopback names.
        """
        if self._public_url:
            return self._public_url
        domain = str(self._context["domainName"])
        if domain != _EMULATOR and not domain.endswith(f".{_EMULATOR}"):
            return f"https://{domain}"
        name = (self.header("host") or "").partition(":")[0].lower()
        name = name if targets.is_loopback(name) else _EMULATOR
        scheme, port = self.header("x-forwarded-proto"), self.header("x-forwarded-port")
        return f"{scheme or 'http'}://{name}:{port or 80}"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The API's host names beside that of `base`: the one called, and those given by AWS."""
        return str(self._context["domainName"]), f"{self._context['apiId']}.execute-api.*"

    @property
    def path(self) -> str:
        """The whole path, as the caller sent it."""
        return str(self._context["http"]["path"])

    @property
    def method(self) -> str:
        return str(self._context["http"]["method"])

    @property
    def is_read(self) -> bool:
        """Whether the request is GET or HEAD: only for these, If-None-Match applies."""
        return self.method in ("GET", "HEAD")

    @property
    def is_head(self) -> bool:
        """Whether the caller wants the response to a GET without its body (RFC 9110 §9.3.2)."""
        return self.method == "HEAD"

    def remaining_s(self, limit_s: float, now: Instant) -> float:
        """Return what remains of a limit that counts from when API Gateway received the request.

        That time can be missing or wrong (a sample event, `sam local`, a wrong clock): if it is in the
        future, or longer ago than API Gateway waits, the whole limit remains.
        """
        received = self._context.get("timeEpoch")
        age_s = seconds_until(now, received) if isinstance(received, int) else 0.0
        if not 0 <= age_s <= GATEWAY_S:
            return limit_s
        return max(limit_s - age_s, min(_MIN_REMAINING_S, limit_s))

    @cached_property
    def query(self) -> tuple[tuple[str, str], ...]:
        """The parameters of the query in their order, repeated ones included.

        API Gateway joins repeated ones with commas, which a single value can contain too.
        """
        raw = self._event.get("rawQueryString") or ""
        if not raw:
            return ()
        from urllib.parse import parse_qsl  # imported only for requests with a query: 4 ms

        return tuple(parse_qsl(raw, keep_blank_values=True))

    def query_parameter(self, name: str) -> str | None:
        """Return the value of a query parameter."""
        return next((value for known, value in self.query if known == name), None)

    def check_query(self, once: Collection[str], often: Collection[str]) -> None:
        """Raise Problem `malformed-request` for an unknown, empty or wrongly repeated parameter."""
        names = [name for name, _ in self.query]
        for name, value in self.query:
            if name not in once and name not in often:
                sentence = _no_parameter(name, (*once, *often))
            elif name in once and names.count(name) > 1:
                sentence = f"appears {names.count(name)} times, and may appear once"
            elif not value:
                sentence = "has no value: give it one, or omit it"
            else:
                continue
            parameter = wording.shortened(name)
            raise Problem("malformed-request", f"?{parameter} {sentence}.", parameter=parameter)

    @property
    def trace(self) -> str | None:
        """The W3C `traceparent` of the request, where it sent a valid one."""
        traceparent = self.header("traceparent") or ""
        return traceparent if _TRACEPARENT.fullmatch(traceparent) else None

    def header(self, name: str) -> str | None:
        """Return the value of a header; `name` is in lower case."""
        return self._headers.get(name)

    def has_seen(self, etag: str) -> bool:
        """Tell whether If-None-Match contains this entity tag or `*` (RFC 9110 §13.1.2)."""
        tags = {_opaque(tag.strip()) for tag in (self.header("if-none-match") or "").split(",")}
        return self.is_read and bool(tags & {_opaque(etag), "*"})

    def path_parameter(self, name: str) -> str:
        """Return the part of the path at the route's `{name}`; invalid UTF-8 is replaced."""
        return str(self._event["pathParameters"][name]).encode(errors="replace").decode()

    def caller(self, scope: Scope) -> Caller:
        """Return the caller; raises Problem `missing-scope` where it may not use this route."""
        context = self._context["authorizer"]["lambda"]
        if scope not in context["scopes"].split():
            raise Problem("missing-scope", f"This route needs the scope {scope!r}.", scope=scope)
        logger.append_keys(owner=context["owner"])
        return Caller(context["owner"], self.base, self.hosts)

    def preferences(self) -> Prefer:
        """Return the supported preferences of the Prefer header (RFC 7240)."""
        return parse_prefer(self.header("prefer"))

    def idempotency_key(self) -> str | None:
        """Return the Idempotency-Key, if any; raises Problem `malformed-request`."""
        return bodies.parse_idempotency_key(self.header("idempotency-key"))

    def envelope(self, max_bytes: int) -> Envelope:
        """Return the body as an envelope; raises the Problems of `json` and of `parse_envelope`."""
        return bodies.parse_envelope(self.json(max_bytes))

    def json(self, max_bytes: int) -> Any:
        """Return the body as JSON types; raises the Problems of `decode_json`."""
        return bodies.decode_json(
            self._event.get("body"),
            is_base64=self._event.get("isBase64Encoded", False),
            content_type=self.header("content-type"),
            max_bytes=max_bytes,
            uploads=f"{self.base}/uploads",
            content_encoding=self.header("content-encoding"),
        )


def _opaque(tag: str) -> str:
    """Return the part of an entity tag that is compared (RFC 9110 §8.8.3.2)."""
    return tag.removeprefix("W/")


def _no_parameter(name: str, known: tuple[str, ...]) -> str:
    if not known:
        return "is no parameter of this route, which takes none: omit it"
    return f"is no parameter of this route, which takes {wording.joined(known)}"
