"""Woken by POST /async/{operation}, /jobs/{id}/retry and /uploads: accepts jobs and uploads."""

from typing import Any

from nowlater.api import job_responses
from nowlater.api.request import Call
from nowlater.api.router import Answer, Api, answer
from nowlater.aws import session
from nowlater.doors.envelope import MOST_ASYNC
from nowlater.doors.retry import retry
from nowlater.doors.submit import Request, submit
from nowlater.doors.uploads import upload
from nowlater.log import logger
from nowlater.services import Services

services = Services("store", "queues")
api = Api(services.settings.public_url, session.FAILURES)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return api.handle(event)


@api.route("POST /async/{operation}")
def accept(call: Call) -> Answer:
    caller, envelope = call.caller("invoke"), call.envelope(MOST_ASYNC)
    key = call.idempotency_key()
    asked = Request(caller, "async", call.path("operation"), envelope, key, call.trace)
    return job_responses.accepted(services, call, submit(services, asked))


@api.route("POST /jobs/{id}/retry")
def accept_again(call: Call) -> Answer:
    caller, key = call.caller("invoke"), call.idempotency_key()
    got = retry(services, caller, call.path("id"), key=key, trace=call.trace)
    return job_responses.accepted(services, call, got)


@api.route("POST /uploads")
def begin_upload(call: Call) -> Answer:
    caller = call.caller("invoke")
    made = upload(services, caller.owner, call.json(MOST_ASYNC))
    return answer(201, made, {"Location": made["url"]})
