"""Woken by POST /hybrid/{operation}: accepts a job, has it run at once, and waits for it a while."""

from typing import Any

from nowlater.api import job_responses
from nowlater.api.request import HttpRequest
from nowlater.api.responses import Response
from nowlater.api.router import Api
from nowlater.aws import session
from nowlater.doors.envelope import MAX_ASYNC_BODY
from nowlater.doors.hybrid import hybrid
from nowlater.doors.submit import JobRequest, submit
from nowlater.log import logger
from nowlater.services import Services

services = Services(preload=(Services.store, Services.queues, Services.workers))
api = Api(services.settings.public_url, session.FAILURES)

#: Seconds that a caller waits who does not say, and at most: that counts from when the request came in.
USUAL_WAIT_S, LONGEST_WAIT_S = 10, 25


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return api.handle(event)


@api.route("POST /hybrid/{operation}")
def accept(request: HttpRequest) -> Response:
    caller, envelope, prefer = (
        request.caller("invoke"),
        request.envelope(MAX_ASYNC_BODY),
        request.preferences(),
    )
    key = request.idempotency_key()
    later = prefer.is_async_at_once or envelope.start is not None
    asked = JobRequest(
        caller,
        "hybrid",
        request.path("operation"),
        envelope,
        key,
        request.trace,
        head_start=not later,
    )
    if later:
        return job_responses.hybrid(services, request, submit(services, asked), "respond-async")
    wait_s = min(USUAL_WAIT_S if prefer.wait_s is None else prefer.wait_s, LONGEST_WAIT_S)
    left_s = min(wait_s, request.left_s(LONGEST_WAIT_S, services.clock()))
    strict = prefer.strict and not prefer.respond_async  # who prefers 202 is not refused it
    got = hybrid(services, asked, left_s, strict=strict)
    applied = f"wait={wait_s}" + (", handling=strict" if strict else "")
    if prefer.respond_async and not got.job.is_ended:
        applied = f"respond-async, {applied}"
    return job_responses.hybrid(services, request, got, applied)
