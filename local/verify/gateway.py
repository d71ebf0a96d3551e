"""Checks that need a real gateway: which headers, methods and bytes pass it."""

import re
from typing import Any

from requests import Response

from local.verify.caller import Caller
from local.verify.finding import Broken, Check, Skipped
from local.verify.responses import describe, shorten

#: The headers of a 202 of the hybrid door (docs/http-api.md, Doors and Prefer).
_OF_202 = (
    *("Location", "Operation-Location", "Retry-After"),
    *("Preference-Applied", "Content-Location"),
)
#: The headers that a browser requests in a preflight, and those that it must be able to read.
_SENT = (
    *("authorization", "content-type", "idempotency-key", "if-none-match"),
    *("last-event-id", "prefer", "traceparent"),
)
_READ = ("content-location", "etag", "location", "preference-applied", "retry-after")
_METHODS = ("GET", "POST", "DELETE")
_FILE = "/docs/swagger-ui.css"


def _links(api: Caller) -> str:
    job = api.submit(start={"after": 3600})
    unknown = api.expect(404, "GET", "/nowhere", "unknown-route").json()
    server = api.expect(200, "GET", "/openapi.json").json()["servers"][0]["url"]
    links, url = [*job["links"].values(), unknown["type"], server], api.options.url
    for link in links:
        if not f"{link}/".startswith(f"{url}/"):
            base = re.split("/(?:jobs|problems)/", link)[0]
            raise Broken(f"links begin with {base}, not with {url}", "PublicUrl")
    return f"{len(links)} links begin with {url}"


def _headers(api: Caller) -> str:
    response = api.call_operation("hybrid", 202, headers={"Prefer": "respond-async"})
    _require_headers(response, *_OF_202)
    applied = response.headers["Preference-Applied"]
    if applied != "respond-async":
        raise Broken(f"Prefer is respond-async, and Preference-Applied is {applied}", "Api")
    return f"202 with {', '.join(_OF_202)}"


def _last_event_id(api: Caller) -> str:
    job = api.wait_for_end(api.submit()["id"])
    path = f"/jobs/{job['id']}/events"
    stream = api.expect(200, "GET", path)
    if not stream.headers["Content-Type"].startswith("text/event-stream"):
        raise Broken(f"the events are {stream.headers['Content-Type']}", "Api")
    event_id = _field(stream, "id")
    repeated = api.call("GET", path, headers={"Last-Event-ID": event_id})
    if repeated.status_code != 204:
        evidence = f"Last-Event-ID of the end returned {describe(repeated)}, not 204"
        raise Broken(evidence, "Api" if repeated.status_code == 200 else "Status")
    return "an event, and 204 after its id was sent back"


def _if_none_match(api: Caller) -> str:
    job = api.wait_for_end(api.submit()["id"])
    for path in (f"/jobs/{job['id']}", "/openapi.json"):
        first = api.expect(200, "GET", path)
        _require_headers(first, "ETag")
        repeated = api.call("GET", path, headers={"If-None-Match": first.headers["ETag"]})
        if repeated.status_code != 304 or repeated.content:
            evidence = f"{shorten(path)} is unchanged, and returned {describe(repeated)}, not 304"
            raise Broken(evidence, "Api")
    return "ETag, then 304 without a body: a job, the description"


def _head(api: Caller) -> str:
    job = api.wait_for_end(api.submit()["id"])
    for path in ("/health", f"/jobs/{job['id']}", "/jobs"):
        get, head = api.expect(200, "GET", path), api.call("HEAD", path)
        if head.status_code != 200 or head.content:
            raise Broken(f"HEAD {shorten(path)} returned {head.status_code}, and GET 200", "Api")
        if head.headers.get("Content-Type") != get.headers.get("Content-Type"):
            raise Broken(f"HEAD {shorten(path)} has another Content-Type than GET", "Api")
    return "like GET without a body: health, a job, the list"


