"""How a job is to be run, and which jobs are meant: what requests have beside an input."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict, Union

if TYPE_CHECKING:
    from nowlater_client.models import Status

Seconds = Union[float, timedelta]  # noqa: UP007 - evaluated by Python 3.10
When = Union[Seconds, datetime, "dict[str, Any]"]


class Terms(TypedDict, total=False):
    """How a job is to be run."""

    #: Seconds or a timedelta from now, or a datetime: no attempt starts earlier.
    start: When
    #: The same: no attempt starts or succeeds later. `{"within": 60, "or": "refuse"}` refuses a job
    #: that would probably miss it.
    deadline: When
    #: Seconds or a timedelta: how long the ended job can be read.
    retention: Seconds
    #: Where the completion event goes: a URL, or `{"url": …, "events": […]}`.
    callback: str | Mapping[str, Any]
    tags: Mapping[str, str]


class Filters(TypedDict, total=False):
    """Which jobs are meant: those that match all of these."""

    status: Status | Sequence[Status] | None
    operation: str | None
    tags: Mapping[str, str] | None
    #: Times of acceptance.
    since: datetime | None
    until: datetime | None


def members(
    *,
    start: When | None = None,
    deadline: When | None = None,
    retention: Seconds | None = None,
    callback: Mapping[str, Any] | str | None = None,
    tags: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Return the terms of a job as members of the request, without those that are None."""
    found = {
        "start": _time(start, "after"),
        "deadline": _time(deadline, "within"),
        "retention": None if retention is None else math.ceil(seconds(retention)),
        "callback": {"url": callback} if isinstance(callback, str) else callback,
        "tags": tags,
    }
    return {name: value for name, value in found.items() if value is not None}


def seconds(value: Seconds) -> float:
    """Return a finite number of seconds; raises ValueError for anything else."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    if not isinstance(number, (int, float)) or not math.isfinite(number):
        raise ValueError(f"This is no number of seconds, and no timedelta: {value!r}.")
    return number


def _time(value: When | None, relative: str) -> dict[str, Any] | None:
    if value is None or isinstance(value, dict):
        return value
    return {"at": instant(value)} if isinstance(value, datetime) else {relative: seconds(value)}


def instant(value: datetime) -> str:
    """Return a time as the API takes it; raises ValueError without a time zone."""
    if value.tzinfo is None:
        raise ValueError(f"{value!r} needs a time zone: datetime.now(timezone.utc) + …")
    return value.isoformat()
