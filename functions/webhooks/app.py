"""Woken by GET and POST /jobs/{id}/deliveries… and /webhooks/secret…: the log, and the secrets."""

from typing import Any

from nowlater import aws, delivery, owner_secrets, webhooks
from nowlater.api import Answer, Api, answer
from nowlater.call import Call
from nowlater.log import logger
from nowlater.services import Services

services = Services("store", "deliveries", "vault")
api = Api(services.settings.public_url, aws.FAILURES)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return api.handle(event)


@api.route("GET /jobs/{id}/deliveries")
def deliveries(call: Call) -> Answer:
    caller = call.caller("read")
    return answer(200, webhooks.deliveries(services, caller.owner, caller.base, call.path("id")))


@api.route("POST /jobs/{id}/deliveries/{number}/replay")
def replay(call: Call) -> Answer:
    caller = call.caller("manage")
    again = webhooks.replay(services, caller.owner, call.path("id"), call.path("number"))
    return answer(202, delivery.representation(again, caller.base))


@api.route("GET /webhooks/secret", once=["host"])
def secret(call: Call) -> Answer:
    caller = call.caller("manage")
    return answer(200, owner_secrets.shown(services, caller.owner, call.parameter("host") or ""))


@api.route("POST /webhooks/secret/rotate")
def rotate(call: Call) -> Answer:
    caller = call.caller("manage")
    return answer(200, owner_secrets.rotate(services, caller.owner))
