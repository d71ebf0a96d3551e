"""The worker Lambda, called directly: a job's run while somebody waits for it."""

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
    """No worker took the job: all are busy, or cannot be reached."""


class Workers:
    """The Lambda that runs jobs."""

    def __init__(self, name: str) -> None:
        self._name = name

    def run(self, ref: Ref, seconds: float) -> Job | None:
        """Have a worker run a job now; return the job as it left it.

        Returns None where it has not said so within that time (at least a second) or has died:
        the run may go on. Raises NoWorker where there was surely no run.
        """
        payload = msgspec.json.encode(ref)
        try:
            answer = _client(max(1, int(seconds))).invoke(FunctionName=self._name, Payload=payload)
        except ReadTimeoutError:
            return None
        except (ClientError, ConnectionError, EndpointConnectionError) as error:
            raise NoWorker(str(error)) from error
        if "FunctionError" in answer:
            logger.warning("worker_died", extra={"job_id": ref.id})
            return None
        return msgspec.json.decode(answer["Payload"].read(), type=Job | None)


@cache
def _client(seconds: int) -> Any:
    """Return a client that waits that long, and does not ask twice: botocore retries time-outs."""
    return session.client("lambda", read_timeout=seconds, retries={"total_max_attempts": 1})
