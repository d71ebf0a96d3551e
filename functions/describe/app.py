"""Woken by GET /operations…, /problems…, /health and the manual, and by whatever no route takes."""

from typing import Any

from nowlater import problems
from nowlater.api import docs as manual
from nowlater.api.describe import MAY_BE_KEPT, operation, operations
from nowlater.api.request import Call
from nowlater.api.router import Answer, Api, answer
from nowlater.log import logger
from nowlater.services import Services

services = Services()
api = Api(services.settings.public_url)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return api.handle(event)


@api.route("GET /operations")
def listing(call: Call) -> Answer:
    caller = call.caller("read")
    return answer(200, operations(services, caller.base), MAY_BE_KEPT)


@api.route("GET /operations/{name}")
def one(call: Call) -> Answer:
    caller = call.caller("read")
    return answer(200, operation(services, call.path("name"), caller.base), MAY_BE_KEPT)


@api.route("GET /problems/{name}")
def problem(call: Call) -> Answer:
    return answer(200, problems.page(call.path("name"), call.base), MAY_BE_KEPT)


@api.route("GET /health")
def health(call: Call) -> Answer:
    return answer(200, {"status": "ok"})


@api.route("GET /openapi.json")
def openapi(call: Call) -> Answer:
    return manual.openapi(services, call)


@api.route("GET /asyncapi.json")
def asyncapi(call: Call) -> Answer:
    return manual.asyncapi(call)


@api.route("GET /docs")
def docs(call: Call) -> Answer:
    return manual.page(call)


@api.route("GET /docs/{file}")
def docs_file(call: Call) -> Answer:
    return manual.file(call, call.path("file"))
