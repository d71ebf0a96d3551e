"""Invoked by POST /async/{operation}, /jobs/{id}/retry and /uploads, or directly: accepts jobs."""

from typing import Any

from nowlater.api import job_responses
from nowlater.api.request import HttpRequest
from nowlater.api.responses import Response, json_response
from nowlater.api.router import Api
from nowlater.aws import session
from nowlater.doors.envelope import MAX_ASYNC_BODY
from nowlater.doors.retry import retry
from nowlater.doors.submit import JobRequest, submit
from nowlater.doors.uploads import create_upload
from nowlater.log import logger
from nowlater.services import Services

services = Services(preload=lambda s: (s.store, s.queues))
api = Api(services.settings.public_url, session.FAILURES)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> Any:
    if "routeKey" not in event:
        from nowlater.api import direct  # imported only for these: API Gateway's requests are more

        return direct.submit(api, event)
    return api.handle(event)


@api.route("POST /async/{operation}")
def accept(request: HttpRequest) -> Response:
    caller, envelope = request.caller("invoke"), request.envelope(MAX_ASYNC_BODY)
    key = request.idempotency_key()
    operation = request.path_parameter("operation")
    job_request = JobRequest(caller, "async", operation, envelope, key, request.trace)
    return job_responses.accepted(services, request, submit(services, job_request))


@api.route("POST /jobs/{id}/retry")
def accept_retry(request: HttpRequest) -> Response:
    caller, key = request.caller("invoke"), request.idempotency_key()
    job_id = request.path_parameter("id")
    accepted = retry(services, caller, job_id, key=key, trace=request.trace)
    return job_responses.accepted(services, request, accepted)


@api.route("POST /uploads")
def accept_upload(request: HttpRequest) -> Response:
    caller = request.caller("invoke")
    body, key = request.json(MAX_ASYNC_BODY), request.idempotency_key()
    upload = create_upload(services, caller.owner, body, key)
    return json_response(201, upload, {"Location": upload["url"]})
