"""The HTTP API's routes in one table: the build describes them, and tests compare all else with it.

API Gateway matches routes, as template.yaml spells them; Lambdas import this module only to name
the allowed methods of a path.
"""

from dataclasses import dataclass

from nowlater.access.caller import Scope
from nowlater.problems import ProblemName

type _Names = tuple[ProblemName, ...]

#: The problems in the `error` of a job; the route of its result returns them with 409.
OF_JOBS: _Names = (
    "invalid-input",
    "refused",
    "operation-failed",
    "unavailable",
    "timed-out",
    "attempts-exhausted",
    "deadline-exceeded",
    "canceled",
)

#: The problems of every route that needs a key, and of those that use AWS.
_KEYED: _Names = ("missing-scope", "malformed-request", "internal-error")
_AWS: _Names = (*_KEYED, "try-again")
#: The problem of every route that accepts jobs.
JOBS_QUOTA: ProblemName = "too-many-jobs"
#: The problem of the route that grants uploads.
UPLOAD_QUOTA: ProblemName = "too-many-uploads"

_BODY: _Names = ("too-large", "unsupported-media-type")
_INPUT: _Names = (*_BODY, "unknown-operation", "invalid-input")
_ONE_JOB: _Names = (*_AWS, "unknown-job", "job-expired")

_SYNC: _Names = (
    *_KEYED,
    *_INPUT,
    "refused",
    "operation-failed",
    "unavailable",
    "timed-out",
    "result-too-large",
)
_ASYNC: _Names = (
    *_AWS,
    *_INPUT,
    "impossible-time",
    "deadline-unachievable",
    "callback-refused",
    "idempotency-key-reused",
    "job-expired",
    JOBS_QUOTA,
)
_HYBRID: _Names = (*_ASYNC, *OF_JOBS)
_RETRY: _Names = (
    *_ONE_JOB,
    "unfinished",
    "unknown-operation",
    "invalid-input",
    "callback-refused",
    "idempotency-key-reused",
    JOBS_QUOTA,
)
_OPEN: _Names = ("malformed-request", "internal-error")


@dataclass(frozen=True)
class Route:
    """A route, the scope that it needs, and the problems that it can return."""

    id: str
    #: As the template, the Lambdas and the samples spell it; `{operation}` stands for each operation
    #: that this door serves.
    key: str
    tag: str
    summary: str
    #: None: the route needs no key.
    scope: Scope | None
    problems: tuple[ProblemName, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys of the route: GET routes serve HEAD too (RFC 9110, §9.1)."""
        return (self.key, f"HEAD {self.path}") if self.method == "GET" else (self.key,)

    @property
    def method(self) -> str:
        return self.key.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.key.partition(" ")[2]


ROUTES = (
    Route("sync", "POST /sync/{operation}", "Doors", "run now", "invoke", _SYNC),
    Route("async", "POST /async/{operation}", "Doors", "run as a job", "invoke", _ASYNC),
    Route("hybrid", "POST /hybrid/{operation}", "Doors", "wait, then a job", "invoke", _HYBRID),
    Route(
        "listJobs",
        "GET /jobs",
        "Jobs",
        "List your jobs, newest first",
        "read",
        _AWS,
    ),
    Route(
        "countJobs",
        "GET /jobs/counts",
        "Jobs",
        "Count your jobs by status and operation",
        "read",
        _AWS,
    ),
    Route("listLanes", "GET /lanes", "Jobs", "Show the load of the lanes", "read", _AWS),
    Route("getJob", "GET /jobs/{id}", "Jobs", "Show a job", "read", _ONE_JOB),
    Route(
        "getResult",
        "GET /jobs/{id}/result",
        "Jobs",
        "Get a job's result",
        "read",
        (*_ONE_JOB, *OF_JOBS),
    ),
    Route("getEvents", "GET /jobs/{id}/events", "Jobs", "Follow a job", "read", _ONE_JOB),
    Route(
        "cancelJob",
        "POST /jobs/{id}/cancel",
        "Jobs",
        "Cancel an unfinished job",
        "manage",
        (*_ONE_JOB, "already-ended"),
    ),
    Route("retryJob", "POST /jobs/{id}/retry", "Jobs", "Retry an ended job", "invoke", _RETRY),
    Route(
        "eraseJob",
        "DELETE /jobs/{id}",
        "Jobs",
        "Erase an ended job",
        "manage",
        (*_ONE_JOB, "unfinished"),
    ),
    Route(
        "listAllDeliveries",
        "GET /deliveries",
        "Webhooks",
        "List the deliveries of all your jobs",
        "read",
        _AWS,
    ),
    Route(
        "listDeliveries",
        "GET /jobs/{id}/deliveries",
        "Webhooks",
        "List a job's deliveries",
        "read",
        _ONE_JOB,
    ),
    Route(
        "replayDelivery",
        "POST /jobs/{id}/deliveries/{number}/replay",
        "Webhooks",
        "Send a delivery again",
        "manage",
        (*_ONE_JOB, "unknown-delivery"),
    ),
    Route(
        "getSecret",
        "GET /webhooks/secret",
        "Webhooks",
        "Show your webhook secret",
        "manage",
        _AWS,
    ),
    Route(
        "rotateSecret",
        "POST /webhooks/secret/rotate",
        "Webhooks",
        "Rotate your webhook secrets",
        "manage",
        _AWS,
    ),
    Route(
        "createUpload",
        "POST /uploads",
        "Uploads",
        "Create an upload",
        "invoke",
        (*_AWS, *_BODY, UPLOAD_QUOTA),
    ),
    Route("listOperations", "GET /operations", "Operations", "List the operations", "read", _KEYED),
    Route(
        "getOperation",
        "GET /operations/{name}",
        "Operations",
        "Describe an operation",
        "read",
        (*_KEYED, "unknown-operation"),
    ),
    Route(
        "getProblem",
        "GET /problems/{name}",
        "About",
        "Describe a kind of problem",
        None,
        (*_OPEN, "unknown-route"),
    ),
    Route("getHealth", "GET /health", "About", "Check that the API responds", None, _OPEN),
    Route("getOpenApi", "GET /openapi.json", "About", "Describe the HTTP API", None, _OPEN),
    Route("getAsyncApi", "GET /asyncapi.json", "About", "Describe the events", None, _OPEN),
    Route("getDocs", "GET /docs", "About", "Show the documentation page", None, _OPEN),
    Route(
        "getDocsFile",
        "GET /docs/{file}",
        "About",
        "Get a file of that page",
        None,
        (*_OPEN, "unknown-route"),
    ),
    Route("getConsole", "GET /console", "About", "Show the console", None, _OPEN),
    Route(
        "getConsoleFile",
        "GET /console/{version}/{file}",
        "About",
        "Get a file of the console",
        None,
        (*_OPEN, "unknown-route"),
    ),
)


def methods_of(path: str) -> list[str]:
    """Return the methods that a path allows, HEAD included; none where no route has it."""
    parts = path.split("/")
    found = (key for route in ROUTES if _matches(route.path, parts) for key in route.keys)
    return list(dict.fromkeys(key.partition(" ")[0] for key in found))


def _matches(route_path: str, parts: list[str]) -> bool:
    names = route_path.split("/")
    return len(names) == len(parts) and all(
        bool(part) if name.startswith("{") else part == name
        for name, part in zip(names, parts, strict=True)
    )
