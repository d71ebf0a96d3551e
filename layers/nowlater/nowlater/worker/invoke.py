"""Invokes the worker Lambda directly, to run a job while its caller waits."""

import math
from functools import cache
from typing import Any

import msgspec
from botocore.exceptions import (
    ClientError,
    ConnectionError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from nowlater.aws import session
from nowlater.jobs.model import Job, Ref
from nowlater.log import logger


class NoWorker(Exception):
    """No worker took the job: all workers are busy, or Lambda cannot be reached."""


class Workers:
    """The Lambda that runs jobs."""

    def __init__(self, name: str) -> None:
        self._name = name

    def run(self, ref: Ref, seconds: float) -> Job | None:
        """Have a worker run a job now; return the job as the run ended it.

        Waits that long, rounded up to whole seconds. Returns None where the worker did not respond
        in time or died: the run may still go on. Raises NoWorker where the job certainly did not run.
        """
        payload = msgspec.json.encode(ref)
        try:
            client = _client(max(1, math.ceil(seconds)))
            response = client.invoke(FunctionName=self._name, Payload=payload)
        except ReadTimeoutError:
            return None
        except (ClientError, ConnectionError, EndpointConnectionError) as error:
            raise NoWorker(str(error)) from error
        if "FunctionError" in response:
            logger.warning("worker_died", extra={"job_id": ref.id})
            return None
        return msgspec.json.decode(response["Payload"].read(), type=Job | None)


@cache
def _client(read_timeout_s: int) -> Any:
    """Return a client that waits that long and sends once: botocore would retry after a time-out."""
    return session.client("lambda", read_timeout=read_timeout_s, retries={"total_max_attempts": 1})
