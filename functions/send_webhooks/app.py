"""Invoked by messages of the webhook queue: sends each to its callback, and records the delivery."""

from typing import Any

from nowlater.log import logger
from nowlater.notifications.send import send_webhooks
from nowlater.services import Services

services = Services(preload=lambda s: (s.deliveries, s.queues, s.master_secret))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return send_webhooks(services, event)
