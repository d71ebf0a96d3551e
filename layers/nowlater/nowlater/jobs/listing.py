"""Lists an owner's jobs, newest first, a page at a time."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import msgspec

from nowlater.aws import records
from nowlater.aws.items import Item
from nowlater.aws.records import Unreadable
from nowlater.aws.table import Where
from nowlater.instants import Instant, after
from nowlater.jobs import commands, ids, model, view
from nowlater.jobs.estimate import forecast
from nowlater.jobs.model import Job
from nowlater.jobs.newest import Newest
from nowlater.jobs.protocol import READER_GRACE_S
from nowlater.limits import MAX_TAGS
from nowlater.problems import Problem
from nowlater.services import Services
from nowlater.wording import quoted

#: The parameters of a query, in their order.
type Query = Iterable[tuple[str, str]]

#: A page ends when it has so many bytes: Lambda answers with 6 MB at most, as base64.
_MAX_BYTES = 3 * 1024 * 1024

_IN_TIME = "#deadline > :late"
#: Which records can be shown with a status, given that readers see times that have passed.
_SHOWN_AS = {
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
    """Which jobs are listed: all conditions that are given must hold."""

    status: str | None = None
    operation: str | None = None
    tags: tuple[tuple[str, str], ...] = ()

    def takes(self, shown: Job) -> bool:
        return (
            self.status in (None, shown.status)
            and self.operation in (None, shown.operation)
            and all(shown.tags.get(name) == value for name, value in self.tags)
        )

    def where(self, now: Instant) -> Where | None:
        """Return the same for DynamoDB, which then sends only what can be taken; None: everything."""
        clauses, names = list[str](), dict[str, str]()
        values: Item = {status: status for status in model.UNFINISHED + model.ENDED}
        values |= {"now": now, "late": after(now, -READER_GRACE_S)}
        if self.status is not None:
            clauses.append(_SHOWN_AS[self.status])
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
    wanted, limit, cursor = _parsed(query)
    shown, after = listed(services, owner, base, wanted, limit, cursor)
    rest = [(name, value) for name, value in query if name != "cursor"]
    following = (
        f"{base}/jobs?{urlencode([*rest, ('cursor', after)], errors='replace')}" if after else None
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
        if size + len(text) > _MAX_BYTES:
            return found, cursor
        found, size, cursor = [*found, msgspec.Raw(text)], size + len(text), there.id
        if len(found) == limit:
            return found, cursor
    return found, newest.rest


def _shown(services: Services, base: str, wanted: Filter, there: Job, now: Instant) -> bytes | None:
    """Return a job as JSON, None where it is not to be listed."""
    try:
        shown = commands.settled(services, there)
    except Unreadable as fault:  # by now: it was written meanwhile
        records.log(fault)
        return None
    if view.is_gone(shown, now) or not wanted.takes(shown):
        return None
    return msgspec.json.encode(view.representation(shown, base, forecast(services, shown)))


def _parsed(query: Query) -> tuple[Filter, int, str | None]:
    given = dict(query)
    cursor, status = given.get("cursor"), given.get("status")
    if cursor is not None and not ids.is_id(cursor):
        raise _bad("cursor", "is the last id of the page before: follow `next`")
    if status is not None and status not in model.UNFINISHED + model.ENDED:
        raise _bad("status", f"is one of {', '.join(model.UNFINISHED + model.ENDED)}")
    limit = given.get("limit", "20")
    if not re.fullmatch("[1-9][0-9]?|100", limit):
        raise _bad("limit", "is a number from 1 to 100")
    return Filter(status, given.get("operation"), _tags(query)), int(limit), cursor


def _tags(query: Query) -> tuple[tuple[str, str], ...]:
    tags: dict[str, str] = {}
    for tag in (value for name, value in query if name == "tag"):
        name, separator, value = tag.partition(":")
        if not separator:
            raise _bad("tag", "has the form name:value")
        if tags.setdefault(name, value) != value:
            raise _bad("tag", f"asks for two values of {quoted(name)}, of which a job has one")
    if len(tags) > MAX_TAGS:
        raise _bad("tag", f"is there for {len(tags)} tags, and a job has {MAX_TAGS} at most")
    return tuple(tags.items())


def _bad(parameter: str, sentence: str) -> Problem:
    return Problem("malformed-request", f"?{parameter} {sentence}.", parameter=parameter)
