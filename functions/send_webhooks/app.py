"""Woken by messages of the webhook queue: sends each to its callback, and writes the log."""

from typing import Any

from nowlater.log import logger
from nowlater.notifications.send import send_webhooks
from nowlater.services import Services

services = Services(preload=(Services.deliveries, Services.queues, Services.vault))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return send_webhooks(services, event)
