"""Waits for a job to change, by looking at it again and again: each wait occupies a Lambda."""

import time
from collections.abc import Callable

from nowlater.instants import seconds_until
from nowlater.jobs import commands
from nowlater.jobs.estimate import forecast
from nowlater.jobs.model import Job
from nowlater.services import Services

#: How long a look is after the one before: whoever waits learns of a change that much late.
_PAUSE_S = 0.5
#: The longest that a caller of the status can have it wait, from when the request came in.
LONGEST_S = 20


def until(services: Services, there: Job, happened: Callable[[Job], bool], until_s: float) -> Job:
    """Return the job once something has happened to it, or as it is when the time is up.

    `until_s` is an instant of `time.monotonic`. Raises the Problems of `jobs.read`.
    """
    while not happened(there) and (left_s := until_s - time.monotonic()) > 0:
        time.sleep(min(_PAUSE_S, left_s))
        there = commands.read(services, there.owner, there.id)
    return there


def granted(services: Services, there: Job, asked_s: int | None) -> int:
    """Return for how many seconds a caller may wait for the job's status to change.

    That is 0 where nothing can come of it: the job has ended, or is expected to end later.
    """
    wait_s = min(asked_s or 0, LONGEST_S)
    if there.is_ended or not wait_s:
        return 0
    expected = forecast(services, there)
    now = services.clock()
    return 0 if expected and seconds_until(expected.finish, now) > wait_s else wait_s


def for_change(services: Services, there: Job, wait_s: float) -> Job:
    """Return the job once its status has changed, or as it is after so many seconds."""
    status = there.status
    return until(services, there, lambda job: job.status != status, time.monotonic() + wait_s)
