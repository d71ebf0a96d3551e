"""Invoked by POST /hybrid/{operation}: accepts a job, has it run at once, and waits for its end."""

from typing import Any

from nowlater.api import job_responses
from nowlater.api.request import HttpRequest
from nowlater.api.responses import Response
from nowlater.api.router import Api
from nowlater.aws import session
from nowlater.doors.envelope import MAX_ASYNC_BODY
from nowlater.doors.hybrid import DEFAULT_WAIT_S, MAX_WAIT_S, submit_and_wait
from nowlater.doors.submit import JobRequest, submit
from nowlater.log import logger
from nowlater.services import Services

services = Services(preload=lambda s: (s.store, s.queues, s.workers))
api = Api(services.settings.public_url, session.FAILURES)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return api.handle(event)


@api.route("POST /hybrid/{operation}")
def accept(request: HttpRequest) -> Response:
    caller, envelope = request.caller("invoke"), request.envelope(MAX_ASYNC_BODY)
    prefer, key = request.preferences(), request.idempotency_key()
    is_async = prefer.is_async_at_once or envelope.start is not None
    job_request = JobRequest(
        caller,
        "hybrid",
        request.path_parameter("operation"),
        envelope,
        key,
        request.trace,
        runs_at_once=not is_async,
    )
    if is_async:
        accepted = submit(services, job_request)
        return job_responses.hybrid(services, request, accepted, "respond-async")
    wait_s = min(DEFAULT_WAIT_S if prefer.wait_s is None else prefer.wait_s, MAX_WAIT_S)
    remaining_s = min(wait_s, request.remaining_s(MAX_WAIT_S, services.clock()))
    strict = prefer.strict and not prefer.respond_async  # respond-async prefers 202 to a problem
    accepted = submit_and_wait(services, job_request, remaining_s, strict=strict)
    applied = f"wait={wait_s}" + (", handling=strict" if strict else "")
    if prefer.respond_async and not accepted.job.is_ended:
        applied = f"respond-async, {applied}"
    return job_responses.hybrid(services, request, accepted, applied)
