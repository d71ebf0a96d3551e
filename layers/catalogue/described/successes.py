"""Answers that are successes: their bodies and headers, route by route."""

from typing import Any

from described.headers import sent
from described.parts import Schema, ref, text

_JSON = "application/json"
_ACCEPTED = ("Location", "Operation-Location", "Cache-Control")
#: Bytes, in the type that they have.
FILE: dict[str, Any] = {"application/octet-stream": {"schema": {}}, "*/*": {"schema": {}}}
_HARMLESS = ("Content-Security-Policy",)
_KEPT = ("ETag", "Cache-Control")

#: A job's routes, by the name that its links have in the document.
_JOB_LINKS = {
    "job": ("getJob", "The job as it is."),
    "result": ("getResult", "Its result."),
    "events": ("getEvents", "Its status as server-sent events."),
    "cancel": ("cancelJob", "Ends it."),
    "retry": ("retryJob", "Asks again, once it has ended."),
    "erase": ("eraseJob", "Erases it, once it has ended."),
    "deliveries": ("listDeliveries", "What its callback was sent."),
}


def of_door(door: str, result: Any) -> dict[str, Any]:
    """Return the successes of a door by status; `result` is the content of a 200."""
    accepted: dict[str, Any] = {
        "description": "A job was accepted, or found by its idempotency key.",
        "headers": sent(*_ACCEPTED, maybe=("Retry-After", "Idempotency-Replayed")),
        "content": {_JSON: {"schema": ref("Job")}},
        "links": links(),
    }
    answered: dict[str, Any] = {
        "description": "The result itself.",
        "headers": sent("Cache-Control", maybe=_HARMLESS),
        "content": result,
    }
    if door == "sync":
        return {"200": answered}
    if door == "async":
        return {"202": accepted}
    applied = sent("Preference-Applied", "Content-Location", maybe=("Idempotency-Replayed",))
    return {
        "200": answered | {"headers": answered["headers"] | applied},
        "202": accepted | {"headers": accepted["headers"] | applied},
    }


def links() -> dict[str, Any]:
    """Return the links of an answer with a job."""
    job_id = "$response.body#/id"
    return {
        name: {"operationId": route, "parameters": {"id": job_id}, "description": description}
        for name, (route, description) in _JOB_LINKS.items()
    }


def _of(status: int, description: str, headers: Any, schema: Schema | None, **more: Any) -> Any:
    content: dict[str, Any] = {} if schema is None else {"content": {_JSON: {"schema": schema}}}
    return {str(status): {"description": description, "headers": headers} | content | more}


def _job(status: int, description: str, headers: Any) -> Any:
    return _of(status, description, headers, ref("Job"), links=links())


_NOT_STORED = sent("Cache-Control")
_SHOWN = sent("ETag", "Cache-Control", maybe=("Retry-After", "Preference-Applied"))
_UNCHANGED = _of(304, "Nothing has changed since your last look.", sent(*_KEPT), None)
_DOCUMENT = _of(200, "The document.", sent(*_KEPT), {"type": "object"}) | _UNCHANGED
#: Without a type: some tools check the whole text against it, others each event.
_EVENTS = {
    "description": "`retry`, and `id` and `data` where there is news; `data` is a Job.",
    "examples": ['id: 1795548600571-running\ndata: {"status":"running"}\nretry: 1000\n\n'],
}
_FILE = text(contentMediaType="application/octet-stream")

#: route → status → answer.
SUCCESSES: dict[str, dict[str, Any]] = {
    "listJobs": _of(200, "A page of jobs.", _NOT_STORED, ref("JobPage")),
    "getJob": _job(200, "The job as it is.", _SHOWN)
    | _of(304, "The job is as you have seen it.", _SHOWN, None),
    "getResult": {
        "200": {
            "description": "The result itself; with `redirect=0` where a large one lies.",
            "headers": sent("Cache-Control", maybe=_HARMLESS),
            "content": {
                _JSON: {"schema": {"anyOf": [{"description": "The result."}, ref("Download")]}},
                **FILE,
            },
        }
    }
    | _job(202, "The job has not ended.", sent("Cache-Control", maybe=("Retry-After",)))
    | _of(303, "It is large, and lies elsewhere.", sent("Location", "Cache-Control"), None),
    "getEvents": {
        "200": {
            "description": "The job as one event, unless it was seen, and when to come back.",
            "headers": _NOT_STORED,
            "content": {"text/event-stream": {"schema": _EVENTS}},
        }
    }
    | _of(204, "The end was seen.", _NOT_STORED, None),
    "cancelJob": _job(200, "The canceled job.", sent(*_KEPT)),
    "retryJob": of_door("async", None),
    "eraseJob": _of(204, "It is erased.", _NOT_STORED, None),
    "listDeliveries": _of(200, "All deliveries of the job.", _NOT_STORED, ref("DeliveryList")),
    "replayDelivery": _of(202, "It is sent again.", _NOT_STORED, ref("Delivery")),
    "getSecret": _of(200, "The secret, and those before it.", _NOT_STORED, ref("Secret")),
    "rotateSecret": _of(200, "There are new secrets.", _NOT_STORED, ref("Rotation")),
    "createUpload": _of(
        201, "Where to put the file.", sent("Location", "Cache-Control"), ref("Upload")
    ),
    "listOperations": _of(200, "All operations.", _NOT_STORED, ref("OperationList")),
    "getOperation": _of(200, "The operation.", _NOT_STORED, ref("Operation")),
    "getProblem": _of(200, "What it means.", _NOT_STORED, ref("ProblemKind")),
    "getHealth": _of(200, "It answers.", _NOT_STORED, ref("Health")),
    "getOpenApi": _DOCUMENT,
    "getAsyncApi": _DOCUMENT,
    "getDocs": {
        "200": {
            "description": "A page for a browser.",
            "headers": sent(*_KEPT, *_HARMLESS),
            "content": {"text/html": {"schema": text()}},
        }
    }
    | _UNCHANGED,
    "getDocsFile": {
        "200": {
            "description": "A script, a style or a picture.",
            "headers": sent(*_KEPT, "Vary", maybe=("Content-Encoding",)),
            "content": {
                kind: {"schema": _FILE}
                for kind in ("text/css", "text/javascript", "text/plain", "image/png")
            },
        }
    }
    | _UNCHANGED,
}
