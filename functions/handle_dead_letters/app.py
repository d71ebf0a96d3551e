"""Invoked by dead letters: stores each in the bucket, and ends the job that it refers to."""

from typing import Any

from nowlater.log import logger
from nowlater.services import Services
from nowlater.worker.dead_letters import handle

services = Services(preload=lambda s: (s.store, s.queues, s.bucket))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(services, event)
