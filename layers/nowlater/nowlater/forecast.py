"""Forecasts when a job will be done, from what the table and the queues tell of others."""

from nowlater import aws
from nowlater.estimate import Estimate, estimate
from nowlater.job import Job
from nowlater.log import logger
from nowlater.services import Services


def forecast(services: Services, job: Job, *, is_sent: bool = True) -> Estimate | None:
    """Return an estimate for a job as it is shown; None where there is nothing to rest it on.

    What it rests on may be ten seconds old. Where that cannot be read, there is no estimate.
    `is_sent` tells whether a message of its own is among those that wait.
    """
    if job.is_ended:
        return None
    try:
        earlier = services.runtimes.of(job.operation)
        waiting = None if job.status == "running" else services.depths.of(job.lane)
        if waiting and job.status == "queued" and is_sent:
            waiting -= 1
    except aws.FAILURES:
        logger.warning("no estimate", exc_info=True)
        return None
    lanes = services.settings.concurrency
    return estimate(job, earlier, waiting, services.clock(), lanes)
