"""The client of nowlater: call operations, submit jobs, follow them, and get their results."""

from nowlater_client.client import AsyncClient, AsyncJob, AsyncOutcome, Client, Job
from nowlater_client.errors import NowlaterError, Unreachable, WaitTimeout
from nowlater_client.exchange import Reply
from nowlater_client.files import File, Upload
from nowlater_client.gather import Outcome
from nowlater_client.models import Delivery, JobState, Operation
from nowlater_client.version import __version__

__all__ = [
    "AsyncClient",
    "AsyncJob",
    "AsyncOutcome",
    "Client",
    "Delivery",
    "File",
    "Job",
    "JobState",
    "NowlaterError",
    "Operation",
    "Outcome",
    "Reply",
    "Unreachable",
    "Upload",
    "WaitTimeout",
    "__version__",
]
