"""A job as its owner sees it: the one JSON form in statuses, lists, events and webhooks."""

import hashlib
from typing import Any

import msgspec

from nowlater import problems
from nowlater.instants import Instant, after, to_rfc3339
from nowlater.jobs import attempts, protocol
from nowlater.jobs.estimate import Estimate
from nowlater.jobs.model import Attempt, Job
from nowlater.problems import Problem


def effective_at(job: Job, now: Instant) -> Job:
    """Return the job as readers must see it at an instant.

    A start or a deadline that has passed counts, even if no write has recorded it yet.
    """
    if not job.is_ended and now >= after(job.deadline, protocol.READER_GRACE_S):
        problem = deadline_exceeded(job)
        changes = protocol.end(job, "failed", job.deadline, error=problem.record())
        return msgspec.structs.replace(job, **changes)
    if job.status == "scheduled" and (job.not_before or 0) <= now:
        return msgspec.structs.replace(job, status="queued")
    return job


def deadline_exceeded(job: Job) -> Problem:
    """Return the problem of a job that missed its deadline."""
    detail = f"The job did not finish by its deadline, {to_rfc3339(job.deadline)}."
    return Problem("deadline-exceeded", detail)


def is_gone(job: Job, now: Instant) -> bool:
    """Tell whether the job was erased or its retention has ended: its owner sees it no longer."""
    return job.erased or (job.expires is not None and job.expires <= now)


def representation(
    job: Job, base: str | None = None, estimate: Estimate | None = None
) -> dict[str, Any]:
    """Return the job as JSON types; its links start with `base`, or with the job's own base."""
    base = base or job.base
    url = f"{base}/jobs/{job.id}"
    result_url = f"{url}/result"
    return {
        "id": job.id,
        "operation": job.operation,
        "status": job.status,
        "lane": job.lane,
        "attempt": job.attempt,
        "attempts_left": 0 if job.is_ended else max(0, job.attempts_left),
        "not_before": _time(job.not_before) if job.status in ("scheduled", "queued") else None,
        "attempts": [_attempt(attempt) for attempt in attempts.of(job)],
        **{name: _time(getattr(job, name)) for name in ("created", "updated", "started", "ended")},
        **{name: _time(getattr(job, name)) for name in ("start_at", "deadline", "expires")},
        # The last report, such as 90 %, would contradict the status.
        "progress": None if job.status == "succeeded" else job.progress,
        "estimate": None if estimate is None else _estimate(estimate),
        "at_risk": estimate is not None and estimate.at_risk,
        "tags": job.tags,
        "retry_of": job.retry_of,
        "result": _result(job),
        "error": None if job.error is None else problems.document(job.error, base),
        # Azure's pollers read this member.
        "resourceLocation": result_url if job.status == "succeeded" else None,
        "links": {
            "self": url,
            "result": result_url,
            "events": f"{url}/events",
            "cancel": f"{url}/cancel",
            "retry": f"{url}/retry",
        },
    }


def _attempt(attempt: Attempt) -> dict[str, Any]:
    return {
        "number": attempt.number,
        "started": _time(attempt.started),
        "ended": _time(attempt.ended),
        "outcome": attempt.outcome,
        "detail": attempt.detail,
    }


def etag(representation: dict[str, Any]) -> str:
    """Return the entity tag (RFC 9110 §8.8.3) of a job's representation.

    It is weak: it does not change with the estimate.
    """
    members = {k: v for k, v in representation.items() if k not in ("estimate", "at_risk")}
    digest = hashlib.sha256(msgspec.json.encode(members, order="sorted"))
    return f'W/"{digest.hexdigest()[:32]}"'


def _estimate(estimate: Estimate) -> dict[str, Any]:
    rests_on = {
        "runs": estimate.runs,
        "p50_s": _rounded(estimate.p50_s),
        "p90_s": _rounded(estimate.p90_s),
        "waiting": estimate.waiting,
    }
    return {"finish": to_rfc3339(estimate.finish), "rests_on": rests_on}


def _rounded(seconds: float | None) -> float | None:
    """Return seconds with two digits, the precision of a histogram."""
    return None if seconds is None else float(f"{seconds:.2g}")


def _time(instant: Instant | None) -> str | None:
    return None if instant is None else to_rfc3339(instant)


def _result(job: Job) -> Any:
    if job.result is None:
        return None
    if job.media_type is not None:
        return {"base64": job.result, "media_type": job.media_type}
    return msgspec.Raw(job.result.encode())
