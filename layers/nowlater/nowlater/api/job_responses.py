"""HTTP answers about jobs: accepted, as it is, and its result."""

import base64
import math
from dataclasses import replace
from typing import Any

import msgspec

from nowlater.api.request import HttpRequest
from nowlater.api.responses import (
    EVENTS,
    JSON,
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
from nowlater.limits import MAX_DIRECT_RESULT
from nowlater.log import logger
from nowlater.problems import Problem
from nowlater.services import Services

#: The longest that a caller is told to wait before it looks again, by what is known of the job.
_UNTIL_START_S, _WITH_ESTIMATE_S, _WITHOUT_S = 3600, 3600, 60


def accepted(services: Services, request: HttpRequest, got: Accepted) -> Response:
    """Answer 202: the job, where to look at it, and when."""
    url = f"{request.base}/jobs/{got.job.id}"
    headers = {"Location": url, "Operation-Location": url}
    headers |= {"Idempotency-Replayed": "true"} if got.replayed else {}
    shown, pause = _shown(services, request, got.job)
    return json_response(202, shown, headers | pause)


def status(services: Services, request: HttpRequest, job: Job, waited_s: int = 0) -> Response:
    """Answer 200 with the job, or 304 where the caller has seen it just so."""
    shown, pause = _shown(services, request, job)
    headers = {"ETag": view.etag(shown)} | pause
    headers |= {"Preference-Applied": f"wait={waited_s}"} if waited_s else {}
    if request.has_seen(headers["ETag"]):
        return json_response(304, headers=headers)
    return json_response(200, shown, headers)


def events(services: Services, request: HttpRequest, job: Job) -> Response:
    """Answer with the job as a server-sent event, unless it was seen just so; 204 after its end.

    The stream is finite: `retry` tells an EventSource when to come back.
    """
    event_id = f"{job.updated}-{job.status}"
    seen = request.header("last-event-id") or request.parameter("lastEventId")
    if job.is_ended and seen == event_id:
        # A gateway would name a type of its own, and some clients raise for any but this one.
        return json_response(204, headers={"Content-Type": EVENTS})
    shown, pause = _shown(services, request, job)
    text = f"retry: {1000 * int(pause.get('Retry-After', 1))}\n\n"
    if seen != event_id:
        text = f"id: {event_id}\ndata: {msgspec.json.encode(shown).decode()}\n{text}"
    return text_stream(text)


def result(services: Services, request: HttpRequest, job: Job) -> Response:
    """Answer with the result itself, where it lies, or why there is none (yet)."""
    to_url = _asks_for_url(request)
    if not job.is_ended:
        return json_response(202, *_shown(services, request, job))
    if job.status != "succeeded":
        return problem_response(job.error or {}, request, status=409)
    if job.result_key is None:
        return _inline(job)
    url = services.bucket.url_to_get(job.result_key)
    if to_url:
        return json_response(200, {"url": url, "media_type": job.media_type or JSON})
    return json_response(303, headers={"Location": url})


def _asks_for_url(request: HttpRequest) -> bool:
    """Tell whether the caller does not want to be redirected; raises Problem `malformed-request`."""
    redirect = request.parameter("redirect") or "1"
    if redirect not in ("0", "1"):
        raise Problem("malformed-request", "?redirect is 0 or 1.", parameter="redirect")
    return redirect == "0"


def hybrid(services: Services, request: HttpRequest, got: Accepted, applied: str) -> Response:
    """Answer what an async job came to where it has ended, else 202 with the job."""
    job = got.job
    made = _result(services, request, job) or accepted(services, request, got)
    headers = {"Preference-Applied": applied, "Content-Location": f"{request.base}/jobs/{job.id}"}
    headers |= {"Idempotency-Replayed": "true"} if got.replayed else {}
    return replace(made, headers=dict(made.headers) | headers)


def _result(services: Services, request: HttpRequest, job: Job) -> Response | None:
    """Answer what a job came to; None where that must be asked for at the job."""
    if not job.is_ended or (job.result_size or 0) > MAX_DIRECT_RESULT:
        return None
    if job.status != "succeeded":
        return problem_response(job.error or {}, request)
    if job.result_key is None:
        return _inline(job)
    try:
        return result_response(services.bucket.get(job.result_key), job.media_type)
    except session.FAILURES:  # "try again" would be another job
        logger.exception("result_not_read")
        return None


def _inline(job: Job) -> Response:
    text = job.result or ""
    if job.media_type is None:
        return result_response(text.encode(), None)
    return result_response(base64.b64decode(text), job.media_type)


def _shown(
    services: Services, request: HttpRequest, job: Job
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the job with its estimate, and the header that says when to look again."""
    estimate = forecast(services, job)
    pause = {} if job.is_ended else {"Retry-After": str(pause_s(job, services.clock(), estimate))}
    return view.representation(job, request.base, estimate), pause


def pause_s(job: Job, now: Instant, estimate: Estimate | None) -> int:
    """Return in how many seconds to look again at an unfinished job.

    That is when it may start, or after a tenth of its age: so an end is learned of within a tenth
    of the job's time. An estimate saves looks: the first is after half of the expected time, the
    next each after an eighth more, until the end is near. None is later than its deadline shows.
    """
    if (job.not_before or 0) > now:
        pause, most = seconds_until(job.not_before or 0, now), _UNTIL_START_S
    else:
        age_s = seconds_until(now, job.start_at or job.created)
        pause, most = age_s / 10, _WITHOUT_S
        if estimate is not None:
            left_s = seconds_until(estimate.finish, now)
            pause = max(pause, (left_s - age_s) / 2, min(left_s / 2, age_s / 8))
            most = _WITH_ESTIMATE_S
    shows_s = seconds_until(job.deadline, now) + READER_GRACE_S
    return math.ceil(max(min(pause, most, shows_s), 1))
