"""Lists an owner's jobs, newest first, a page at a time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

from nowlater import ids, job, jobs, records, view
from nowlater.forecast import forecast
from nowlater.job import READER_GRACE_S, Job
from nowlater.newest import Newest
from nowlater.problems import Problem
from nowlater.records import Unreadable
from nowlater.services import Services
from nowlater.table import Item, Where
from nowlater.timing import Instant, after

#: A page ends when it has so many bytes: Lambda answers with 6 MB at most, as base64.
_MOST_BYTES = 3 * 1024 * 1024

_IN_TIME = "#deliver_by > :late"
#: Which records can be shown with a status, given that readers see times that have passed.
_SHOWN_AS = {
    "scheduled": f"(#status = :scheduled AND #not_before > :now AND {_IN_TIME})",
    "queued": "((#status = :queued OR (#status = :scheduled AND "
    f"(attribute_not_exists(#not_before) OR #not_before <= :now))) AND {_IN_TIME})",
    "running": f"(#status = :running AND {_IN_TIME})",
    "succeeded": "#status = :succeeded",
    "failed": "(#status = :failed OR "
    "(#status IN (:scheduled, :queued, :running) AND #deliver_by <= :late))",
    "canceled": "#status = :canceled",
}


@dataclass(frozen=True)
class Filter:
    """Which jobs are listed: all conditions that are given must hold."""

    status: str | None = None
    operation: str | None = None
    tag: tuple[str, str] | None = None

    def takes(self, shown: Job) -> bool:
        return (
            self.status in (None, shown.status)
            and self.operation in (None, shown.operation)
            and (self.tag is None or shown.tags.get(self.tag[0]) == self.tag[1])
        )

    def where(self, now: Instant) -> Where | None:
        """Return the same for DynamoDB, which then sends only what can be taken; None: everything."""
        clauses, names = list[str](), dict[str, str]()
        values: Item = {status: status for status in job.UNFINISHED + job.ENDED}
        values |= {"now": now, "late": after(now, -READER_GRACE_S)}
        if self.status is not None:
            clauses.append(_SHOWN_AS[self.status])
        if self.operation is not None:
            clauses.append("#operation = :operation")
            values["operation"] = self.operation
        if self.tag is not None:
            clauses.append("#tags.#tag_name = :tag")
            names["#tag_name"], values["tag"] = self.tag
        return Where(" AND ".join(clauses), values, names) if clauses else None


def page(services: Services, owner: str, base: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return a page as JSON types: `jobs`, and in `next` the URL of the next page, or None.

    Raises Problem `malformed-request` where a parameter is not of its form.
    """
    wanted, limit, cursor = _parsed(query)
    shown, after = listed(services, owner, base, wanted, limit, cursor)
    rest = {k: v for k, v in query.items() if k != "cursor"}
    following = (
        f"{base}/jobs?{urlencode(rest | {'cursor': after}, errors='replace')}" if after else None
    )
    return {"jobs": shown, "next": following}


def listed(
    services: Services, owner: str, base: str, wanted: Filter, limit: int, cursor: str | None
) -> tuple[list[msgspec.Raw], str | None]:
    """Return a page of an owner's jobs as JSON, newest first, and the cursor of the next one, if any.

    It ends at so many jobs, at 3 MB, and where it has read enough to find them. The list may lag
    behind what was written within the last second.
    """
    now, found, size = services.clock(), list[msgspec.Raw](), 0
    newest = Newest(services, owner, cursor, wanted.where(now), limit)
    for there in newest:
        text = _shown(services, base, wanted, there, now)
        if text is None:
            continue
        if size + len(text) > _MOST_BYTES:
            return found, cursor
        found, size, cursor = [*found, msgspec.Raw(text)], size + len(text), there.id
        if len(found) == limit:
            return found, cursor
    return found, newest.rest


def _shown(services: Services, base: str, wanted: Filter, there: Job, now: Instant) -> bytes | None:
    """Return a job as JSON, None where it is not to be listed."""
    try:
        shown = jobs.settled(services, there)
    except Unreadable as fault:  # by now: it was written meanwhile
        records.log(fault)
        return None
    if view.is_gone(shown, now) or not wanted.takes(shown):
        return None
    return msgspec.json.encode(view.representation(shown, base, forecast(services, shown)))


def _parsed(query: Mapping[str, str]) -> tuple[Filter, int, str | None]:
    cursor, status = query.get("cursor"), query.get("status")
    if cursor is not None and not ids.is_id(cursor):
        raise _bad("cursor", "is the last id of the page before: follow `next`")
    if status is not None and status not in job.UNFINISHED + job.ENDED:
        raise _bad("status", f"is one of {', '.join(job.UNFINISHED + job.ENDED)}")
    name, separator, value = query.get("tag", "").partition(":")
    if "tag" in query and not separator:
        raise _bad("tag", "has the form name:value")
    limit = query.get("limit", "20")
    if not re.fullmatch("[1-9][0-9]?|100", limit):
        raise _bad("limit", "is a number from 1 to 100")
    tag = (name, value) if separator else None
    return Filter(status, query.get("operation"), tag), int(limit), cursor


def _bad(parameter: str, sentence: str) -> Problem:
    return Problem("malformed-request", f"?{parameter} {sentence}.", parameter=parameter)
