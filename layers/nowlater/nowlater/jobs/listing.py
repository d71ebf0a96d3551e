"""Lists an owner's jobs, newest first, one page per call."""

from typing import Any

import msgspec

from nowlater.aws import records
from nowlater.aws.records import Unreadable
from nowlater.instants import Instant
from nowlater.jobs import commands, filters, view
from nowlater.jobs.estimate import forecast
from nowlater.jobs.filters import Filter, Query
from nowlater.jobs.model import Job
from nowlater.jobs.newest import Newest
from nowlater.services import Services

#: A page has at most this many bytes: Lambda returns at most 6 MB, base64 included.
_MAX_BYTES = 3 * 1024 * 1024


def page(services: Services, owner: str, base: str, query: Query) -> dict[str, Any]:
    """Return a page as JSON types: `jobs`, and in `next` the URL of the next page, or None.

    Raises Problem `malformed-request` where a parameter is not of its form.
    """
    conditions, limit, cursor = filters.parse(query), filters.limit(query), filters.cursor(query)
    jobs, next_cursor = list_page(services, owner, base, conditions, limit, cursor)
    return {"jobs": jobs, "next": filters.next_url(f"{base}/jobs", query, next_cursor)}


def list_page(
    services: Services, owner: str, base: str, conditions: Filter, limit: int, cursor: str | None
) -> tuple[list[msgspec.Raw], str | None]:
    """Return a page of an owner's jobs as JSON, newest first, and the next page's cursor, if any.

    A page ends at `limit` jobs, at 3 MB, and at the bounds of `Newest`. It may miss what was written
    within the last second.
    """
    now, jobs, size = services.clock(), list[msgspec.Raw](), 0
    newest = Newest(services, owner, conditions, cursor, limit)
    for job in newest:
        text = _to_json(services, base, conditions, job, now)
        if text is None:
            continue
        if size + len(text) > _MAX_BYTES:
            return jobs, cursor
        jobs, size, cursor = [*jobs, msgspec.Raw(text)], size + len(text), job.id
        if len(jobs) == limit:
            return jobs, cursor
    return jobs, newest.rest


def _to_json(
    services: Services, base: str, conditions: Filter, stored: Job, now: Instant
) -> bytes | None:
    """Return a job as JSON; None if the page must not list it."""
    try:
        job = commands.as_of_now(services, stored)
    except Unreadable as fault:  # another version wrote it since it was listed
        records.log(fault)
        return None
    if view.is_gone(job, now) or not conditions.matches(job):
        return None
    return msgspec.json.encode(view.representation(job, base, forecast(services, job)))
