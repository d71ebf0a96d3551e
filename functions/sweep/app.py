"""Invoked each minute: queues the jobs whose start is near, and ends those whose deadline passed."""

from typing import Any

from nowlater.log import logger
from nowlater.services import Services
from nowlater.worker.sweep import sweep

services = Services(preload=lambda s: (s.store, s.queues))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> None:
    sweep(services)
