"""Woken by messages of both lanes: runs the jobs that they point at."""

from typing import Any

from nowlater.batch import batch
from nowlater.log import logger
from nowlater.services import Services

services = Services("store", "queues")


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    def remaining() -> float:
        return float(context.get_remaining_time_in_millis() / 1000)

    return batch(services, event, context.aws_request_id, remaining, or_exit=True)
