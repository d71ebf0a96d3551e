"""Woken by POST /sync/{operation}: runs the operation and answers with its result."""

from typing import Any

from nowlater.answer import answer
from nowlater.api import Api, Response, raw
from nowlater.log import logger
from nowlater.request import MOST_SYNC
from nowlater.services import Services

services = Services()
api = Api(services.settings.public_url)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return api.resolve(event, context)


@api.post("/sync/<operation>")
def run(operation: str) -> Response[Any]:
    caller = api.caller("invoke")
    answered = answer(services, caller, operation, api.envelope(MOST_SYNC), or_exit=True)
    return raw(answered.body, answered.media_type)
