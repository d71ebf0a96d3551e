"""The successful responses of each route: their bodies and headers."""

from typing import Any

from described.headers import response_headers
from described.parts import Schema, ref, text

_JSON = "application/json"
_ACCEPTED = ("Location", "Operation-Location", "Cache-Control")
#: The content of a response that is a file, with the file's own media type.
FILE: dict[str, Any] = {"application/octet-stream": {"schema": {}}, "*/*": {"schema": {}}}
_SANDBOXED = ("Content-Security-Policy",)
_CACHED = ("ETag", "Cache-Control")

#: By the name of a link in a response with a job: the route it leads to.
_JOB_LINKS = {
    "job": ("getJob", "The job's current state."),
    "result": ("getResult", "The job's result."),
    "events": ("getEvents", "The job's status as server-sent events."),
    "cancel": ("cancelJob", "Cancels the job."),
    "retry": ("retryJob", "Repeats the request as a new job, after the job has ended."),
    "erase": ("eraseJob", "Erases the job, after it has ended."),
    "deliveries": ("listDeliveries", "The webhooks for the job's callback."),
}


def door_successes(door: str, result: Any) -> dict[str, Any]:
    """Return a door's successful responses by status; `result` is the content of a 200."""
    accepted: dict[str, Any] = {
        "description": "A job was accepted, or found by its idempotency key.",
        "headers": response_headers(*_ACCEPTED, maybe=("Retry-After", "Idempotency-Replayed")),
        "content": {_JSON: {"schema": ref("Job")}},
        "links": links(),
    }
    succeeded: dict[str, Any] = {
        "description": "The result itself.",
        "headers": response_headers("Cache-Control", maybe=_SANDBOXED),
        "content": result,
    }
    if door == "sync":
        return {"200": succeeded}
    if door == "async":
        return {"202": accepted}
    of_hybrid = response_headers(
        "Preference-Applied", "Content-Location", maybe=("Idempotency-Replayed",)
    )
    return {
        "200": succeeded | {"headers": succeeded["headers"] | of_hybrid},
        "202": accepted | {"headers": accepted["headers"] | of_hybrid},
    }


def links() -> dict[str, Any]:
    """Return the links of a response with a job."""
    job_id = "$response.body#/id"
    return {
        name: {"operationId": route, "parameters": {"id": job_id}, "description": description}
        for name, (route, description) in _JOB_LINKS.items()
    }


def _response(
    status: int, description: str, headers: Any, schema: Schema | None, **more: Any
) -> Any:
    content: dict[str, Any] = {} if schema is None else {"content": {_JSON: {"schema": schema}}}
    return {str(status): {"description": description, "headers": headers} | content | more}


def _job(status: int, description: str, headers: Any) -> Any:
    return _response(status, description, headers, ref("Job"), links=links())


_NOT_STORED = response_headers("Cache-Control")
_JOB_HEADERS = response_headers(
    "ETag", "Cache-Control", maybe=("Retry-After", "Preference-Applied")
)
_CACHE_HEADERS = response_headers(*_CACHED)
_UNCHANGED = _response(304, "Unchanged since the response with this `ETag`.", _CACHE_HEADERS, None)
_DOCUMENT = _response(200, "The document.", _CACHE_HEADERS, {"type": "object"}) | _UNCHANGED
#: Without a type: some tools check the whole text against it, others each event.
_EVENTS = {
    "description": "`retry`; and `id` and `data` if the job has changed; `data` is a Job.",
    "examples": ['id: 1795548600571-running\ndata: {"status":"running"}\nretry: 1000\n\n'],
}
_FILE = text(contentMediaType="application/octet-stream")

_PAGE = {
    "200": {
        "description": "A page for a browser.",
        "headers": response_headers(*_CACHED, *_SANDBOXED),
        "content": {"text/html": {"schema": text()}},
    }
} | _UNCHANGED


def _file(image: str) -> Any:
    """Return the responses with a file of a page, whose images are of this type."""
    return {
        "200": {
            "description": "A script, a style or an image.",
            "headers": response_headers(*_CACHED, "Vary", maybe=("Content-Encoding",)),
            "content": {
                kind: {"schema": _FILE}
                for kind in ("text/css", "text/javascript", "text/plain", image)
            },
        }
    } | _UNCHANGED


#: route → status → response.
SUCCESSES: dict[str, dict[str, Any]] = {
    "listJobs": _response(200, "A page of jobs.", _NOT_STORED, ref("JobPage")),
    "countJobs": _response(200, "The counts.", _NOT_STORED, ref("JobCounts")),
    "listLanes": _response(200, "Both lanes.", _NOT_STORED, ref("LaneList")),
    "getJob": _job(200, "The job's current state.", _JOB_HEADERS)
    | _response(
        304, "The job is unchanged since the response with this `ETag`.", _JOB_HEADERS, None
    ),
    "getResult": {
        "200": {
            "description": "The result itself; with `redirect=0`, the URL of a large result.",
            "headers": response_headers("Cache-Control", maybe=_SANDBOXED),
            "content": {
                _JSON: {"schema": {"anyOf": [{"description": "The result."}, ref("Download")]}},
                **FILE,
            },
        }
    }
    | _job(202, "The job has not ended.", response_headers("Cache-Control", maybe=("Retry-After",)))
    | _response(
        303,
        "The result is large; `Location` is its URL.",
        response_headers("Location", "Cache-Control", maybe=_SANDBOXED),
        None,
    ),
    "getEvents": {
        "200": {
            "description": "The job as one event, unless the client has received it, and when to "
            "reconnect.",
            "headers": _NOT_STORED,
            "content": {"text/event-stream": {"schema": _EVENTS}},
        }
    }
    | _response(204, "The client has received the job's end.", _NOT_STORED, None),
    "cancelJob": _job(200, "The canceled job.", _CACHE_HEADERS),
    "retryJob": door_successes("async", None),
    "eraseJob": _response(204, "The job is erased.", _NOT_STORED, None),
    "listAllDeliveries": _response(200, "A page of deliveries.", _NOT_STORED, ref("DeliveryPage")),
    "listDeliveries": _response(
        200, "All deliveries of the job.", _NOT_STORED, ref("DeliveryList")
    ),
    "replayDelivery": _response(
        202, "The webhook will be sent again.", _NOT_STORED, ref("Delivery")
    ),
    "getSecret": _response(
        200, "The secret, and the earlier ones that still sign.", _NOT_STORED, ref("Secret")
    ),
    "rotateSecret": _response(200, "New secrets were made.", _NOT_STORED, ref("Rotation")),
    "createUpload": _response(
        201,
        "The request that uploads the file.",
        response_headers("Location", "Cache-Control"),
        ref("Upload"),
    ),
    "listOperations": _response(200, "All operations.", _NOT_STORED, ref("OperationList")),
    "getOperation": _response(200, "The operation.", _NOT_STORED, ref("Operation")),
    "getProblem": _response(200, "What the problem means.", _NOT_STORED, ref("ProblemKind")),
    "getHealth": _response(200, "The API responds.", _NOT_STORED, ref("Health")),
    "getOpenApi": _DOCUMENT,
    "getAsyncApi": _DOCUMENT,
    "getDocs": _PAGE,
    "getDocsFile": _file("image/png"),
    "getConsole": _PAGE,
    "getConsoleFile": _file("image/svg+xml"),
}
