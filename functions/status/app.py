"""Woken by GET /jobs… and by what is done to a job: cancel and erase."""

from typing import Any

from nowlater import aws, jobs, replies, waiting
from nowlater.api import Answer, Api, answer
from nowlater.call import Call
from nowlater.listing import page
from nowlater.log import logger
from nowlater.services import Services

services = Services("store")
api = Api(services.settings.public_url, aws.FAILURES)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return api.handle(event)


@api.route("GET /jobs/{id}")
def status(call: Call) -> Answer:
    caller, prefer = call.caller("read"), call.preferences()
    there = jobs.read(services, caller.owner, call.path("id"))
    wait_s = waiting.granted(services, there, prefer.wait_s)
    left_s = min(wait_s, call.left_s(waiting.LONGEST_S, services.clock()))
    return replies.status(services, call, waiting.for_change(services, there, left_s), wait_s)


@api.route("GET /jobs/{id}/events", once=["lastEventId"])
def events(call: Call) -> Answer:
    caller = call.caller("read")
    return replies.events(services, call, jobs.read(services, caller.owner, call.path("id")))


@api.route("GET /jobs/{id}/result", once=["redirect"])
def result(call: Call) -> Answer:
    caller = call.caller("read")
    return replies.result(services, call, jobs.read(services, caller.owner, call.path("id")))


@api.route("GET /jobs", once=["status", "operation", "limit", "cursor"], often=["tag"])
def listing(call: Call) -> Answer:
    caller = call.caller("read")
    return answer(200, page(services, caller.owner, caller.base, call.query))


@api.route("POST /jobs/{id}/cancel")
def cancel(call: Call) -> Answer:
    caller = call.caller("manage")
    return replies.status(services, call, jobs.cancel(services, caller.owner, call.path("id")))


@api.route("DELETE /jobs/{id}")
def erase(call: Call) -> Answer:
    caller = call.caller("manage")
    jobs.erase(services, caller.owner, call.path("id"))
    return answer(204)
