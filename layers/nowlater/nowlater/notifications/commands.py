"""What an owner can do with the deliveries of a job: see how they went, and have one sent again."""

from typing import Any

import msgspec

from nowlater.aws import session
from nowlater.instants import MINUTE_S, after, seconds_until
from nowlater.jobs import commands
from nowlater.jobs.model import Job
from nowlater.log import logger
from nowlater.notifications import cloud_event, delivery
from nowlater.notifications.delivery import Delivery
from nowlater.problems import Problem
from nowlater.services import Services


def deliveries(services: Services, owner: str, base: str, job_id: str) -> dict[str, Any]:
    """Return the deliveries of a job as JSON types; raises what `jobs.read` raises."""
    there = _deliveries(services, commands.read(services, owner, job_id))
    shown = [delivery.representation(each, base) for each in there if each.state != "erased"]
    return {"deliveries": shown}


def replay(services: Services, owner: str, job_id: str, number: str) -> Delivery:
    """Have a delivery sent again, under the same id, however it went; return it as it is then.

    Raises Problem `unknown-delivery`, and what `jobs.read` raises.
    """
    job = commands.read(services, owner, job_id)
    found = [each for each in _deliveries(services, job) if str(each.number) == number]
    if not found:
        raise Problem("unknown-delivery", "The job has no such delivery; see its deliveries.")
    there, now = found[0], services.clock()
    body = there.body or cloud_event.of_end(job).body
    # Should the message be lost on the way, the sweep sends another.
    if not services.deliveries.again(there, body, now, look_at=after(now, MINUTE_S)):
        raise Problem("job-expired", "The job was erased meanwhile.")
    again = msgspec.structs.replace(there, state="waiting", next_at=now, since=now)
    try:
        unsent = services.queues.send_webhooks([again.webhook(body)])
    except session.FAILURES:
        unsent = [again.webhook(body)]
    if unsent:
        logger.warning("delivery_left_to_sweep", extra={"job_id": job_id})
    return again


def _deliveries(services: Services, job: Job) -> list[Delivery]:
    """Return a job's deliveries; one that was not tried yet is there from the job's end on.

    Without a log after so long, it is not the first try that is missing, but the log.
    """
    there, now = services.deliveries.of_job(job.owner, job.id), services.clock()
    if there or job.ended is None or seconds_until(now, job.ended) >= delivery.LOG_S:
        return there
    webhook = cloud_event.for_callback(job, cloud_event.of_end(job))
    return [] if webhook is None else [delivery.of(webhook)]