def _bytes(api: Caller) -> str:
    plain = api.expect(200, "GET", _FILE, headers={"Accept-Encoding": "identity"})
    packed = api.expect(200, "GET", _FILE, headers={"Accept-Encoding": "gzip"})
    if packed.headers.get("Content-Encoding") != "gzip" or packed.content != plain.content:
        raise Broken(f"{_FILE} is not compressed by gzip, or differs if it is", "Api")
    return f"{len(plain.content)} bytes, the same with and without gzip"


def _no_store(api: Caller) -> str:
    response = api.expect(200, "GET", "/jobs?limit=1")
    cache_control = response.headers.get("Cache-Control", "missing")
    if cache_control != "no-store":
        raise Broken(f"Cache-Control of the list is {cache_control}, not no-store", "Api")
    if age := response.headers.get("Age"):
        raise Broken(f"the list came from a cache, {age} s old", "Api")
    return "Cache-Control: no-store, and no Age"


def _preflight(api: Caller) -> str:
    origin = api.options.origin
    if origin is None:
        raise Skipped("add the origin of a web page: ORIGIN=https://app.example.com")
    request = {"Access-Control-Request-Method": "POST"}
    request |= {"Access-Control-Request-Headers": ",".join(_SENT)}
    response = _call_as_browser(api, "OPTIONS", "/async/verify", origin, request)
    allowed = _allowed_origin(response)
    if not 200 <= response.status_code < 300 or allowed not in (origin, "*"):
        evidence = f"the preflight of {origin} returned {response.status_code}, "
        raise Broken(evidence + f"allowing {allowed or 'no origin'}", "WebOrigins")
    _require_names(response, "Access-Control-Allow-Headers", _SENT)
    _require_names(response, "Access-Control-Allow-Methods", _METHODS)
    actual = _call_as_browser(api, "GET", "/health", origin, {})
    if _allowed_origin(actual) not in (origin, "*"):
        raise Broken(f"a preflight allows {origin}, and a response does not", "WebOrigins")
    _require_names(actual, "Access-Control-Expose-Headers", _READ)
    other = "https://nowlater-verify.invalid"
    preflight = _call_as_browser(api, "OPTIONS", "/async/verify", other, request)
    if _allowed_origin(preflight) == other:
        raise Broken(f"every origin is allowed, also {other}", "WebOrigins")
    return f"{origin} is allowed, with {len(_SENT)} headers"


def _call_as_browser(
    api: Caller, method: str, path: str, origin: str, headers: dict[str, str]
) -> Response:
    return api.call(method, path, with_key=False, headers={"Origin": origin} | headers)


def _allowed_origin(response: Response) -> str | None:
    return response.headers.get("Access-Control-Allow-Origin")


def _require_names(response: Response, header: str, names: tuple[str, ...]) -> None:
    """Raise Broken if a header's list lacks one of these names."""
    listed = {name.strip().lower() for name in response.headers.get(header, "").split(",")}
    if missing := [name for name in names if not listed & {name.lower(), "*"}]:
        raise Broken(f"{header} lacks {', '.join(missing)}", "WebOrigins")


def _require_headers(response: Response, *headers: str) -> None:
    """Raise Broken if a response lacks one of these headers."""
    if missing := [name for name in headers if name not in response.headers]:
        raise Broken(f"the response came without {', '.join(missing)}", "Api")


def _field(stream: Response, name: str) -> Any:
    """Return a field of the first server-sent event of a stream."""
    lines = stream.content.decode().splitlines()
    return next(line.partition(": ")[2] for line in lines if line.startswith(f"{name}: "))


CHECKS = (
    Check("links begin with the URL that callers use", _links),
    Check("Prefer arrives; Content-Location, Retry-After and Location come back", _headers),
    Check("Last-Event-ID arrives", _last_event_id),
    Check("If-None-Match arrives; ETag and 304 come back", _if_none_match),
    Check("HEAD responds like GET", _head),
    Check("binary responses are unchanged", _bytes),
    Check("responses to requests with a key are not cached", _no_store),
    Check("a web page of the given origin may call (CORS preflight)", _preflight),
)
