"""HTTP responses about jobs: acceptance, status, events and results."""

import base64
import math
from dataclasses import replace
from typing import Any

import msgspec

from nowlater.api.request import HttpRequest
from nowlater.api.responses import (
    EVENTS,
    JSON,
    SANDBOXED,
    Response,
    json_response,
    problem_response,
    result_response,
    text_stream,
)
from nowlater.aws import session
from nowlater.doors.submit import Accepted
from nowlater.instants import Instant, seconds_until
from nowlater.jobs import view
from nowlater.jobs.estimate import Estimate, forecast
from nowlater.jobs.model import Job
from nowlater.jobs.protocol import READER_GRACE_S
from nowlater.log import logger
from nowlater.problems import Problem
from nowlater.result_size import MAX_DIRECT_RESULT
from nowlater.services import Services

#: The longest Retry-After: before the start of a job, with an estimate of its end, and without one.
_MAX_BEFORE_START_S, _MAX_WITH_ESTIMATE_S, _MAX_WITHOUT_S = 3600, 3600, 60


def accepted(services: Services, request: HttpRequest, acceptance: Accepted) -> Response:
    """Return 202 with the job, its URL, and when to look at it."""
    url = f"{request.base}/jobs/{acceptance.job.id}"
    headers = {"Location": url, "Operation-Location": url}
    headers |= {"Idempotency-Replayed": "true"} if acceptance.replayed else {}
    job = acceptance.job
    # Callers read it here for `at_risk`. Without a deadline, none is made: a submit stays short.
    body, retry_after = _represent(services, request, job, with_estimate=job.has_deadline)
    return json_response(202, body, headers | retry_after)


def status(services: Services, request: HttpRequest, job: Job, waited_s: int = 0) -> Response:
    """Return 200 with the job, or 304 where the caller has this version."""
    body, retry_after = _represent(services, request, job)
    headers = {"ETag": view.etag(body)} | retry_after
    headers |= {"Preference-Applied": f"wait={waited_s}"} if waited_s else {}
    if request.has_seen(headers["ETag"]):
        return json_response(304, headers=headers)
    return json_response(200, body, headers)


def events(services: Services, request: HttpRequest, job: Job) -> Response:
    """Return the job as a server-sent event, or none where the caller has it; 204 after its end.

    The stream is finite: `retry` is the time after which an EventSource connects again.
    """
    event_id = f"{job.updated}-{job.status}"
    seen = request.header("last-event-id") or request.query_parameter("lastEventId")
    if job.is_ended and seen == event_id:
        # API Gateway would set another type, which some clients reject.
        return json_response(204, headers={"Content-Type": EVENTS})
    body, retry_after = _represent(services, request, job)
    text = f"retry: {1000 * int(retry_after.get('Retry-After', 1))}\n\n"
    if seen != event_id:
        text = f"id: {event_id}\ndata: {msgspec.json.encode(body).decode()}\n{text}"
    return text_stream(text)


def result(services: Services, request: HttpRequest, job: Job) -> Response:
    """Return the result, a redirect to it, its problem, or 202 where the job has not ended."""
    wants_url = _wants_url(request)
    if not job.is_ended:
        return json_response(202, *_represent(services, request, job))
    if job.status != "succeeded":
        return problem_response(job.error or {}, request, status=409)
    if job.result_key is None:
        return _inline(job)
    url = services.bucket.url_to_get(job.result_key, _file_name(job))
    if wants_url:
        return json_response(200, {"url": url, "media_type": job.media_type or JSON})
    return json_response(303, headers={"Location": url} | (SANDBOXED if job.media_type else {}))


def _file_name(job: Job) -> str:
    """Return a name for a large result that is saved: the job's id, and an extension if one is known."""
    from mimetypes import guess_extension  # imported only for these requests

    media_type = (job.media_type or JSON).partition(";")[0].strip()
    return f"{job.id}{guess_extension(media_type) or ''}"


def _wants_url(request: HttpRequest) -> bool:
    """Tell whether the caller wants a URL, not a redirect; raises Problem `malformed-request`."""
    redirect = request.query_parameter("redirect") or "1"
    if redirect not in ("0", "1"):
        raise Problem("malformed-request", "?redirect is 0 or 1.", parameter="redirect")
    return redirect == "0"


def hybrid(
    services: Services, request: HttpRequest, acceptance: Accepted, applied: str
) -> Response:
    """Return the job's result or problem where it has ended, else 202 with the job.

    `applied` is the value of Preference-Applied.
    """
    job = acceptance.job
    response = _direct_result(services, request, job) or accepted(services, request, acceptance)
    headers = {"Preference-Applied": applied, "Content-Location": f"{request.base}/jobs/{job.id}"}
    headers |= {"Idempotency-Replayed": "true"} if acceptance.replayed else {}
    return replace(response, headers=dict(response.headers) | headers)


def _direct_result(services: Services, request: HttpRequest, job: Job) -> Response | None:
    """Return an ended job's result or problem; None where only the job's own URLs serve it."""
    if not job.is_ended or (job.result_size or 0) > MAX_DIRECT_RESULT:
        return None
    if job.status != "succeeded":
        return problem_response(job.error or {}, request)
    if job.result_key is None:
        return _inline(job)
    try:
        return result_response(services.bucket.get(job.result_key), job.media_type)
    except session.FAILURES:  # "try again" would make the caller submit another job
        logger.exception("result_not_read")
        return None


def _inline(job: Job) -> Response:
    text = job.result or ""
    if job.media_type is None:
        return result_response(text.encode(), None)
    return result_response(base64.b64decode(text), job.media_type)


def _represent(
    services: Services, request: HttpRequest, job: Job, *, with_estimate: bool = True
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the job's JSON with its estimate, and Retry-After while it has not ended."""
    estimate = forecast(services, job) if with_estimate else None
    headers = {}
    if not job.is_ended:
        headers["Retry-After"] = str(retry_after_s(job, services.clock(), estimate))
    return view.representation(job, request.base, estimate), headers


def retry_after_s(job: Job, now: Instant, estimate: Estimate | None) -> int:
    """Return after how many seconds a caller should look at an unfinished job again.

    That is when the job may start, or after a tenth of its age: a caller then learns of its end at
    most a tenth of its run time late. An estimate saves requests: the first look is after half of
    the expected time, each next one after an eighth more, until the end is near. No look is later
    than the time when readers see the deadline as missed.
    """
    if (job.not_before or 0) > now:
        wait_s, limit_s = seconds_until(job.not_before or 0, now), _MAX_BEFORE_START_S
    else:
        age_s = seconds_until(now, job.start_at or job.created)
        wait_s, limit_s = age_s / 10, _MAX_WITHOUT_S
        if estimate is not None:
            left_s = seconds_until(estimate.finish, now)
            wait_s = max(wait_s, (left_s - age_s) / 2, min(left_s / 2, age_s / 8))
            limit_s = _MAX_WITH_ESTIMATE_S
    missed_s = seconds_until(job.deadline, now) + READER_GRACE_S
    return math.ceil(max(min(wait_s, limit_s, missed_s), 1))
