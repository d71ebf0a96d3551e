"""Woken by GET /operations…, /health and /problems/{name}, and by whatever no route takes."""

from typing import Any

from nowlater import problems
from nowlater.api import Api, Response, answer
from nowlater.describe import operation, operations
from nowlater.log import logger
from nowlater.services import Services

services = Services()
api = Api(services.settings.public_url)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return api.resolve(event, context)


@api.get("/operations")
def listing() -> Response[Any]:
    return answer(200, operations(services, api.caller("read").base), may_be_kept=True)


@api.get("/operations/<name>")
def one(name: str) -> Response[Any]:
    return answer(200, operation(services, name, api.caller("read").base), may_be_kept=True)


@api.get("/problems/<name>")
def problem(name: str) -> Response[Any]:
    return answer(200, problems.page(name, api.base), may_be_kept=True)


@api.get("/health")
def health() -> Response[Any]:
    return answer(200, {"status": "ok"})
