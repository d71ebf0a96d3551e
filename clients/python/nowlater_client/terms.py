"""How a job is to be run, and which jobs are meant: what requests have beside an input."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
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
    if callback is not None and not isinstance(callback, Mapping):
        callback = {"url": text(callback, "callback")}
    found = {
        "start": _time(start, "start", "after"),
        "deadline": _time(deadline, "deadline", "within"),
        "retention": None if retention is None else math.ceil(seconds(retention, "retention")),
        "callback": callback,
        "tags": texts(tags, "tags"),
    }
    return {name: value for name, value in found.items() if value is not None}


def seconds(value: Seconds, name: str) -> float:
    """Return a finite number of seconds, 0 or more; raises ValueError for anything else."""
    number = value.total_seconds() if isinstance(value, timedelta) else value
    is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
    if not is_number or not 0 <= number < math.inf:
        raise ValueError(f"{name}: this is no number of seconds, and no timedelta: {value!r:.80}.")
    return number


def whole(value: int, name: str, least: int = 0) -> int:
    """Return a whole number; raises ValueError for anything else, or less."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} is a whole number of {least} or more: {value!r:.80}.")
    return value


def text(value: str, name: str) -> str:
    """Return a text; raises TypeError for anything else, and ValueError if it is empty."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is a text: {value!r:.80}.")
    if not value.strip():
        raise ValueError(f"{name} is an empty text.")
    return value


def texts(value: Mapping[str, str] | None, name: str) -> Mapping[str, str] | None:
    """Return a mapping of texts; raises TypeError for anything else."""
    if value is not None:
        pairs = [*value.items()] if isinstance(value, Mapping) else [(None, None)]
        if not all(isinstance(one, str) for pair in pairs for one in pair):
            raise TypeError(f"{name} is a dict of texts: {value!r:.80}.")
    return value


def choices(value: str | Sequence[str] | None, name: str) -> Sequence[str]:
    """Return one or several texts as several; raises TypeError for anything else."""
    if value is None:
        return ()
    found = [value] if isinstance(value, str) else value
    if isinstance(found, bytes) or not isinstance(found, Collection):
        raise TypeError(f"{name} is a text, or a list of texts: {value!r:.80}.")
    if not found:  # without the filter it would be all jobs
        raise ValueError(f"The filter {name} is empty: leave it out for all.")
    return [text(one, name) for one in found]


def _time(value: When | None, name: str, relative: str) -> dict[str, Any] | None:
    if value is None or isinstance(value, dict):
        return value
    if isinstance(value, datetime):
        return {"at": instant(value, name)}
    return {relative: seconds(value, name)}


def instant(value: datetime, name: str) -> str:
    """Return a time as the API takes it; raises ValueError without a time zone."""
    if not isinstance(value, datetime):
        raise TypeError(f"{name} is a datetime: {value!r:.80}.")
    if value.tzinfo is None:
        raise ValueError(f"{name}: {value!r} needs a time zone: datetime.now(timezone.utc) + …")
    return value.isoformat()
