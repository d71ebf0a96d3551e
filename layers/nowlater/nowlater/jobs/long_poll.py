"""Waits for a job to change by reading it repeatedly; each wait occupies one Lambda."""

import time
from collections.abc import Callable

from nowlater.instants import seconds_until
from nowlater.jobs import commands
from nowlater.jobs.estimate import forecast
from nowlater.jobs.model import Job
from nowlater.services import Services

#: The time between two reads: the caller sees a change at most this much late.
_PAUSE_S = 0.5
#: The longest wait of a status request in seconds, counted from its arrival.
LONGEST_S = 20


def wait_until(
    services: Services, job: Job, condition: Callable[[Job], bool], until_s: float
) -> Job:
    """Return the job once it meets a condition, or as it is when the time is up.

    `until_s` is an instant of `time.monotonic`. Raises the Problems of `commands.read`.
    """
    while not condition(job) and (remaining_s := until_s - time.monotonic()) > 0:
        time.sleep(min(_PAUSE_S, remaining_s))
        job = commands.read(services, job.owner, job.id)
    return job


def granted_wait_s(services: Services, job: Job, requested_s: int | None) -> int:
    """Return for how many seconds a caller may wait for the job's status to change.

    That is 0 if waiting is useless: the job has ended, or the estimate lies beyond the wait.
    """
    wait_s = min(requested_s or 0, LONGEST_S)
    if job.is_ended or not wait_s:
        return 0
    estimate = forecast(services, job)
    now = services.clock()
    return 0 if estimate and seconds_until(estimate.finish, now) > wait_s else wait_s


def wait_for_change(services: Services, job: Job, wait_s: float) -> Job:
    """Return the job once its status has changed, or as it is after `wait_s` seconds."""
    status = job.status
    return wait_until(services, job, lambda now: now.status != status, time.monotonic() + wait_s)
