"""The hybrid door: submits a job, has a worker run it at once, and waits a while for its end."""

import time

from nowlater.aws import session
from nowlater.doors.submit import Accepted, JobRequest, submit
from nowlater.jobs import commands, long_poll
from nowlater.jobs.model import Job
from nowlater.log import logger
from nowlater.problems import Problem
from nowlater.services import Services
from nowlater.worker.invoke import NoWorker

#: The wait without `Prefer: wait`, and the longest one, counted from when the request came in.
DEFAULT_WAIT_S, MAX_WAIT_S = 10, 25
#: A run is not started for less than this; a wait of one second still leaves it after the submit.
_MIN_RUN_S = 0.5


def submit_and_wait(
    services: Services, request: JobRequest, wait_s: float, *, strict: bool = False
) -> Accepted:
    """Submit a job and run it at once; return it when it has ended or the time is up.

    With `strict`, a job that has not ended by then is canceled, and Problem `timed-out` raised.
    Raises the Problems of `submit`, and `job-expired` where the job was erased meanwhile; the
    Content-Location of `timed-out` and `job-expired` names the job.
    """
    until_s = time.monotonic() + wait_s
    accepted = submit(services, request)
    try:
        job = _run_or_wait(services, accepted, until_s)
        if strict:  # others get 202 without this wait
            job = long_poll.wait_until(services, job, _has_ended, until_s)
            job = job if job.is_ended else _give_up(services, job)
        job = commands.visible(services, job)
    except session.FAILURES:
        # The job is accepted and runs: "try again" would be wrong.
        logger.exception("hybrid_wait_failed")
        return accepted
    except Problem as problem:
        problem.headers["Content-Location"] = f"{accepted.job.base}/jobs/{accepted.job.id}"
        raise
    return Accepted(job, accepted.replayed)


def _run_or_wait(services: Services, accepted: Accepted, until_s: float) -> Job:
    if accepted.replayed:
        return long_poll.wait_until(services, accepted.job, _has_ended, until_s)
    return _run(services, accepted.job, until_s)


def _run(services: Services, job: Job, until_s: float) -> Job:
    """Have a worker run the job; return it once it ended, or as it is without a response."""
    left_s = until_s - time.monotonic()
    if left_s < _MIN_RUN_S:
        services.queues.send(job.lane, job.ref)
        return job
    try:
        ran = services.workers.run(job.ref, left_s)
    except NoWorker:
        services.queues.send(job.lane, job.ref)  # the message of the submit is delayed
        return job
    if ran is None:
        return job  # it still runs, or the message of the submit starts it again
    # Where this attempt failed, the next one is due soon.
    return long_poll.wait_until(services, ran, _has_ended, until_s)


def _has_ended(job: Job) -> bool:
    return job.is_ended


def _give_up(services: Services, job: Job) -> Job:
    """Cancel the job and raise Problem `timed-out`; return the job where it has just ended."""
    try:
        commands.cancel(services, job.owner, job.id)
    except Problem:
        return commands.read(services, job.owner, job.id)
    detail = "The job did not end within the wait that you asked for, and was canceled."
    headers = {"Preference-Applied": "handling=strict"}
    raise Problem("timed-out", detail, headers=headers, job=f"{job.base}/jobs/{job.id}")
