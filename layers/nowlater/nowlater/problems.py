"""Errors as RFC 9457 problem details: every one that a caller can meet is named here, and nowhere else."""

from http import HTTPStatus
from typing import Any

from nowlater import wording

#: name → status and title. The name is the last part of the problem's `type` URL.
KINDS: dict[str, tuple[int, str]] = {
    "malformed-request": (400, "The request is not well formed."),
    "missing-scope": (403, "This key may not use this route."),
    "unknown-route": (404, "There is nothing at this address."),
    "wrong-method": (405, "This address does not take this method."),
    "unknown-operation": (404, "There is no operation of this name."),
    "unknown-job": (404, "You have no job with this id."),
    "unknown-delivery": (404, "The job has no delivery of this number."),
    "unfinished": (409, "The job has not ended yet."),
    "already-ended": (409, "The job has already ended."),
    "job-expired": (410, "The job is no longer kept."),
    "too-large": (413, "The request body is too large."),
    "unsupported-media-type": (415, "The request body must be JSON."),
    "invalid-input": (422, "The input does not fit the operation."),
    "impossible-time": (422, "These times cannot be met."),
    "deadline-unachievable": (422, "The deadline cannot be met."),
    "callback-refused": (422, "Nothing can be sent to this callback URL."),
    "idempotency-key-reused": (422, "This idempotency key was used for another request."),
    "result-too-large": (422, "The result is too large for this door."),
    "refused": (422, "The operation refused this input."),
    "too-many-jobs": (429, "You have too many unfinished jobs."),
    "too-many-uploads": (429, "You have uploaded as much today as you may."),
    "operation-failed": (500, "The operation failed."),
    "internal-error": (500, "Something went wrong on our side."),
    "unavailable": (503, "The operation is not available now."),
    "try-again": (503, "A part of the service did not answer; send it again."),
    "timed-out": (504, "The time allowed for this is up."),
    "attempts-exhausted": (500, "Every attempt at this job failed."),
    "deadline-exceeded": (504, "The job's deadline passed before it was done."),
    "canceled": (409, "The job was canceled."),
}


#: What a later version calls by a name that this one does not know.
_LATER = (500, "The job failed.")
#: Longer sentences are cut: an operation's own could be too long for the record of its job.
_LONGEST_DETAIL = 2000


class Problem(Exception):
    """An answer other than success: one of `KINDS`, a sentence, and members that help.

    `members` become members of the problem object, `headers` headers of the answer.
    """

    def __init__(
        self, name: str, detail: str, *, headers: dict[str, str] | None = None, **members: Any
    ) -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name
        # What JSON cannot say, such as half of a surrogate pair from a file's name, is replaced.
        self.detail = detail[:_LONGEST_DETAIL].encode(errors="replace").decode()
        if pointer := members.get("pointer"):
            members["pointer"] = wording.shortened_pointer(pointer)
        self.members = members
        self.headers = headers or {}
        self.status = KINDS[name][0]

    def record(self) -> dict[str, Any]:
        """Return what a job keeps of this problem: enough to tell it again under any host."""
        return {"name": self.name, "detail": self.detail} | self.members


def document(record: dict[str, Any], base: str, status: int | None = None) -> dict[str, Any]:
    """Return a problem object (RFC 9457 §3) from what `Problem.record` returned.

    `base` is the API's own URL, under which each problem type has a page. `code` and `message` are
    what Azure's clients read of an error (Microsoft's REST API guidelines, §7.10.2).
    """
    name, members = record["name"], {k: v for k, v in record.items() if k not in ("name", "detail")}
    usual, title = KINDS.get(name, _LATER)
    return {
        "type": type_url(name, base),
        "title": title,
        "status": status or usual,
        "detail": record["detail"],
        "code": name,
        "message": record["detail"] or title,
    } | members


def type_url(name: str, base: str) -> str:
    """Return the URL that identifies a kind of problem, and describes it when opened."""
    return f"{base}/problems/{name}"


def page(name: str, base: str) -> dict[str, Any]:
    """Return what is said at a problem type's own URL; raises Problem where there is none."""
    if name not in KINDS:
        raise Problem("unknown-route", f"There is no kind of problem named {wording.quoted(name)}.")
    status, title = KINDS[name]
    return {
        "type": type_url(name, base),
        "title": title,
        "status": status,
        "phrase": HTTPStatus(status).phrase,
    }
