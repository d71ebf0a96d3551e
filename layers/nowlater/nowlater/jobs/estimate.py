"""When a job will be done, as far as its operation's earlier runs and what waits before it tell."""

from collections.abc import Mapping
from dataclasses import dataclass

from nowlater.aws import session
from nowlater.instants import Instant, after, seconds_until
from nowlater.jobs.histogram import Histogram
from nowlater.jobs.model import Job
from nowlater.lanes import Lane
from nowlater.log import logger
from nowlater.services import Services

#: Told progress counts from here on; before it is as good as nothing.
_SOME = 0.05
#: The share of runs whose time an estimate is, and the share that a deadline should leave room for.
_USUAL, _NEARLY_ALL = 0.5, 0.9


@dataclass(frozen=True)
class Estimate:
    """When a job will be done, and what says so."""

    finish: Instant
    #: Whether the deadline leaves too little room, if there is a deadline.
    at_risk: bool
    #: Earlier runs of the operation, and the seconds that half and nine tenths of them took at most.
    runs: int
    p50_s: float | None
    p90_s: float | None
    #: Messages in the job's lane; None once it runs.
    waiting: int | None


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
    except session.FAILURES:
        logger.warning("estimate_failed", exc_info=True)
        return None
    lanes = services.settings.concurrency
    return estimate(job, earlier, waiting, services.clock(), lanes)


def estimate(
    job: Job,
    earlier: Histogram,
    waiting: int | None,
    now: Instant,
    concurrency: Mapping[Lane, int],
) -> Estimate | None:
    """Return when a job ends that `waiting` others are before, if all take what earlier runs took.

    `concurrency` is how many jobs of a lane run at once.
    """
    usual_s, slow_s = (_left_s(job, earlier, share, now) for share in (_USUAL, _NEARLY_ALL))
    if usual_s is None or slow_s is None:
        return None
    first = now
    if waiting is not None:  # a job whose start is ahead does not wait in the lane until then
        before_s = waiting * usual_s / concurrency[job.lane]
        first = max(after(now, before_s), job.not_before or 0)
    latest = after(first, slow_s)
    return Estimate(
        finish=after(first, usual_s),
        at_risk=job.has_deadline and latest > job.deadline,
        runs=earlier.runs,
        p50_s=earlier.quantile_s(_USUAL),
        p90_s=earlier.quantile_s(_NEARLY_ALL),
        waiting=waiting,
    )


def _left_s(job: Job, earlier: Histogram, share: float, now: Instant) -> float | None:
    """Return the seconds that a share of the runs would take at most from now on, or from a start.

    A run that tells its progress is taken at its word; of the others, earlier ones are asked that
    took longer than this one has already.
    """
    if job.status != "running" or job.started is None:
        return earlier.quantile_s(share)
    fraction = (job.progress or {}).get("fraction") or 0
    if fraction >= _SOME:
        whole_s = seconds_until(job.updated, job.started) / fraction
        return max(0.0, whole_s - seconds_until(now, job.started))
    ran_s = seconds_until(now, job.started)
    whole = earlier.quantile_s(share, longer_than_s=ran_s)
    return None if whole is None else whole - ran_s
