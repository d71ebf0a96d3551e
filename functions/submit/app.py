"""Woken by POST /async/{operation}, /jobs/{id}/retry and /uploads: accepts jobs and uploads."""

from typing import Any

from nowlater import aws, replies
from nowlater.api import Answer, Api, answer
from nowlater.call import Call
from nowlater.log import logger
from nowlater.request import MOST_ASYNC
from nowlater.retry import retry
from nowlater.services import Services
from nowlater.submit import Request, submit
from nowlater.uploads import upload

services = Services("store", "queues")
api = Api(services.settings.public_url, aws.FAILURES)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return api.handle(event)


@api.route("POST /async/{operation}")
def accept(call: Call) -> Answer:
    caller, envelope = call.caller("invoke"), call.envelope(MOST_ASYNC)
    key = call.idempotency_key()
    asked = Request(caller, "async", call.path("operation"), envelope, key, call.trace)
    return replies.accepted(services, call, submit(services, asked))


@api.route("POST /jobs/{id}/retry")
def accept_again(call: Call) -> Answer:
    caller, key = call.caller("invoke"), call.idempotency_key()
    got = retry(services, caller, call.path("id"), key=key, trace=call.trace)
    return replies.accepted(services, call, got)


@api.route("POST /uploads")
def begin_upload(call: Call) -> Answer:
    caller = call.caller("invoke")
    made = upload(services, caller.owner, call.json(MOST_ASYNC))
    return answer(201, made, {"Location": made["url"]})
