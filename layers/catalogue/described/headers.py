"""The headers of requests and responses."""

from typing import Any

from described.parts import Schema, number, text, url
from described.shapes import BASE
from nowlater.api.routes import JOBS_QUOTA, OF_JOBS, UPLOAD_QUOTA, Route

_ETAG = text("The value for `If-None-Match`.", examples=['W/"30563c1b01396e42b6be0708bee9ac50"'])
_JOB_URL = f"{BASE}/jobs/01a20eff-13a8-723c-a1e0-0187f181401b"

#: How callers authenticate.
KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key (`nl_…`) with the route's scope; or, if the stack has a JWT issuer, a "
    "JWT of this issuer with the scope in its claim `scope`.",
}

_RESPONSE_HEADERS: dict[str, Schema] = {
    "Location": url(
        "The job's URL; with 201, the URL that takes the file; with 303, the URL of the result.",
        examples=[_JOB_URL],
    ),
    "Operation-Location": url("The job's URL.", examples=[_JOB_URL]),
    "Content-Location": url("The job's URL.", examples=[_JOB_URL]),
    "Retry-After": number(
        "How many seconds to wait before the next request.", "integer", minimum=1, examples=[2]
    ),
    "RateLimit": text(
        "The exhausted quota, and for how many seconds (`t`).",
        examples=['"unfinished-jobs";r=0;t=10'],
    ),
    "RateLimit-Policy": text(
        "That quota: its limit (`q`), and its window in seconds (`w`).",
        examples=['"unfinished-jobs";q=10000;qu="concurrent-requests"'],
    ),
    "Preference-Applied": text("The preference that the API has applied.", examples=["wait=5"]),
    "Idempotency-Replayed": text("An earlier request with this key made the job.", const="true"),
    "ETag": _ETAG,
    "Cache-Control": text("Whether the response may be cached.", examples=["no-store"]),
    "Content-Encoding": text("gzip, if the request accepts it.", const="gzip"),
    "Vary": text("The request header that the response depends on.", const="Accept-Encoding"),
    "X-Content-Type-Options": text(
        "Browsers must not guess another content type.", const="nosniff"
    ),
    "Content-Security-Policy": text(
        "What a browser allows the response to do.", examples=["sandbox; default-src 'none'"]
    ),
}
#: By the name of their component.
_REQUEST_HEADERS: dict[str, tuple[str, Schema]] = {
    "IdempotencyKey": (
        "Requests with the same key within 24 hours return the job of the first one. Requests of "
        "the same upload with the same key return the same upload, at any time.",
        text(pattern="^[ -~]{1,255}$", examples=["import-2026-11-24"]),
    ),
    "Prefer": (
        "`wait=N` (seconds), `respond-async` (respond at once, or after `wait=N`), "
        "`handling=strict` (RFC 7240); other preferences are ignored.",
        text(examples=["wait=5"]),
    ),
    "IfNoneMatch": ("The `ETag` of an earlier response: 304 if nothing has changed.", _ETAG),
    "LastEventID": (
        "The id of the last event that you received.",
        text(examples=["1795521600000-running"]),
    ),
    "traceparent": (
        "W3C Trace Context, returned in the job's completion event; an invalid value is ignored.",
        text(examples=["00-" + "a" * 32 + "-" + "b" * 16 + "-01"]),
    ),
}
_SPELLED = {
    "IdempotencyKey": "Idempotency-Key",
    "IfNoneMatch": "If-None-Match",
    "LastEventID": "Last-Event-ID",
}
_DESCRIPTIONS = (
    *("getOpenApi", "getAsyncApi", "getDocs", "getDocsFile"),
    *("getConsole", "getConsoleFile"),
)
#: By route: the headers that it reads.
_READ = {
    "async": ("IdempotencyKey", "traceparent"),
    "hybrid": ("IdempotencyKey", "Prefer", "traceparent"),
    "retryJob": ("IdempotencyKey", "traceparent"),
    "createUpload": ("IdempotencyKey",),
    "getJob": ("Prefer", "IfNoneMatch"),
    "getEvents": ("LastEventID",),
    **dict.fromkeys(_DESCRIPTIONS, ("IfNoneMatch",)),
}


def components() -> dict[str, Any]:
    """Return the components of headers: those of responses, and the parameters of requests."""
    parameters = {
        key: {
            "name": _SPELLED.get(key, key),
            "in": "header",
            "description": description,
            "schema": schema,
        }
        for key, (description, schema) in _REQUEST_HEADERS.items()
    }
    headers: dict[str, Any] = {}
    for name, schema in _RESPONSE_HEADERS.items():
        for is_required in (True, False):
            headers[_component(name, is_required)] = {
                "description": schema["description"],
                "required": is_required,
                "schema": {k: v for k, v in schema.items() if k != "description"},
            }
    return {"headers": headers, "parameters": parameters}


def request_headers(route: Route) -> list[Any]:
    """Return references to the header parameters of a route."""
    return [{"$ref": f"#/components/parameters/{key}"} for key in _READ.get(route.id, ())]


def response_headers(*always: str, maybe: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the headers of a response of a Lambda: those it always has, and those it can have."""
    return _references(("X-Content-Type-Options", *always), maybe)


def _references(always: tuple[str, ...], maybe: tuple[str, ...]) -> dict[str, Any]:
    pairs = [(name, True) for name in always] + [(name, False) for name in maybe]
    return {
        name: {"$ref": f"#/components/headers/{_component(name, is_required)}"}
        for name, is_required in pairs
    }


def problem_headers(route: Route, names: list[str], *, may_be_gateway: bool) -> dict[str, Any]:
    """Return the headers of a response with these problems; API Gateway's own responses have none."""
    maybe: list[str] = []
    if {"try-again", "unavailable", JOBS_QUOTA, UPLOAD_QUOTA} & set(names):
        maybe.append("Retry-After")
    if {JOBS_QUOTA, UPLOAD_QUOTA} & set(names):
        maybe += ["RateLimit", "RateLimit-Policy"]
    if route.id == "hybrid" and {*OF_JOBS} & set(names):
        maybe += ["Preference-Applied", "Content-Location", "Idempotency-Replayed"]
    elif route.id == "hybrid" and "job-expired" in names:  # erased during the wait
        maybe.append("Content-Location")
    if not names:
        return {}
    if may_be_gateway:
        return _references((), (*maybe, "Cache-Control", "X-Content-Type-Options"))
    return response_headers("Cache-Control", maybe=tuple(maybe))


def _component(name: str, is_required: bool) -> str:
    return name if is_required else f"{name}-where-it-applies"
