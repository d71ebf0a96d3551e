"""Woken by messages of both lanes, and by Hybrid: runs the jobs that they point at."""

from typing import Any

import msgspec

from nowlater.jobs.model import Ref
from nowlater.log import logger
from nowlater.services import Services
from nowlater.worker import attempt
from nowlater.worker.batch import batch

services = Services(preload=(Services.store, Services.queues))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> Any:
    def remaining() -> float:
        return float(context.get_remaining_time_in_millis() / 1000)

    if "Records" in event:
        return batch(services, event, context.aws_request_id, remaining, or_exit=True)
    ref = msgspec.convert(event, Ref)
    ended = attempt.direct(services, ref, context.aws_request_id, remaining=remaining)
    return msgspec.to_builtins(ended)
