"""The HTTP API's routes in one place: what the build describes, and what the tests hold all else to.

API Gateway matches routes, as template.yaml spells them: no Lambda imports these, but to name the
methods of a path that was called by another.
"""

from dataclasses import dataclass

#: Why a job ends without success: its `error`, and what its result's route then tells as 409.
OF_JOBS = (
    *("invalid-input", "refused", "operation-failed", "unavailable", "timed-out"),
    *("attempts-exhausted", "deadline-exceeded", "canceled"),
)

#: What every route tells for which a key is needed, and of these every one that uses AWS.
_KEYED = ("missing-scope", "malformed-request", "internal-error")
_KEPT = (*_KEYED, "try-again")
#: What every route tells that accepts jobs.
JOBS_QUOTA = "too-many-jobs"
#: And the one that grants uploads.
UPLOAD_QUOTA = "too-many-uploads"

_BODY = ("too-large", "unsupported-media-type")
_ASKED = (*_BODY, "unknown-operation", "invalid-input")
_ONE_JOB = (*_KEPT, "unknown-job", "job-expired")

_SYNC = (
    *(*_KEYED, *_ASKED, "refused", "operation-failed"),
    *("unavailable", "timed-out", "result-too-large"),
)
_ASYNC = (
    *(*_KEPT, *_ASKED, "impossible-time", "deadline-unachievable"),
    *("callback-refused", "idempotency-key-reused", "job-expired", JOBS_QUOTA),
)
_HYBRID = (*_ASYNC, *OF_JOBS)
_RETRY = (
    *(*_ONE_JOB, "unfinished", "unknown-operation"),
    *("invalid-input", "callback-refused", "idempotency-key-reused", JOBS_QUOTA),
)
_OPEN = ("malformed-request", "internal-error")


@dataclass(frozen=True)
class Route:
    """One route, what a key needs for it, and the problems that it can tell."""

    id: str
    #: As the template, the Lambdas and the samples spell it; `{operation}` stands for each one
    #: that is served at that door.
    key: str
    tag: str
    summary: str
    #: None: open to all.
    scope: str | None
    problems: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """All keys that it is served under: what takes GET takes HEAD (RFC 9110, §9.1)."""
        return (self.key, f"HEAD {self.path}") if self.method == "GET" else (self.key,)

    @property
    def method(self) -> str:
        return self.key.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.key.partition(" ")[2]


ROUTES = (
    Route("sync", "POST /sync/{operation}", "Doors", "answered at once", "invoke", _SYNC),
    Route("async", "POST /async/{operation}", "Doors", "answered later", "invoke", _ASYNC),
    Route(
        "hybrid", "POST /hybrid/{operation}", "Doors", "at once, or else later", "invoke", _HYBRID
    ),
    Route(
        "listJobs",
        "GET /jobs",
        "Jobs",
        "List your jobs, newest first",
        "read",
        _KEPT,
    ),
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
    Route("retryJob", "POST /jobs/{id}/retry", "Jobs", "Ask again, as a new job", "invoke", _RETRY),
    Route(
        "eraseJob",
        "DELETE /jobs/{id}",
        "Jobs",
        "Erase an ended job",
        "manage",
        (*_ONE_JOB, "unfinished"),
    ),
    Route(
        "listDeliveries",
        "GET /jobs/{id}/deliveries",
        "Webhooks",
        "See what a callback was sent",
        "read",
        _ONE_JOB,
    ),
    Route(
        "replayDelivery",
        "POST /jobs/{id}/deliveries/{number}/replay",
        "Webhooks",
        "Have it sent again",
        "manage",
        (*_ONE_JOB, "unknown-delivery"),
    ),
    Route(
        "getSecret",
        "GET /webhooks/secret",
        "Webhooks",
        "Show what signs your callbacks",
        "manage",
        _KEPT,
    ),
    Route(
        "rotateSecret",
        "POST /webhooks/secret/rotate",
        "Webhooks",
        "Change your secrets",
        "manage",
        _KEPT,
    ),
    Route(
        "createUpload",
        "POST /uploads",
        "Uploads",
        "Get a place for a file",
        "invoke",
        (*_KEPT, *_BODY, UPLOAD_QUOTA),
    ),
    Route("listOperations", "GET /operations", "Operations", "List them", "read", _KEYED),
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
    Route("getHealth", "GET /health", "About", "Tell whether the API answers", None, _OPEN),
    Route("getOpenApi", "GET /openapi.json", "About", "Describe the HTTP API", None, _OPEN),
    Route("getAsyncApi", "GET /asyncapi.json", "About", "Describe the events", None, _OPEN),
    Route("getDocs", "GET /docs", "About", "Show this description to people", None, _OPEN),
    Route(
        "getDocsFile",
        "GET /docs/{file}",
        "About",
        "Get a part of that page",
        None,
        (*_OPEN, "unknown-route"),
    ),
)


def methods_of(path: str) -> list[str]:
    """Return the methods that a path takes, HEAD too; none where there is no such path."""
    parts = path.split("/")
    return [
        key.partition(" ")[0] for route in ROUTES if _fits(route.path, parts) for key in route.keys
    ]


def _fits(path: str, parts: list[str]) -> bool:
    wanted = path.split("/")
    return len(wanted) == len(parts) and all(
        bool(part) if name.startswith("{") else part == name
        for name, part in zip(wanted, parts, strict=True)
    )
