"""Which of an owner's jobs a request is about: read from its query, as a DynamoDB filter and in Python."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from nowlater.aws.table import Item, Span, Where
from nowlater.instants import Instant, after, from_rfc3339
from nowlater.jobs import model
from nowlater.jobs.model import MAX_TAGS, Job
from nowlater.jobs.protocol import READER_GRACE_S
from nowlater.problems import Problem
from nowlater.wording import quoted

#: The parameters of a query, in their order.
type Query = Iterable[tuple[str, str]]

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

    statuses: tuple[str, ...] = ()
    operation: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    #: The job was accepted at or after the first and before the second, by its id.
    since: Instant | None = None
    until: Instant | None = None
    has_callback: bool = False

    def matches(self, job: Job) -> bool:
        """Tell whether a job, as readers see it now, meets the conditions."""
        return (
            (not self.statuses or job.status in self.statuses)
            and self.operation in (None, job.operation)
            and all(job.tags.get(name) == value for name, value in self.tags)
            and (job.callback is not None or not self.has_callback)
        )

    def span(self, shard: str, cursor: str | None) -> Span:
        """Return the ids of a shard's jobs accepted within the time frame, and before the cursor's."""
        since = None if self.since is None else model.from_time(shard, self.since)
        ends = [] if self.until is None else [model.from_time(shard, self.until)]
        ends += [] if cursor is None else [shard + cursor[1:]]
        return Span(since, min(ends, default=None))

    def where(self, now: Instant) -> Where | None:
        """Return the conditions as a DynamoDB filter; None if there are none but the time frame."""
        clauses, names = list[str](), dict[str, str]()
        values: Item = {status: status for status in model.UNFINISHED + model.ENDED}
        values |= {"now": now, "late": after(now, -READER_GRACE_S)}
        if self.statuses:
            any_of = " OR ".join(_HAS_STATUS[status] for status in self.statuses)
            # DynamoDB refuses redundant parentheses.
            clauses.append(any_of if len(self.statuses) == 1 else f"({any_of})")
        if self.operation is not None:
            clauses.append("#operation = :operation")
            values["operation"] = self.operation
        for number, (name, value) in enumerate(self.tags):
            clauses.append(f"#tags.#tag{number} = :tag{number}")
            names[f"#tag{number}"], values[f"tag{number}"] = name, value
        if self.has_callback:
            clauses.append("attribute_exists(#callback)")
        return Where(" AND ".join(clauses), values, names) if clauses else None


def parse(query: Query) -> Filter:
    """Return the conditions that a query names; raises Problem `malformed-request`."""
    known = model.UNFINISHED + model.ENDED
    statuses = tuple(dict.fromkeys(value for name, value in query if name == "status"))
    if any(status not in known for status in statuses):
        raise malformed("status", f"must be one of {', '.join(known)}")
    since, until = time_frame(query)
    operation = dict(query).get("operation")
    return Filter(statuses, operation, _tags(query), since, until)


def time_frame(query: Query) -> tuple[Instant | None, Instant | None]:
    """Return the `since` and `until` of a query; raises Problem `malformed-request`."""
    since, until = _time(query, "since"), _time(query, "until")
    if since is not None and until is not None and until <= since:
        raise malformed("until", "must be later than ?since")
    return since, until


def _time(query: Query, parameter: str) -> Instant | None:
    text = dict(query).get(parameter)
    if text is None:
        return None
    try:
        return from_rfc3339(text, up=True)
    except ValueError as fault:
        hint = "; write + as %2B in a URL" if " " in text else ""
        raise malformed(parameter, f"is no time: {fault}{hint}") from fault


def _tags(query: Query) -> tuple[tuple[str, str], ...]:
    tags: dict[str, str] = {}
    for tag in (value for name, value in query if name == "tag"):
        name, separator, value = tag.partition(":")
        if not separator:
            raise malformed("tag", "must have the form name:value")
        if tags.setdefault(name, value) != value:
            predicate = f"names two values of {quoted(name)}, but a job has one value for each tag"
            raise malformed("tag", predicate)
    if len(tags) > MAX_TAGS:
        raise malformed("tag", f"names {len(tags)} tags, but a job has at most {MAX_TAGS}")
    return tuple(tags.items())


def limit(query: Query) -> int:
    """Return how many things a page has at most; raises Problem `malformed-request`."""
    text = dict(query).get("limit", "20")
    if not re.fullmatch("[1-9][0-9]?|100", text):
        raise malformed("limit", "must be a number from 1 to 100")
    return int(text)


def cursor(query: Query) -> str | None:
    """Return the id after which a page begins; raises Problem `malformed-request`."""
    job_id = dict(query).get("cursor")
    if job_id is not None and not model.is_id(job_id):
        raise malformed("cursor", "must be the last id of the page before: follow `next`")
    return job_id


def next_url(address: str, query: Query, cursor: str | None) -> str | None:
    """Return the URL of the page that begins after a cursor; None where there is none."""
    if cursor is None:
        return None
    parameters = [(name, value) for name, value in query if name != "cursor"]
    return f"{address}?{urlencode([*parameters, ('cursor', cursor)], errors='replace')}"


def malformed(parameter: str, predicate: str) -> Problem:
    """Return the problem of a query parameter that is not of its form."""
    return Problem("malformed-request", f"?{parameter} {predicate}.", parameter=parameter)
