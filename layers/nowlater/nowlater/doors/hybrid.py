"""The hybrid door: an async job with a head start, and a caller who waits for it for a while."""

import time

from nowlater.aws import session
from nowlater.doors.submit import Accepted, JobRequest, submit
from nowlater.jobs import commands, long_poll
from nowlater.jobs.model import Job
from nowlater.log import logger
from nowlater.problems import Problem
from nowlater.services import Services
from nowlater.worker.invoke import NoWorker

#: What is left must be worth a run; of a wait of one second, the submit has used up some.
_LEAST_S = 0.5


def hybrid(
    services: Services, asked: JobRequest, wait_s: float, *, strict: bool = False
) -> Accepted:
    """Accept a job and run it at once; return it as it is when it is done, or the time is up.

    With `strict`, a job that is not done by then is canceled, and Problem `timed-out` raised.
    Raises the Problems of `submit`, and `job-expired` where the job was erased meanwhile; of the last
    two, Content-Location names the job.
    """
    until_s = time.monotonic() + wait_s
    got = submit(services, asked)
    try:
        there = _awaited(services, got, until_s)
        if strict:  # whoever takes 202 for an answer has it at once; this caller does not
            there = long_poll.until(services, there, _has_ended, until_s)
            there = there if there.is_ended else _given_up(services, there)
        there = commands.shown(services, there)
    except (
        session.FAILURES
    ):  # the job is accepted, and runs: whatever fails now, it is no "try again"
        logger.exception("hybrid_wait_failed")
        return got
    except Problem as problem:
        problem.headers["Content-Location"] = f"{got.job.base}/jobs/{got.job.id}"
        raise
    return Accepted(there, got.replayed)


def _awaited(services: Services, got: Accepted, until_s: float) -> Job:
    if got.replayed:
        return long_poll.until(services, got.job, _has_ended, until_s)
    return _run(services, got.job, until_s)


def _run(services: Services, job: Job, until_s: float) -> Job:
    """Have a worker run the job; return it as it is once it has ended, or nobody will say so."""
    left_s = until_s - time.monotonic()
    if left_s < _LEAST_S:
        services.queues.send(job.lane, job.ref)
        return job
    try:
        ran = services.workers.run(job.ref, left_s)
    except NoWorker:
        services.queues.send(job.lane, job.ref)  # the one sent before comes too late
        return job
    if ran is None:
        return job  # it runs on, or its message will have it run again
    # Where it did not end at once, another attempt is due soon.
    return long_poll.until(services, ran, _has_ended, until_s)


def _has_ended(job: Job) -> bool:
    return job.is_ended


def _given_up(services: Services, there: Job) -> Job:
    """Cancel the job and raise Problem `timed-out`; return it where it has just ended."""
    try:
        commands.cancel(services, there.owner, there.id)
    except Problem:
        return commands.read(services, there.owner, there.id)
    detail = "The job could not be done in the time that you would wait, and was canceled."
    applied = {"Preference-Applied": "handling=strict"}
    raise Problem("timed-out", detail, headers=applied, job=f"{there.base}/jobs/{there.id}")
