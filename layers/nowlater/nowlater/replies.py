"""HTTP answers about jobs: accepted, as it is, and its result."""

import base64
from dataclasses import replace

from nowlater import view
from nowlater.api import JSON, MOST_RESULT, Answer, answer, problem, raw
from nowlater.call import Call
from nowlater.job import Job
from nowlater.services import Services
from nowlater.submit import Accepted
from nowlater.timing import Instant, seconds_until, whole_seconds_until

_LONGEST_PAUSE_S = 60


def accepted(services: Services, call: Call, got: Accepted) -> Answer:
    """Answer 202: the job, where to look at it, and when."""
    url = f"{call.base}/jobs/{got.job.id}"
    headers = {"Location": url, "Operation-Location": url}
    headers |= _retry_after(got.job, services.clock())
    headers |= {"Idempotency-Replayed": "true"} if got.replayed else {}
    return answer(202, view.representation(got.job, call.base), headers)


def status(services: Services, call: Call, job: Job) -> Answer:
    """Answer 200 with the job, or 304 where the caller has seen it just so."""
    shown = view.representation(job, call.base)
    headers = {"ETag": view.etag(shown)} | _retry_after(job, services.clock())
    seen = [
        tag.strip().removeprefix("W/") for tag in (call.header("if-none-match") or "").split(",")
    ]
    if call.is_read and (headers["ETag"] in seen or "*" in seen):
        return answer(304, headers=headers)
    return answer(200, shown, headers)


def result(services: Services, call: Call, job: Job) -> Answer:
    """Answer with the result itself, where it lies, or why there is none (yet)."""
    if not job.is_ended:
        headers = _retry_after(job, services.clock())
        return answer(202, view.representation(job, call.base), headers)
    if job.status != "succeeded":
        return problem(job.error or {}, call, status=409)
    if job.result_key is None:
        return _inline(job)
    url = services.bucket.url_to_get(job.result_key)
    if call.queries.get("redirect") == "0":
        return answer(200, {"url": url, "media_type": job.media_type or JSON})
    return answer(303, headers={"Location": url})


def hybrid(services: Services, call: Call, got: Accepted, applied: str) -> Answer:
    """Answer what an async job came to where it has ended, else 202 with the job."""
    job = got.job
    if not job.is_ended or (job.result_size or 0) > MOST_RESULT:
        made = accepted(services, call, got)
    elif job.status != "succeeded":
        made = problem(job.error or {}, call)
    elif job.result_key is not None:
        made = raw(services.bucket.get(job.result_key), job.media_type)
    else:
        made = _inline(job)
    headers = {"Preference-Applied": applied, "Content-Location": f"{call.base}/jobs/{job.id}"}
    headers |= {"Idempotency-Replayed": "true"} if got.replayed else {}
    return replace(made, headers=dict(made.headers) | headers)


def _inline(job: Job) -> Answer:
    text = job.result or ""
    if job.media_type is None:
        return raw(text.encode(), None)
    return raw(base64.b64decode(text), job.media_type)


def _retry_after(job: Job, now: Instant) -> dict[str, str]:
    """Return when to look again, in seconds: sooner for a young job than for an old one."""
    if job.is_ended:
        return {}
    if job.status == "scheduled":
        pause_s: float = whole_seconds_until(job.not_before or now, now)
    else:
        pause_s = seconds_until(now, job.not_before or job.created) / 10
    return {"Retry-After": str(round(min(max(pause_s, 1), _LONGEST_PAUSE_S)))}
