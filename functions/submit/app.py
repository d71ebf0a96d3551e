"""Woken by POST /async/{operation}, /jobs/{id}/retry and /uploads: accepts jobs and uploads."""

from typing import Any

from nowlater import aws, replies
from nowlater.api import Api, Response, answer
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
    return api.resolve(event, context)


@api.post("/async/<operation>")
def accept(operation: str) -> Response[Any]:
    caller, envelope = api.caller("invoke"), api.envelope(MOST_ASYNC)
    asked = Request(caller, operation, envelope, api.idempotency_key, api.trace)
    return replies.accepted(services, api, submit(services, asked))


@api.post("/jobs/<job_id>/retry")
def accept_again(job_id: str) -> Response[Any]:
    caller = api.caller("invoke")
    got = retry(services, caller, job_id, key=api.idempotency_key, trace=api.trace)
    return replies.accepted(services, api, got)


@api.post("/uploads")
def begin_upload() -> Response[Any]:
    caller = api.caller("invoke")
    return answer(201, upload(services, caller.owner, api.json(MOST_ASYNC)))
