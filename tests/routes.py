"""What each route of the API is to its callers: one row a route, and a test fails where one is missing.

Tests of access go through these rows: in process, and over HTTP.
"""

from dataclasses import dataclass

from nowlater.api.routes import ROUTES, Route

BY_ID = {route.id: route for route in ROUTES}


@dataclass(frozen=True)
class Row:
    """How a route is called, and with what it answers whom."""

    #: Its sample event.
    event: str
    #: What it answers a caller who may do this.
    good: int
    #: What another owner is answered: None where it is about things of their own, as `good` is.
    other: tuple[int, str] | None = None
    #: The job that it is about: none, or one that has ended or not.
    job: str | None = None
    #: What stands in its path, but for the job.
    place: str = ""


_UNKNOWN_JOB = (404, "unknown-job")

ROWS = {
    "sync": Row("sync", 200, place="echo"),
    "async": Row("submit", 202, place="echo"),
    "hybrid": Row("hybrid", 200, place="echo"),
    "listJobs": Row("list", 200),
    "countJobs": Row("counts", 200),
    "listLanes": Row("lanes", 200),
    "getJob": Row("status", 200, _UNKNOWN_JOB, "ended"),
    "getResult": Row("result", 200, _UNKNOWN_JOB, "ended"),
    "getEvents": Row("events", 200, _UNKNOWN_JOB, "ended"),
    "cancelJob": Row("cancel", 200, _UNKNOWN_JOB, "unfinished"),
    "retryJob": Row("retry", 202, _UNKNOWN_JOB, "ended"),
    "eraseJob": Row("erase", 204, _UNKNOWN_JOB, "ended"),
    "listAllDeliveries": Row("all-deliveries", 200),
    "listDeliveries": Row("deliveries", 200, _UNKNOWN_JOB, "ended"),
    "replayDelivery": Row("replay", 202, _UNKNOWN_JOB, "ended", place="1"),
    "getSecret": Row("secret", 200),
    "rotateSecret": Row("rotate", 200),
    "createUpload": Row("upload", 201),
    "listOperations": Row("operations", 200),
    "getOperation": Row("operation", 200, place="echo"),
    # open to all
    "getProblem": Row("problem", 200, place="invalid-input"),
    "getHealth": Row("health", 200),
    "getOpenApi": Row("openapi", 200),
    "getAsyncApi": Row("asyncapi", 200),
    "getDocs": Row("docs", 200),
    "getDocsFile": Row("docs-file", 200, place="swagger-ui.css"),
    "getConsole": Row("console", 200),
    "getConsoleFile": Row("console-file", 200, place="console.js"),
}


def path(route: Route, job: str) -> str:
    """Return a route's path with the values of its row."""
    filled = route.path.replace("{id}", job)
    filled = filled.replace("{version}", "0123456789ab")
    for name in ("operation", "number", "name", "file"):
        filled = filled.replace(f"{{{name}}}", ROWS[route.id].place)
    return filled
