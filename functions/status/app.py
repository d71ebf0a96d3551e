"""Invoked by GET /jobs… and /lanes, to cancel or erase a job, or directly to show one."""

from typing import Any

from nowlater.api import job_responses
from nowlater.api.request import HttpRequest
from nowlater.api.responses import Response, json_response
from nowlater.api.router import Api
from nowlater.aws import session
from nowlater.jobs import commands, long_poll
from nowlater.jobs.listing import page
from nowlater.log import logger
from nowlater.services import Services

services = Services(preload=lambda s: s.store)
api = Api(services.settings.public_url, session.FAILURES)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> Any:
    if "routeKey" not in event:
        from nowlater.api import direct  # imported only for these: API Gateway's requests are more

        return direct.show(api, event)
    return api.handle(event)


@api.route("GET /jobs/{id}")
def status(request: HttpRequest) -> Response:
    caller, prefer = request.caller("read"), request.preferences()
    job = commands.read(services, caller.owner, request.path_parameter("id"))
    wait_s = long_poll.granted_wait_s(services, job, prefer.wait_s)
    remaining_s = min(wait_s, request.remaining_s(long_poll.LONGEST_S, services.clock()))
    job = long_poll.wait_for_change(services, job, remaining_s)
    return job_responses.status(services, request, job, wait_s)


@api.route("GET /jobs/{id}/events", once=["lastEventId"])
def events(request: HttpRequest) -> Response:
    caller = request.caller("read")
    job = commands.read(services, caller.owner, request.path_parameter("id"))
    return job_responses.events(services, request, job)


@api.route("GET /jobs/{id}/result", once=["redirect"])
def result(request: HttpRequest) -> Response:
    caller = request.caller("read")
    job = commands.read(services, caller.owner, request.path_parameter("id"))
    return job_responses.result(services, request, job)


@api.route(
    "GET /jobs", once=["operation", "since", "until", "limit", "cursor"], often=["status", "tag"]
)
def list_jobs(request: HttpRequest) -> Response:
    caller = request.caller("read")
    return json_response(200, page(services, caller.owner, caller.base, request.query))


@api.route(
    "GET /jobs/counts", once=["operation", "since", "until", "interval"], often=["status", "tag"]
)
def count_jobs(request: HttpRequest) -> Response:
    from nowlater.jobs.counts import count  # imported only for these requests

    caller = request.caller("read")
    return json_response(200, count(services, caller.owner, request.query))


@api.route("GET /lanes")
def list_lanes(request: HttpRequest) -> Response:
    from nowlater.jobs.lane_loads import lane_loads  # imported only for these requests

    caller = request.caller("read")
    return json_response(200, lane_loads(services, caller.owner))


@api.route("POST /jobs/{id}/cancel")
def cancel(request: HttpRequest) -> Response:
    caller = request.caller("manage")
    job = commands.cancel(services, caller.owner, request.path_parameter("id"))
    return job_responses.status(services, request, job)


@api.route("DELETE /jobs/{id}")
def erase(request: HttpRequest) -> Response:
    caller = request.caller("manage")
    commands.erase(services, caller.owner, request.path_parameter("id"))
    return json_response(204)
