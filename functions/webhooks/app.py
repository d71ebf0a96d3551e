"""Invoked by GET /deliveries, GET and POST /jobs/{id}/deliveries… and /webhooks/secret…."""

from typing import Any

from nowlater.api.request import HttpRequest
from nowlater.api.responses import Response, json_response
from nowlater.api.router import Api
from nowlater.aws import session
from nowlater.log import logger
from nowlater.notifications import commands, delivery, secrets
from nowlater.services import Services

services = Services(preload=lambda s: (s.store, s.deliveries, s.master_secret))
api = Api(services.settings.public_url, session.FAILURES)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return api.handle(event)


@api.route("GET /deliveries", once=["since", "until", "limit", "cursor"], often=["state"])
def list_deliveries(request: HttpRequest) -> Response:
    from nowlater.notifications.listing import page  # imported only for these requests

    caller = request.caller("read")
    return json_response(200, page(services, caller.owner, caller.base, request.query))


@api.route("GET /jobs/{id}/deliveries")
def deliveries(request: HttpRequest) -> Response:
    caller = request.caller("read")
    return json_response(
        200, commands.deliveries(services, caller.owner, caller.base, request.path_parameter("id"))
    )


@api.route("POST /jobs/{id}/deliveries/{number}/replay")
def replay(request: HttpRequest) -> Response:
    caller = request.caller("manage")
    resent = commands.resend(
        services, caller.owner, request.path_parameter("id"), request.path_parameter("number")
    )
    return json_response(202, delivery.representation(resent, caller.base))


@api.route("GET /webhooks/secret", once=["host"])
def secret(request: HttpRequest) -> Response:
    caller = request.caller("manage")
    return json_response(
        200, secrets.describe(services, caller.owner, request.query_parameter("host") or "")
    )


@api.route("POST /webhooks/secret/rotate")
def rotate(request: HttpRequest) -> Response:
    caller = request.caller("manage")
    return json_response(200, secrets.rotate(services, caller.owner))
