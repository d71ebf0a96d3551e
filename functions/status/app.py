"""Woken by GET /jobs… and by what is done to a job: cancel and erase."""

from typing import Any

from nowlater.api import job_responses
from nowlater.api.request import Call
from nowlater.api.router import Answer, Api, answer
from nowlater.aws import session
from nowlater.jobs import commands, long_poll
from nowlater.jobs.listing import page
from nowlater.log import logger
from nowlater.services import Services

services = Services("store")
api = Api(services.settings.public_url, session.FAILURES)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return api.handle(event)


@api.route("GET /jobs/{id}")
def status(call: Call) -> Answer:
    caller, prefer = call.caller("read"), call.preferences()
    there = commands.read(services, caller.owner, call.path("id"))
    wait_s = long_poll.granted(services, there, prefer.wait_s)
    left_s = min(wait_s, call.left_s(long_poll.LONGEST_S, services.clock()))
    return job_responses.status(
        services, call, long_poll.for_change(services, there, left_s), wait_s
    )


@api.route("GET /jobs/{id}/events", once=["lastEventId"])
def events(call: Call) -> Answer:
    caller = call.caller("read")
    return job_responses.events(
        services, call, commands.read(services, caller.owner, call.path("id"))
    )


@api.route("GET /jobs/{id}/result", once=["redirect"])
def result(call: Call) -> Answer:
    caller = call.caller("read")
    return job_responses.result(
        services, call, commands.read(services, caller.owner, call.path("id"))
    )


@api.route("GET /jobs", once=["status", "operation", "limit", "cursor"], often=["tag"])
def listing(call: Call) -> Answer:
    caller = call.caller("read")
    return answer(200, page(services, caller.owner, caller.base, call.query))


@api.route("POST /jobs/{id}/cancel")
def cancel(call: Call) -> Answer:
    caller = call.caller("manage")
    return job_responses.status(
        services, call, commands.cancel(services, caller.owner, call.path("id"))
    )


@api.route("DELETE /jobs/{id}")
def erase(call: Call) -> Answer:
    caller = call.caller("manage")
    commands.erase(services, caller.owner, call.path("id"))
    return answer(204)
