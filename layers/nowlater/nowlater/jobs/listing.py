"""Lists an owner's jobs, newest first, one page per call."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

from nowlater.aws import records
from nowlater.aws.records import Unreadable
from nowlater.aws.table import Item, Where
from nowlater.instants import Instant, after
from nowlater.jobs import commands, model, view
from nowlater.jobs.estimate import forecast
from nowlater.jobs.model import MAX_TAGS, Job
from nowlater.jobs.newest import Newest
from nowlater.jobs.protocol import READER_GRACE_S
from nowlater.problems import Problem
from nowlater.services import Services
from nowlater.wording import quoted

#: The parameters of a query, in their order.
type Query = Iterable[tuple[str, str]]

#: A page has at most this many bytes: Lambda returns at most 6 MB, base64 included.
_MAX_BYTES = 3 * 1024 * 1024

_IN_TIME = "#deadline > :late"
#: Which records readers see with a status: they see starts and deadlines that have passed.
_HAS_STATUS = {
    "scheduled": f"(#status = :scheduled AND #not_before > :now AND {_IN_TIME})",
    "queued": "((#status = :queued OR (#status = :scheduled AND "
    f"(attribute_not_exists(#not_before) OR #not_before <= :now))) AND {_IN_TIME})",
    "running": f"(#status = :running AND {_IN_TIME})",
    "succeeded": "#status = :succeeded",
    "failed": "(#status = :failed OR "
    "(#status IN (:scheduled, :queued, :running) AND #deadline <= :late))",
    "canceled": "#status = :canceled",
}


@dataclass(frozen=True)
class Filter:
    """The conditions of a list; a listed job meets all of them."""

    status: str | None = None
    operation: str | None = None
    tags: tuple[tuple[str, str], ...] = ()

    def matches(self, job: Job) -> bool:
        """Tell whether a job, as readers see it now, meets the conditions."""
        return (
            self.status in (None, job.status)
            and self.operation in (None, job.operation)
            and all(job.tags.get(name) == value for name, value in self.tags)
        )

    def where(self, now: Instant) -> Where | None:
        """Return the conditions as a DynamoDB filter; None if there are none."""
        clauses, names = list[str](), dict[str, str]()
        values: Item = {status: status for status in model.UNFINISHED + model.ENDED}
        values |= {"now": now, "late": after(now, -READER_GRACE_S)}
        if self.status is not None:
            clauses.append(_HAS_STATUS[self.status])
        if self.operation is not None:
            clauses.append("#operation = :operation")
            values["operation"] = self.operation
        for number, (name, value) in enumerate(self.tags):
            clauses.append(f"#tags.#tag{number} = :tag{number}")
            names[f"#tag{number}"], values[f"tag{number}"] = name, value
        return Where(" AND ".join(clauses), values, names) if clauses else None


def page(services: Services, owner: str, base: str, query: Query) -> dict[str, Any]:
    """Return a page as JSON types: `jobs`, and in `next` the URL of the next page, or None.

    Raises Problem `malformed-request` where a parameter is not of its form.
    """
    conditions, limit, cursor = _parse_query(query)
    jobs, next_cursor = list_page(services, owner, base, conditions, limit, cursor)
    next_url = None
    if next_cursor:
        parameters = [(name, value) for name, value in query if name != "cursor"]
        parameters.append(("cursor", next_cursor))
        next_url = f"{base}/jobs?{urlencode(parameters, errors='replace')}"
    return {"jobs": jobs, "next": next_url}


def list_page(
    services: Services, owner: str, base: str, conditions: Filter, limit: int, cursor: str | None
) -> tuple[list[msgspec.Raw], str | None]:
    """Return a page of an owner's jobs as JSON, newest first, and the next page's cursor, if any.

    A page ends at `limit` jobs, at 3 MB, and at the bounds of `Newest`. It may miss what was written
    within the last second.
    """
    now, jobs, size = services.clock(), list[msgspec.Raw](), 0
    newest = Newest(services, owner, cursor, conditions.where(now), limit)
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


def _parse_query(query: Query) -> tuple[Filter, int, str | None]:
    """Return the conditions, the limit and the cursor that a query names."""
    parameters = dict(query)
    cursor, status = parameters.get("cursor"), parameters.get("status")
    if cursor is not None and not model.is_id(cursor):
        raise _malformed("cursor", "must be the last id of the page before: follow `next`")
    if status is not None and status not in model.UNFINISHED + model.ENDED:
        raise _malformed("status", f"must be one of {', '.join(model.UNFINISHED + model.ENDED)}")
    limit = parameters.get("limit", "20")
    if not re.fullmatch("[1-9][0-9]?|100", limit):
        raise _malformed("limit", "must be a number from 1 to 100")
    return Filter(status, parameters.get("operation"), _tags(query)), int(limit), cursor


def _tags(query: Query) -> tuple[tuple[str, str], ...]:
    tags: dict[str, str] = {}
    for tag in (value for name, value in query if name == "tag"):
        name, separator, value = tag.partition(":")
        if not separator:
            raise _malformed("tag", "must have the form name:value")
        if tags.setdefault(name, value) != value:
            predicate = f"names two values of {quoted(name)}, but a job has one value for each tag"
            raise _malformed("tag", predicate)
    if len(tags) > MAX_TAGS:
        raise _malformed("tag", f"names {len(tags)} tags, but a job has at most {MAX_TAGS}")
    return tuple(tags.items())


def _malformed(parameter: str, predicate: str) -> Problem:
    return Problem("malformed-request", f"?{parameter} {predicate}.", parameter=parameter)
