"""One HTTP request: who calls, and what they sent (API Gateway's payload format 2.0)."""

import re
from collections.abc import Collection
from functools import cached_property
from typing import Any

from nowlater import wording
from nowlater.access.caller import Caller
from nowlater.api.prefer import Prefer, preferences
from nowlater.doors import envelope as request
from nowlater.doors.envelope import Envelope
from nowlater.instants import Instant, seconds_until
from nowlater.log import logger
from nowlater.outbound import targets
from nowlater.problems import Problem

#: API Gateway answers by itself when a request is this old, counted from when it came in.
GATEWAY_S = 30
#: What is left of a time limit is never less: enough to respond, if not to do much.
_LEAST_S = 1.0

#: The domain of the local stack and of `sam local`, or what it ends in.
_EMULATOR = "localhost"

_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)


class HttpRequest:
    """One HTTP request (payload format 2.0)."""

    def __init__(self, event: dict[str, Any], public_url: str) -> None:
        self._event = event
        self._context: dict[str, Any] = event["requestContext"]
        self._public_url = public_url.rstrip("/")
        # API Gateway writes names in lower case; `sam local` leaves them as they were sent.
        self._headers: dict[str, str] = {
            name.lower(): value for name, value in event["headers"].items()
        }

    @property
    def base(self) -> str:
        """The URL of the API: the stack's own, else the domain that API Gateway was called by.

        `Host` says whatever a caller likes. An emulator's is asked for the name of this machine.
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
        """The names of the API beside that of `base`: the one called, and those that AWS gives it."""
        return str(self._context["domainName"]), f"{self._context['apiId']}.execute-api.*"

    @property
    def line(self) -> str:
        """Method and path."""
        return f"{self.method} {self.place}"

    @property
    def place(self) -> str:
        """The whole path, as it was sent."""
        return str(self._context["http"]["path"])

    @property
    def method(self) -> str:
        return str(self._context["http"]["method"])

    @property
    def is_read(self) -> bool:
        """Whether it only asks: conditions like If-None-Match are for such requests."""
        return self.method in ("GET", "HEAD")

    @property
    def is_head(self) -> bool:
        """Whether it wants the answer to a GET without the body (RFC 9110 §9.3.2)."""
        return self.method == "HEAD"

    def left_s(self, limit_s: float, now: Instant) -> float:
        """Return what is left of a limit that counts from when API Gateway got the request.

        Its time can be missing or wrong (a sample event, `sam local`, a clock that is off): one that
        is to come, or longer ago than API Gateway waits, is not believed, and all of it is left.
        """
        came = self._context.get("timeEpoch")
        ago_s = seconds_until(now, came) if isinstance(came, int) else 0.0
        if not 0 <= ago_s <= GATEWAY_S:
            return limit_s
        return max(limit_s - ago_s, min(_LEAST_S, limit_s))

    @cached_property
    def query(self) -> tuple[tuple[str, str], ...]:
        """The parameters of the query in their order, those that are repeated too.

        API Gateway hands those on as one value, with a comma, which a value can have too.
        """
        raw = self._event.get("rawQueryString") or ""
        if not raw:
            return ()
        from urllib.parse import parse_qsl  # 4 ms, for those who send any

        return tuple(parse_qsl(raw, keep_blank_values=True))

    def parameter(self, name: str) -> str | None:
        """Return the value of a parameter of the query."""
        return next((value for known, value in self.query if known == name), None)

    def check_query(self, once: Collection[str], often: Collection[str]) -> None:
        """Raise Problem `malformed-request` for a parameter that there is not, or not so often."""
        names = [name for name, _ in self.query]
        for name, value in self.query:
            if name not in once and name not in often:
                sentence = _no_parameter(name, (*once, *often))
            elif name in once and names.count(name) > 1:
                sentence = f"is there {names.count(name)} times, and can be there once"
            elif not value:
                sentence = "has no value: give it one, or leave it out"
            else:
                continue
            shown = wording.shortened(name)
            raise Problem("malformed-request", f"?{shown} {sentence}.", parameter=shown)

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
        context = self._context["authorizer"]["lambda"]
        if scope not in context["scopes"].split():
            raise Problem("missing-scope", f"This route needs the scope {scope!r}.", scope=scope)
        logger.append_keys(owner=context["owner"])
        return Caller(context["owner"], self.base, self.hosts)

    def preferences(self) -> Prefer:
        """Return what the Prefer header (RFC 7240) asks for."""
        return preferences(self.header("prefer"))

    def idempotency_key(self) -> str | None:
        """Return the Idempotency-Key; raises Problem `malformed-request` where it is none."""
        return request.idempotency_key(self.header("idempotency-key"))

    def envelope(self, most: int) -> Envelope:
        """Return the request's body; raises the problems of `envelope.envelope`."""
        return request.envelope(self.json(most))

    def json(self, most: int) -> Any:
        """Return the request's body as JSON types; raises the problems of `envelope.decoded`."""
        in_base64 = self._event.get("isBase64Encoded", False)
        kind = self.header("content-type")
        body, uploads = self._event.get("body"), f"{self.base}/uploads"
        packed = self.header("content-encoding")
        return request.decoded(body, in_base64, kind, most, uploads, packed)


def _weak(tag: str) -> str:
    """Return what is compared of an entity tag (RFC 9110 §8.8.3.2)."""
    return tag.removeprefix("W/")


def _no_parameter(name: str, known: tuple[str, ...]) -> str:
    if not known:
        return "is no parameter of this call, which takes none: leave it out"
    return f"is no parameter of this call, which takes {wording.joined(known)}"
