"""Errors as RFC 9457 problem details: the one list of all that a caller can receive."""

from http import HTTPStatus
from typing import Any, Literal, NamedTuple

from nowlater import wording

#: The names of `KINDS`; a test holds the two equal.
type ProblemName = Literal[
    "malformed-request",
    "missing-scope",
    "unknown-route",
    "wrong-method",
    "unknown-operation",
    "unknown-job",
    "unknown-delivery",
    "unfinished",
    "already-ended",
    "job-expired",
    "too-large",
    "unsupported-media-type",
    "invalid-input",
    "impossible-time",
    "deadline-unachievable",
    "callback-refused",
    "idempotency-key-reused",
    "result-too-large",
    "refused",
    "too-many-jobs",
    "too-many-uploads",
    "operation-failed",
    "internal-error",
    "unavailable",
    "try-again",
    "timed-out",
    "attempts-exhausted",
    "deadline-exceeded",
    "canceled",
]


class Kind(NamedTuple):
    """What all problems of one name have in common."""

    #: The status of responses.
    status: int
    title: str


#: The kinds by name, which is the last part of the problem's `type` URL.
KINDS: dict[str, Kind] = {
    "malformed-request": Kind(400, "The request is not well formed."),
    "missing-scope": Kind(403, "This key may not use this route."),
    "unknown-route": Kind(404, "No route has this address."),
    "wrong-method": Kind(405, "This address does not take this method."),
    "unknown-operation": Kind(404, "There is no operation of this name."),
    "unknown-job": Kind(404, "You have no job with this id."),
    "unknown-delivery": Kind(404, "The job has no delivery of this number."),
    "unfinished": Kind(409, "The job has not ended yet."),
    "already-ended": Kind(409, "The job has already ended."),
    "job-expired": Kind(410, "The job is no longer stored."),
    "too-large": Kind(413, "The request body is too large."),
    "unsupported-media-type": Kind(415, "The request body must be JSON."),
    "invalid-input": Kind(422, "The input does not fit the operation."),
    "impossible-time": Kind(422, "These times cannot be met."),
    "deadline-unachievable": Kind(422, "The deadline cannot be met."),
    "callback-refused": Kind(422, "Webhooks cannot be sent to this callback URL."),
    "idempotency-key-reused": Kind(422, "This idempotency key was used for another request."),
    "result-too-large": Kind(422, "The result is too large for this door."),
    "refused": Kind(422, "The operation refused this input."),
    "too-many-jobs": Kind(429, "You have too many unfinished jobs."),
    "too-many-uploads": Kind(429, "Your upload quota of today is used up."),
    "operation-failed": Kind(500, "The operation failed."),
    "internal-error": Kind(500, "The service has an internal fault."),
    "unavailable": Kind(503, "The operation is not available now."),
    "try-again": Kind(503, "A part of the service did not respond; send the request again."),
    "timed-out": Kind(504, "The time allowed for this is up."),
    "attempts-exhausted": Kind(500, "Every attempt at this job failed."),
    "deadline-exceeded": Kind(504, "The job's deadline passed before it was done."),
    "canceled": Kind(409, "The job was canceled."),
}

#: Status and title of a stored problem whose name only a later version knows.
_UNKNOWN_KIND = Kind(500, "The job failed.")
#: Longer sentences are cut: one from an operation could be too long for the job's record.
_MAX_DETAIL_CHARACTERS = 2000


class Problem(Exception):
    """An error response: one of `KINDS`, a sentence, and members that help the caller.

    `members` become members of the problem object, `headers` become headers of the response.
    """

    def __init__(
        self,
        name: ProblemName,
        detail: str,
        *,
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> None:
        super().__init__(f"{name}: {detail}")
        self.name: ProblemName = name
        # Characters that UTF-8 cannot encode, such as half of a surrogate pair, are replaced.
        self.detail = detail[:_MAX_DETAIL_CHARACTERS].encode(errors="replace").decode()
        if pointer := members.get("pointer"):
            members["pointer"] = wording.shortened_pointer(pointer)
        self.members = members
        self.headers = headers or {}
        self.status = KINDS[name].status

    def record(self) -> dict[str, Any]:
        """Return this problem as a job stores it: without the host, which `document` adds."""
        return {"name": self.name, "detail": self.detail} | self.members


def document(record: dict[str, Any], base: str, status: int | None = None) -> dict[str, Any]:
    """Return a problem object (RFC 9457 §3) from what `Problem.record` returned.

    `base` is the API's own URL, under which each problem type has a page. Azure's clients read `code`
    and `message` (Microsoft's REST API guidelines, §7.10.2).
    """
    name, members = record["name"], {k: v for k, v in record.items() if k not in ("name", "detail")}
    default_status, title = KINDS.get(name, _UNKNOWN_KIND)
    return {
        "type": type_url(name, base),
        "title": title,
        "status": status or default_status,
        "detail": record["detail"],
        "code": name,
        "message": record["detail"] or title,
    } | members


def type_url(name: str, base: str) -> str:
    """Return the URL that identifies a kind of problem, and serves its description."""
    return f"{base}/problems/{name}"


def describe_kind(name: str, base: str) -> dict[str, Any]:
    """Return the description served at a problem type's URL; raises Problem `unknown-route`."""
    if name not in KINDS:
        raise Problem("unknown-route", f"There is no kind of problem named {wording.quoted(name)}.")
    status, title = KINDS[name]
    return {
        "type": type_url(name, base),
        "title": title,
        "status": status,
        "phrase": HTTPStatus(status).phrase,
    }
