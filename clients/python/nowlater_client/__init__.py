"""The client of nowlater: call operations, submit jobs, follow them, and get their results."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nowlater_client.client import Client, Job, Outcome
from nowlater_client.errors import NowlaterError, Unreachable, WaitTimeout
from nowlater_client.files import File, Upload
from nowlater_client.loop import Reply
from nowlater_client.models import Delivery, JobState, Operation
from nowlater_client.version import __version__

if TYPE_CHECKING:
    from nowlater_client.aio import AsyncClient, AsyncJob, AsyncOutcome

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


def __getattr__(name: str) -> Any:
    """Import the asynchronous client when it is asked for: it loads asyncio."""
    if name in ("AsyncClient", "AsyncJob", "AsyncOutcome"):
        from nowlater_client import aio

        return getattr(aio, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
