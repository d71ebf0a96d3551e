"""Invoked by the table's stream for jobs that ended: publishes their completion events."""

from typing import Any

from nowlater.log import logger
from nowlater.notifications.publish import notify
from nowlater.services import Services

services = Services(preload=lambda s: (s.topic, s.table))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, int]:
    published = notify(services, event["Records"])
    logger.info("notifications_published", extra={"ends": published})
    return {"published": published}
