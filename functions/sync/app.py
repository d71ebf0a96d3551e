"""Invoked by POST /sync/{operation}: runs the operation and returns its result."""

from typing import Any

from nowlater.api.request import HttpRequest
from nowlater.api.responses import Response, result_response
from nowlater.api.router import Api
from nowlater.doors.envelope import MAX_SYNC_BODY
from nowlater.doors.sync import LONGEST_S, run_now
from nowlater.log import logger
from nowlater.services import Services

services = Services()
api = Api(services.settings.public_url)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return api.handle(event)


@api.route("POST /sync/{operation}")
def run(request: HttpRequest) -> Response:
    caller, body = request.caller("invoke"), request.json(MAX_SYNC_BODY)
    limit_s = request.remaining_s(LONGEST_S, services.clock())
    operation = request.path_parameter("operation")
    result = run_now(services, caller, operation, body, limit_s=limit_s, or_exit=True)
    return result_response(result.body, result.media_type)
