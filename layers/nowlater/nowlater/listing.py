"""Lists an owner's jobs, newest first, a page at a time."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from nowlater import ids, job, jobs, view
from nowlater.forecast import forecast
from nowlater.job import Job
from nowlater.problems import Problem
from nowlater.services import Services

#: Jobs read at once while a list is made, and read at most for one page of it.
_CHUNK, _MOST_READ = 100, 1000


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


def page(services: Services, owner: str, base: str, query: Mapping[str, str]) -> dict[str, Any]:
    """Return a page as JSON types: `jobs`, and in `next` the URL of the next page, or None.

    Raises Problem `malformed-request` where a parameter is not of its form.
    """
    wanted, limit, cursor = _parsed(query)
    found, after = listed(services, owner, wanted, limit, cursor)
    rest = {k: v for k, v in query.items() if k != "cursor"}
    following = (
        f"{base}/jobs?{urlencode(rest | {'cursor': after}, errors='replace')}" if after else None
    )
    shown = [view.representation(j, base, forecast(services, j)) for j in found]
    return {"jobs": shown, "next": following}


def listed(
    services: Services, owner: str, wanted: Filter, limit: int, cursor: str | None
) -> tuple[list[Job], str | None]:
    """Return a page of an owner's jobs, newest first, and the cursor of the next one, if any.

    The list may lag behind what was written within the last second.
    """
    now, found = services.clock(), list[Job]()
    for _ in range(0, _MOST_READ, _CHUNK):
        chunk = _chunk(services, owner, cursor)
        for cursor, there in chunk:
            shown = there and jobs.settled(services, there)
            if shown and not view.is_gone(shown, now) and wanted.takes(shown):
                found.append(shown)
                if len(found) == limit:
                    return found, cursor
        if len(chunk) < _CHUNK:
            return found, None
    return found, cursor


def _chunk(services: Services, owner: str, cursor: str | None) -> list[tuple[str, Job | None]]:
    """Return an owner's next jobs after the cursor, as `Store.page` does, from all shards."""
    shards = [f"{n:x}" for n in range(services.settings.shards)]
    pages = [
        services.store.page(owner, shard, cursor and shard + cursor[1:], _CHUNK) for shard in shards
    ]
    return sorted((j for page in pages for j in page), key=lambda j: j[0][1:], reverse=True)[
        :_CHUNK
    ]


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
