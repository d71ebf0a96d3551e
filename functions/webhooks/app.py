"""Woken by GET and POST /jobs/{id}/deliveries… and /webhooks/secret…: the log, and the secrets."""

from typing import Any

from nowlater.api.request import Call
from nowlater.api.router import Answer, Api, answer
from nowlater.aws import session
from nowlater.log import logger
from nowlater.notifications import commands, delivery, secrets
from nowlater.services import Services

services = Services("store", "deliveries", "vault")
api = Api(services.settings.public_url, session.FAILURES)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return api.handle(event)


@api.route("GET /jobs/{id}/deliveries")
def deliveries(call: Call) -> Answer:
    caller = call.caller("read")
    return answer(200, commands.deliveries(services, caller.owner, caller.base, call.path("id")))


@api.route("POST /jobs/{id}/deliveries/{number}/replay")
def replay(call: Call) -> Answer:
    caller = call.caller("manage")
    again = commands.replay(services, caller.owner, call.path("id"), call.path("number"))
    return answer(202, delivery.representation(again, caller.base))


@api.route("GET /webhooks/secret", once=["host"])
def secret(call: Call) -> Answer:
    caller = call.caller("manage")
    return answer(200, secrets.shown(services, caller.owner, call.parameter("host") or ""))


@api.route("POST /webhooks/secret/rotate")
def rotate(call: Call) -> Answer:
    caller = call.caller("manage")
    return answer(200, secrets.rotate(services, caller.owner))
