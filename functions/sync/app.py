"""Woken by POST /sync/{operation}: runs the operation and answers with its result."""

from typing import Any

from nowlater.api.request import Call
from nowlater.api.router import Answer, Api, raw
from nowlater.doors.envelope import MOST_SYNC
from nowlater.doors.sync import LONGEST_S, answer
from nowlater.log import logger
from nowlater.services import Services

services = Services()
api = Api(services.settings.public_url)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return api.handle(event)


@api.route("POST /sync/{operation}")
def run(call: Call) -> Answer:
    caller, body = call.caller("invoke"), call.json(MOST_SYNC)
    left_s = call.left_s(LONGEST_S, services.clock())
    result = answer(services, caller, call.path("operation"), body, longest_s=left_s, or_exit=True)
    return raw(result.body, result.media_type)
