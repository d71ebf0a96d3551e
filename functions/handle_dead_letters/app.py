"""Woken by dead letters: keeps each in the bucket, and ends the job that it points at."""

from typing import Any

from nowlater.log import logger
from nowlater.services import Services
from nowlater.worker.dead_letters import handle

services = Services(preload=(Services.store, Services.queues, Services.bucket))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(services, event)
