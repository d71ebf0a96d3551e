"""How a job is to be run: the members of a request beside its input."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, TypedDict, Union

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
        "retention": None if retention is None else math.ceil(_seconds(retention)),
        "callback": {"url": callback} if isinstance(callback, str) else callback,
        "tags": tags,
    }
    return {name: value for name, value in found.items() if value is not None}


def _seconds(value: Seconds) -> float:
    return value.total_seconds() if isinstance(value, timedelta) else value


def _time(value: When | None, relative: str) -> dict[str, Any] | None:
    if value is None or isinstance(value, dict):
        return value
    if not isinstance(value, datetime):
        return {relative: _seconds(value)}
    if value.tzinfo is None:
        raise ValueError("The start or deadline needs a time zone: datetime.now(timezone.utc) + …")
    return {"at": value.isoformat()}
