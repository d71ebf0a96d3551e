"""What an owner can do with the deliveries of a job: read them, and have one sent again."""

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
    """Return the deliveries of a job as JSON types; raises what `jobs.commands.read` raises."""
    log = of_job(services, commands.read(services, owner, job_id))
    visible = [delivery.representation(each, base) for each in log if each.state != "erased"]
    return {"deliveries": visible}


def resend(services: Services, owner: str, job_id: str, number: str) -> Delivery:
    """Send a delivery again, under the same id and whatever its state; return its new state.

    Raises Problem `unknown-delivery`, and what `jobs.commands.read` raises.
    """
    job = commands.read(services, owner, job_id)
    matching = [each for each in of_job(services, job) if str(each.number) == number]
    if not matching:
        raise Problem("unknown-delivery", "The job has no delivery of this number.")
    before, now = matching[0], services.clock()
    body = before.body or cloud_event.of_end(job).body
    # If the message cannot be sent or gets lost, the sweep sends another.
    if not services.deliveries.again(before, body, now, look_at=after(now, MINUTE_S)):
        raise Problem("job-expired", "The job has just been erased.")
    restarted = msgspec.structs.replace(before, state="waiting", next_at=now, since=now)
    try:
        unsent = services.queues.send_webhooks([restarted.webhook(body)])
    except session.FAILURES:
        unsent = [restarted.webhook(body)]
    if unsent:
        logger.warning("delivery_left_to_sweep", extra={"job_id": job_id})
    return restarted


def of_job(services: Services, job: Job) -> list[Delivery]:
    """Return a job's deliveries; the first is listed from the job's end, before its first attempt.

    An old job without records has none: their retention has ended.
    """
    stored, now = services.deliveries.of_job(job.owner, job.id), services.clock()
    if stored or job.ended is None or seconds_until(now, job.ended) >= delivery.LOG_RETENTION_S:
        return stored
    webhook = cloud_event.for_callback(job, cloud_event.of_end(job))
    return [] if webhook is None else [delivery.of(webhook)]
