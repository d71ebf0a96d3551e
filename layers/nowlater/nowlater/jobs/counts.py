"""Counts an owner's jobs by status, operation, and the interval in which they were accepted."""

import re
from collections import Counter
from typing import Any

from nowlater.instants import Instant, seconds_until, to_rfc3339
from nowlater.jobs import filters, ids, snapshot
from nowlater.jobs.filters import Filter, Query
from nowlater.services import Services

#: The shortest interval in seconds, and the most of them.
MIN_INTERVAL_S, MAX_INTERVALS = 60, 500


def count(services: Services, owner: str, query: Query) -> dict[str, Any]:
    """Return the numbers of jobs as JSON types, and of which time frame they are.

    Raises Problem `malformed-request` where a parameter is not of its form.
    """
    conditions = filters.parse(query)
    interval_s = _interval_s(query, conditions, services.clock())
    found = snapshot.take(services, owner, conditions)
    groups = Counter(
        (_start(ids.time_of(job.id), interval_s), job.operation, job.status) for job in found.jobs
    )
    since = conditions.since if found.is_complete else found.reached
    return {
        "counts": [
            {
                "from": to_rfc3339(start) if interval_s else None,
                "operation": operation,
                "status": status,
                "jobs": jobs,
            }
            for (start, operation, status), jobs in sorted(groups.items())
        ],
        "since": None if since is None else to_rfc3339(since),
        "until": to_rfc3339(found.at if conditions.until is None else conditions.until),
        "complete": found.is_complete,
    }


def _start(accepted: Instant, interval_s: int | None) -> Instant:
    """Return when the interval of an instant begins: a multiple of its length since the epoch."""
    return 0 if interval_s is None else accepted - accepted % (1000 * interval_s)


def _interval_s(query: Query, conditions: Filter, now: Instant) -> int | None:
    """Return the length of the intervals; None where all jobs count together."""
    text = dict(query).get("interval")
    if text is None:
        return None
    if not re.fullmatch("[1-9][0-9]{1,6}", text) or int(text) < MIN_INTERVAL_S:
        raise filters.malformed("interval", f"must be seconds: a number from {MIN_INTERVAL_S}")
    if conditions.since is None:
        raise filters.malformed("interval", "needs ?since, where the first interval begins")
    frame_s = seconds_until(now if conditions.until is None else conditions.until, conditions.since)
    if frame_s / int(text) > MAX_INTERVALS:
        predicate = f"divides the time frame into more than {MAX_INTERVALS} intervals"
        raise filters.malformed("interval", predicate)
    return int(text)
