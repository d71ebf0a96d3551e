"""Estimates when a job will finish, from its operation's earlier runs and the jobs waiting before it."""

from collections.abc import Mapping
from dataclasses import dataclass

from nowlater.aws import session
from nowlater.instants import Instant, after, seconds_until
from nowlater.jobs.model import Job
from nowlater.jobs.run_times import Histogram
from nowlater.lane import Lane
from nowlater.log import logger
from nowlater.services import Services

#: The reported progress from which an estimate uses it; a smaller fraction says too little.
_MIN_FRACTION = 0.05
#: The quantile that the estimate uses, and the one that must fit before the deadline.
_TYPICAL, _SLOW = 0.5, 0.9


@dataclass(frozen=True)
class Estimate:
    """The time at which a job will probably finish, and the numbers behind it."""

    finish: Instant
    #: Whether a job with a deadline will probably miss it.
    at_risk: bool
    #: Earlier runs of the operation, and their median and 90th percentile.
    runs: int
    p50_s: float | None
    p90_s: float | None
    #: Messages in the job's lane; None once it runs.
    waiting: int | None


def forecast(services: Services, job: Job, *, is_sent: bool = True) -> Estimate | None:
    """Return an estimate for a job as its owner sees it; None where the data for it is missing.

    The data may be ten seconds old; where it cannot be read, the result is None. `is_sent` tells
    whether one of the waiting messages is the job's own.
    """
    if job.is_ended:
        return None
    try:
        runs = services.runtimes.of(job.operation)
        waiting = None if job.status == "running" else services.depths.of(job.lane).visible
        if waiting and job.status == "queued" and is_sent:
            waiting -= 1
    except session.FAILURES:
        logger.warning("estimate_failed", exc_info=True)
        return None
    concurrency = services.settings.concurrency
    return estimate(job, runs, waiting, services.clock(), concurrency)


def estimate(
    job: Job,
    runs: Histogram,
    waiting: int | None,
    now: Instant,
    concurrency: Mapping[Lane, int],
) -> Estimate | None:
    """Return the estimate for a job that waits behind `waiting` others and takes as long as `runs`.

    `concurrency` is the number of jobs of a lane that run at the same time.
    """
    typical_s, slow_s = (_remaining_s(job, runs, share, now) for share in (_TYPICAL, _SLOW))
    if typical_s is None or slow_s is None:
        return None
    start = now
    if waiting is not None:  # a job with a later start does not wait in the lane until then
        wait_s = waiting * typical_s / concurrency[job.lane]
        start = max(after(now, wait_s), job.not_before or 0)
    latest = after(start, slow_s)
    return Estimate(
        finish=after(start, typical_s),
        at_risk=job.has_deadline and latest > job.deadline,
        runs=runs.runs,
        p50_s=runs.quantile_s(_TYPICAL),
        p90_s=runs.quantile_s(_SLOW),
        waiting=waiting,
    )


def _remaining_s(job: Job, runs: Histogram, share: float, now: Instant) -> float | None:
    """Return the seconds that a run still takes: a running one from now, another from its start.

    A run that reported enough progress is extrapolated; any other is compared with the earlier runs
    that took longer than it has taken so far.
    """
    if job.status != "running" or job.started is None:
        return runs.quantile_s(share)
    fraction = (job.progress or {}).get("fraction") or 0
    if fraction >= _MIN_FRACTION:
        total_s = seconds_until(job.updated, job.started) / fraction
        return max(0.0, total_s - seconds_until(now, job.started))
    elapsed_s = seconds_until(now, job.started)
    quantile_s = runs.quantile_s(share, longer_than_s=elapsed_s)
    return None if quantile_s is None else quantile_s - elapsed_s
