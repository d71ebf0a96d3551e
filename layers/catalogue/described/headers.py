"""Headers: those that a request can have, and those of each answer."""

from typing import Any

from described.parts import Schema, number, text, url
from described.shapes import BASE
from nowlater.api.routes import JOBS_QUOTA, OF_JOBS, UPLOAD_QUOTA, Route

_ETAG = text("For `If-None-Match`.", examples=['W/"30563c1b01396e42b6be0708bee9ac50"'])
_JOB_URL = f"{BASE}/jobs/01a20eff-13a8-723c-a1e0-0187f181401b"

#: How callers say who they are.
KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key (`nl_…`) with the route's scope; or, where the stack has an issuer, a "
    "JWT of it, whose claim `scope` has it.",
}

#: The headers of answers.
_ANSWERED: dict[str, Schema] = {
    "Location": url(
        "The job's URL; with 201, where to put the file; with 303, where the result lies.",
        examples=[_JOB_URL],
    ),
    "Operation-Location": url("The job's URL.", examples=[_JOB_URL]),
    "Content-Location": url("The job's URL.", examples=[_JOB_URL]),
    "Retry-After": number(
        "Seconds until it is worth asking again.", "integer", minimum=1, examples=[2]
    ),
    "RateLimit": text(
        "The quota that is used up, and for how many seconds (`t`).",
        examples=['"unfinished-jobs";r=0;t=10'],
    ),
    "RateLimit-Policy": text(
        "That quota: so many (`q`), in so many seconds (`w`).",
        examples=['"unfinished-jobs";q=10000;qu="concurrent-requests"'],
    ),
    "Preference-Applied": text(
        "How long it would have waited, or what it did instead.", examples=["wait=5"]
    ),
    "Idempotency-Replayed": text("An earlier request with this key made the job.", const="true"),
    "ETag": _ETAG,
    "Cache-Control": text("Whether the answer may be kept.", examples=["no-store"]),
    "Content-Encoding": text("gzip, where the request accepts it.", const="gzip"),
    "Vary": text("What the answer depends on.", const="Accept-Encoding"),
    "X-Content-Type-Options": text("It is what its type says.", const="nosniff"),
    "Content-Security-Policy": text(
        "What the answer may do in a browser.", examples=["sandbox; default-src 'none'"]
    ),
}
#: The headers of requests, by the name of their component.
_ASKED: dict[str, tuple[str, Schema]] = {
    "IdempotencyKey": (
        "For 24 hours it names the job that the first request with it got.",
        text(pattern="^[ -~]{1,255}$", examples=["import-2026-11-24"]),
    ),
    "Prefer": (
        "`wait=N` (seconds), `respond-async` (at once, or with `wait=N` after it), "
        "`handling=strict` (RFC 7240); others are ignored.",
        text(examples=["wait=5"]),
    ),
    "IfNoneMatch": ("The `ETag` of your last look: 304 where nothing has changed.", _ETAG),
    "LastEventID": ("The event that you have seen.", text(examples=["1795521600000-running"])),
    "traceparent": (
        "W3C Trace Context, ignored where it is none; it comes back in the event of the job's end.",
        text(examples=["00-" + "a" * 32 + "-" + "b" * 16 + "-01"]),
    ),
}
_SPELLED = {
    "IdempotencyKey": "Idempotency-Key",
    "IfNoneMatch": "If-None-Match",
    "LastEventID": "Last-Event-ID",
}
#: Which of them a route reads.
_OF_ROUTES = {
    "async": ("IdempotencyKey", "traceparent"),
    "hybrid": ("IdempotencyKey", "Prefer", "traceparent"),
    "retryJob": ("IdempotencyKey", "traceparent"),
    "getJob": ("Prefer", "IfNoneMatch"),
    "getEvents": ("LastEventID",),
    **dict.fromkeys(("getOpenApi", "getAsyncApi", "getDocs", "getDocsFile"), ("IfNoneMatch",)),
}


def components() -> dict[str, Any]:
    """Return the components that the rest refers to: headers and parameters."""
    parameters = {
        key: {
            "name": _SPELLED.get(key, key),
            "in": "header",
            "description": description,
            "schema": schema,
        }
        for key, (description, schema) in _ASKED.items()
    }
    made: dict[str, Any] = {"headers": {}, "parameters": parameters}
    for name, schema in _ANSWERED.items():
        for required in (True, False):
            said = {k: v for k, v in schema.items() if k != "description"}
            made["headers"][_component(name, required)] = {
                "description": schema["description"],
                "required": required,
                "schema": said,
            }
    return made


def asked(route: Route) -> list[Any]:
    """Return references to the header parameters of a route."""
    return [{"$ref": f"#/components/parameters/{key}"} for key in _OF_ROUTES.get(route.id, ())]


def sent(*always: str, maybe: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the headers of an answer of ours: those that it always has, and those that it can have."""
    return _references(("X-Content-Type-Options", *always), maybe)


def _references(always: tuple[str, ...], maybe: tuple[str, ...]) -> dict[str, Any]:
    pairs = [(name, True) for name in always] + [(name, False) for name in maybe]
    return {
        name: {"$ref": f"#/components/headers/{_component(name, required)}"}
        for name, required in pairs
    }


def of_problems(route: Route, names: list[str], *, from_gateway: bool) -> dict[str, Any]:
    """Return the headers of an answer with these problems; API Gateway's own has none of them."""
    maybe: list[str] = []
    if {"try-again", "unavailable", JOBS_QUOTA, UPLOAD_QUOTA} & set(names):
        maybe.append("Retry-After")
    if {JOBS_QUOTA, UPLOAD_QUOTA} & set(names):
        maybe += ["RateLimit", "RateLimit-Policy"]
    if route.id == "hybrid" and {*OF_JOBS} & set(names):
        maybe += ["Preference-Applied", "Content-Location", "Idempotency-Replayed"]
    elif route.id == "hybrid" and "job-expired" in names:  # erased while it was waited for
        maybe.append("Content-Location")
    if not names:
        return {}
    if from_gateway:
        return _references((), (*maybe, "Cache-Control", "X-Content-Type-Options"))
    return sent("Cache-Control", maybe=tuple(maybe))


def _component(name: str, required: bool) -> str:
    return name if required else f"{name}-where-it-applies"
