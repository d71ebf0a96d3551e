"""Lists the deliveries of an owner's jobs, those of the newest job first, one page per call."""

from typing import Any, get_args

from nowlater.aws import records
from nowlater.aws.records import Unreadable
from nowlater.jobs import filters, model, view
from nowlater.jobs.filters import Filter, Query
from nowlater.jobs.model import Job
from nowlater.jobs.newest import Newest
from nowlater.notifications import commands, delivery
from nowlater.notifications.delivery import Delivery, State
from nowlater.services import Services

_STATES = tuple(state for state in get_args(State.__value__) if state != "erased")
#: The attributes of a job that tell whether and where its end is sent, beside those of every record.
_ATTRIBUTES = ("callback", "ended", "expires", "erased")
#: The jobs whose deliveries one page reads: a call each, of some 5 ms.
_MAX_JOBS = 200


def page(services: Services, owner: str, base: str, query: Query) -> dict[str, Any]:
    """Return a page as JSON types: `deliveries`, and in `next` the URL of the next page, or None.

    Raises Problem `malformed-request` where a parameter is not of its form.
    """
    limit, cursor, states = filters.limit(query), filters.cursor(query), _states(query)
    since, until = filters.time_frame(query)
    conditions = Filter(model.ENDED, since=since, until=until, has_callback=True)
    newest = Newest(services, owner, conditions, cursor, only=_ATTRIBUTES)
    found, last = list[dict[str, Any]](), cursor
    for number, job in enumerate(newest):
        if len(found) >= limit or number == _MAX_JOBS:
            break
        last = job.id
        found += [
            _representation(each, job, base)
            for each in _deliveries(services, job)
            if each.state in states
        ]
    else:
        last = newest.rest
    return {"deliveries": found, "next": filters.next_url(f"{base}/deliveries", query, last)}


def _deliveries(services: Services, job: Job) -> list[Delivery]:
    """Return the deliveries of an ended job that its owner can still read."""
    if view.is_gone(job, services.clock()) or job.ended is None:
        return []
    try:
        return commands.of_job(services, job)
    except Unreadable as fault:  # it must not hide the others
        records.log(fault)
        return []


def _representation(each: Delivery, job: Job, base: str) -> dict[str, Any]:
    shown = delivery.representation(each, base)
    links = shown["links"] | {"job": f"{base}/jobs/{job.id}"}
    log = {"attempts": shown["attempts"][-1:], "links": links}
    return {"job": job.id, "operation": job.operation} | shown | log


def _states(query: Query) -> tuple[str, ...]:
    states = tuple(value for name, value in query if name == "state")
    if any(state not in _STATES for state in states):
        raise filters.malformed("state", f"must be one of {', '.join(_STATES)}")
    return states or _STATES
