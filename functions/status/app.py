"""Woken by GET /jobs… and by what is done to a job: cancel and erase."""

from typing import Any

from nowlater import aws, jobs, replies
from nowlater.api import Api, Response, answer
from nowlater.listing import page
from nowlater.log import logger
from nowlater.services import Services

services = Services("store")
api = Api(services.settings.public_url, aws.FAILURES)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return api.resolve(event, context)


@api.get("/jobs/<job_id>")
def status(job_id: str) -> Response[Any]:
    caller = api.caller("read")
    return replies.status(services, api, jobs.read(services, caller.owner, job_id))


@api.get("/jobs/<job_id>/result")
def result(job_id: str) -> Response[Any]:
    caller = api.caller("read")
    return replies.result(services, api, jobs.read(services, caller.owner, job_id))


@api.get("/jobs")
def listing() -> Response[Any]:
    caller = api.caller("read")
    return answer(200, page(services, caller.owner, caller.base, api.queries))


@api.post("/jobs/<job_id>/cancel")
def cancel(job_id: str) -> Response[Any]:
    caller = api.caller("manage")
    return replies.status(services, api, jobs.cancel(services, caller.owner, job_id))


@api.delete("/jobs/<job_id>")
def erase(job_id: str) -> Response[Any]:
    caller = api.caller("manage")
    jobs.erase(services, caller.owner, job_id)
    return answer(204)
