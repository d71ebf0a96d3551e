"""Invoked by messages of both lanes, and by Hybrid: runs the jobs that they refer to."""

from typing import Any

import msgspec

from nowlater.jobs.model import Ref
from nowlater.log import logger
from nowlater.services import Services
from nowlater.worker import attempt
from nowlater.worker.batch import batch

services = Services(preload=lambda s: (s.store, s.queues))


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: Any) -> Any:
    def remaining_s() -> float:
        return float(context.get_remaining_time_in_millis() / 1000)

    if "Records" in event:
        return batch(services, event, context.aws_request_id, remaining_s, or_exit=True)
    ref = msgspec.convert(event, Ref)
    job = attempt.direct(services, ref, context.aws_request_id, remaining=remaining_s)
    return msgspec.to_builtins(job)
