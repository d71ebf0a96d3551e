"""What no emulator can answer for AWS: which headers, methods and bytes pass the gateway."""

import re
from typing import Any

from requests import Response

from local.verify.answers import described, shortened
from local.verify.caller import Caller
from local.verify.finding import Broken, Check, Skipped

#: What a 202 of the hybrid door has (docs/http-api.md, Doors and Prefer).
_OF_202 = (
    *("Location", "Operation-Location", "Retry-After"),
    *("Preference-Applied", "Content-Location"),
)
#: What a browser asks leave for, and what it must then be able to read.
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
    described_at = api.expect(200, "GET", "/openapi.json").json()["servers"][0]["url"]
    links = [*job["links"].values(), unknown["type"], described_at]
    for link in links:
        if not f"{link}/".startswith(f"{api.asked.url}/"):
            base = re.split("/(?:jobs|problems)/", link)[0]
            raise Broken(f"links begin with {base}, not with {api.asked.url}", "PublicUrl")
    return f"{len(links)} links begin with {api.asked.url}"


def _headers(api: Caller) -> str:
    answer = api.ask("hybrid", 202, headers={"Prefer": "respond-async"})
    _must_have(answer, *_OF_202)
    applied = answer.headers["Preference-Applied"]
    if applied != "respond-async":
        raise Broken(f"asked for respond-async, and Preference-Applied is {applied}", "Api")
    return f"202 with {', '.join(_OF_202)}"


def _last_event_id(api: Caller) -> str:
    job = api.ended(api.submit()["id"])
    path = f"/jobs/{job['id']}/events"
    stream = api.expect(200, "GET", path)
    if not stream.headers["Content-Type"].startswith("text/event-stream"):
        raise Broken(f"the events are {stream.headers['Content-Type']}", "Api")
    event_id = _field(stream, "id")
    again = api.call("GET", path, headers={"Last-Event-ID": event_id})
    if again.status_code != 204:
        told = f"Last-Event-ID of the end was answered {described(again)}, not 204"
        raise Broken(told, "Api" if again.status_code == 200 else "Status")
    return "an event, and 204 once its id comes back"


def _if_none_match(api: Caller) -> str:
    job = api.ended(api.submit()["id"])
    for path in (f"/jobs/{job['id']}", "/openapi.json"):
        seen = api.expect(200, "GET", path)
        _must_have(seen, "ETag")
        etag = seen.headers["ETag"]
        again = api.call("GET", path, headers={"If-None-Match": etag})
        if again.status_code != 304 or again.content:
            told = f"{shortened(path)} is unchanged, and answered {described(again)}, not 304"
            raise Broken(told, "Api")
    return "ETag, then 304 without a body: a job, the description"


def _head(api: Caller) -> str:
    job = api.ended(api.submit()["id"])
    for path in ("/health", f"/jobs/{job['id']}", "/jobs"):
        got, head = api.expect(200, "GET", path), api.call("HEAD", path)
        if head.status_code != 200 or head.content:
            told = f"HEAD {shortened(path)} answered {head.status_code}, and GET 200"
            raise Broken(told, "Api")
        if head.headers.get("Content-Type") != got.headers.get("Content-Type"):
            raise Broken(f"HEAD {shortened(path)} has another Content-Type than GET", "Api")
    return "as GET without a body: health, a job, the list"


def _bytes(api: Caller) -> str:
    plain = api.expect(200, "GET", _FILE, headers={"Accept-Encoding": "identity"})
    packed = api.expect(200, "GET", _FILE, headers={"Accept-Encoding": "gzip"})
    if packed.headers.get("Content-Encoding") != "gzip" or packed.content != plain.content:
        raise Broken(f"{_FILE} comes without gzip, or is another file with it", "Api")
    return f"{len(plain.content)} bytes, packed and plain alike"


def _no_store(api: Caller) -> str:
    answer = api.expect(200, "GET", "/jobs?limit=1")
    if answer.headers.get("Cache-Control") != "no-store":
        said = answer.headers.get("Cache-Control", "nothing")
        raise Broken(f"Cache-Control of the list is {said}, not no-store", "Api")
    if age := answer.headers.get("Age"):
        raise Broken(f"the list came out of a cache, {age} s old", "Api")
    return "Cache-Control: no-store, and no Age"


def _preflight(api: Caller) -> str:
    origin = api.asked.origin
    if origin is None:
        raise Skipped("give the origin of a web page: ORIGIN=https://app.example.com")
    asked = {"Access-Control-Request-Method": "POST"}
    asked |= {"Access-Control-Request-Headers": ",".join(_SENT)}
    answer = _as_browser(api, "OPTIONS", "/async/verify", origin, asked)
    if not 200 <= answer.status_code < 300 or _allowed(answer) not in (origin, "*"):
        told = f"the preflight of {origin} was answered {answer.status_code}, "
        raise Broken(told + f"allowing {_allowed(answer) or 'no origin'}", "WebOrigins")
    _must_list(answer, "Access-Control-Allow-Headers", _SENT)
    _must_list(answer, "Access-Control-Allow-Methods", _METHODS)
    seen = _as_browser(api, "GET", "/health", origin, {})
    if _allowed(seen) not in (origin, "*"):
        raise Broken(f"a preflight allows {origin}, and an answer does not", "WebOrigins")
    _must_list(seen, "Access-Control-Expose-Headers", _READ)
    stranger = "https://nowlater-verify.invalid"
    if _allowed(_as_browser(api, "OPTIONS", "/async/verify", stranger, asked)) == stranger:
        raise Broken(f"any origin is let in, {stranger} too", "WebOrigins")
    return f"{origin} is let in, with {len(_SENT)} headers"


def _as_browser(
    api: Caller, method: str, path: str, origin: str, headers: dict[str, str]
) -> Response:
    return api.call(method, path, with_key=False, headers={"Origin": origin} | headers)


def _allowed(answer: Response) -> str | None:
    return answer.headers.get("Access-Control-Allow-Origin")


def _must_list(answer: Response, header: str, names: tuple[str, ...]) -> None:
    listed = {name.strip().lower() for name in answer.headers.get(header, "").split(",")}
    if missing := [name for name in names if not listed & {name.lower(), "*"}]:
        raise Broken(f"{header} lacks {', '.join(missing)}", "WebOrigins")


def _must_have(answer: Response, *headers: str) -> None:
    if missing := [name for name in headers if name not in answer.headers]:
        raise Broken(f"the answer came without {', '.join(missing)}", "Api")


def _field(stream: Response, name: str) -> Any:
    """Return a field of the first server-sent event of a stream."""
    lines = stream.content.decode().splitlines()
    return next(line.partition(": ")[2] for line in lines if line.startswith(f"{name}: "))


CHECKS = (
    Check("links begin with the URL that callers use", _links),
    Check("Prefer arrives; Content-Location, Retry-After and Location come back", _headers),
    Check("Last-Event-ID arrives", _last_event_id),
    Check("If-None-Match arrives; ETag and 304 come back", _if_none_match),
    Check("HEAD is answered", _head),
    Check("bytes pass as bytes", _bytes),
    Check("nothing that a key sees is cached", _no_store),
    Check("a web page of that origin may call (CORS preflight)", _preflight),
)
