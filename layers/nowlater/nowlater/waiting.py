"""Waits for a job to change, by looking at it again and again."""

import time
from collections.abc import Callable

from nowlater import jobs
from nowlater.job import Job
from nowlater.services import Services

#: How long a look is after the one before: whoever waits learns of a change that much late.
_PAUSE_S = 0.5


def until(services: Services, there: Job, happened: Callable[[Job], bool], until_s: float) -> Job:
    """Return the job once something has happened to it, or as it is when the time is up.

    `until_s` is an instant of `time.monotonic`. Raises the Problems of `jobs.read`.
    """
    while not happened(there) and (left_s := until_s - time.monotonic()) > 0:
        time.sleep(min(_PAUSE_S, left_s))
        there = jobs.read(services, there.owner, there.id)
    return there
