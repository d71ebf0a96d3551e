"""A job as its owner sees it: the one JSON form of status, list, event and webhook."""

import hashlib
from typing import Any

import msgspec

from nowlater import problems
from nowlater.instants import Instant, after, to_rfc3339
from nowlater.jobs import protocol
from nowlater.jobs.estimate import Estimate
from nowlater.jobs.model import Job
from nowlater.problems import Problem


def shown(job: Job, now: Instant) -> Job:
    """Return the job as readers must see it at this time.

    A deadline that has passed shows before anybody has written it, and so does a start.
    """
    if not job.is_ended and now >= after(job.deadline, protocol.READER_GRACE_S):
        late = deadline_exceeded(job)
        ending = protocol.end(job, "failed", job.deadline, error=late.record())
        return msgspec.structs.replace(job, **ending)
    if job.status == "scheduled" and (job.not_before or 0) <= now:
        return msgspec.structs.replace(job, status="queued")
    return job


def deadline_exceeded(job: Job) -> Problem:
    """Return the problem of a job whose deadline passed."""
    return Problem(
        "deadline-exceeded", f"The job was to be done by {to_rfc3339(job.deadline)}, and was not."
    )


def is_gone(job: Job, now: Instant) -> bool:
    """Tell whether nothing but the job's stub is left for its owner."""
    return job.erased or (job.expires is not None and job.expires <= now)


def representation(
    job: Job, base: str | None = None, estimate: Estimate | None = None
) -> dict[str, Any]:
    """Return the job as JSON types; `base` is the URL that links start with, else the job's own."""
    base = base or job.base
    url = f"{base}/jobs/{job.id}"
    result_url = f"{url}/result"
    return {
        "id": job.id,
        "operation": job.operation,
        "status": job.status,
        "attempt": job.attempt,
        **{name: _time(getattr(job, name)) for name in ("created", "updated", "started", "ended")},
        **{name: _time(getattr(job, name)) for name in ("start_at", "deadline", "expires")},
        # What it said last would tell of a job that is done as if it were not.
        "progress": None if job.status == "succeeded" else job.progress,
        "estimate": None if estimate is None else _estimate(estimate),
        "at_risk": estimate is not None and estimate.at_risk,
        "tags": job.tags,
        "retry_of": job.retry_of,
        "result": _result(job),
        "error": None if job.error is None else problems.document(job.error, base),
        # Spelled as Azure's pollers look for it.
        "resourceLocation": result_url if job.status == "succeeded" else None,
        "links": {
            "self": url,
            "result": result_url,
            "events": f"{url}/events",
            "cancel": f"{url}/cancel",
            "retry": f"{url}/retry",
        },
    }


def etag(representation: dict[str, Any]) -> str:
    """Return the entity tag (RFC 9110 §8.8.3) of a job as it is shown.

    It is a weak one: an estimate that moves does not change the job.
    """
    said = {k: v for k, v in representation.items() if k not in ("estimate", "at_risk")}
    digest = hashlib.sha256(msgspec.json.encode(said, order="sorted"))
    return f'W/"{digest.hexdigest()[:32]}"'


def _estimate(estimate: Estimate) -> dict[str, Any]:
    rests_on = {
        "runs": estimate.runs,
        "p50_s": _short(estimate.p50_s),
        "p90_s": _short(estimate.p90_s),
        "waiting": estimate.waiting,
    }
    return {"finish": to_rfc3339(estimate.finish), "rests_on": rests_on}


def _short(seconds: float | None) -> float | None:
    """Return seconds with as many digits as a histogram can tell."""
    return None if seconds is None else float(f"{seconds:.2g}")


def _time(instant: Instant | None) -> str | None:
    return None if instant is None else to_rfc3339(instant)


def _result(job: Job) -> Any:
    if job.result is None:
        return None
    if job.media_type is not None:
        return {"base64": job.result, "media_type": job.media_type}
    return msgspec.Raw(job.result.encode())
