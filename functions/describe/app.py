"""Invoked by GET /operations…, /problems…, /health and the manual, and where no route matches."""

from typing import Any

from nowlater import problems
from nowlater.api import console as consoles
from nowlater.api import docs as manual
from nowlater.api.describe import CACHE_FOR_A_MINUTE, describe_operation, list_operations
from nowlater.api.request import HttpRequest
from nowlater.api.responses import Response, json_response
from nowlater.api.router import Api
from nowlater.log import logger
from nowlater.services import Services

services = Services()
api = Api(services.settings.public_url)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return api.handle(event)


@api.route("GET /operations")
def get_operations(request: HttpRequest) -> Response:
    caller = request.caller("read")
    return json_response(200, list_operations(services, caller.base), CACHE_FOR_A_MINUTE)


@api.route("GET /operations/{name}")
def get_operation(request: HttpRequest) -> Response:
    caller, name = request.caller("read"), request.path_parameter("name")
    return json_response(200, describe_operation(services, name, caller.base), CACHE_FOR_A_MINUTE)


@api.route("GET /problems/{name}")
def get_problem(request: HttpRequest) -> Response:
    kind = problems.describe_kind(request.path_parameter("name"), request.base)
    return json_response(200, kind, CACHE_FOR_A_MINUTE)


@api.route("GET /health")
def health(request: HttpRequest) -> Response:
    return json_response(200, {"status": "ok"})


@api.route("GET /openapi.json")
def openapi(request: HttpRequest) -> Response:
    return manual.openapi(services, request)


@api.route("GET /asyncapi.json")
def asyncapi(request: HttpRequest) -> Response:
    return manual.asyncapi(request)


@api.route("GET /docs")
def docs(request: HttpRequest) -> Response:
    return manual.page(request)


@api.route("GET /docs/{file}")
def docs_file(request: HttpRequest) -> Response:
    return manual.file(request, request.path_parameter("file"))


@api.route("GET /console")
def console(request: HttpRequest) -> Response:
    return consoles.page(services.bucket, request)


@api.route("GET /console/{version}/{file}")
def console_file(request: HttpRequest) -> Response:
    version, name = request.path_parameter("version"), request.path_parameter("file")
    return consoles.file(request, version, name)
