"""The hybrid door: an async job with a head start, and a caller who waits for it for a while."""

import time

from nowlater import jobs
from nowlater.problems import Problem
from nowlater.services import Services
from nowlater.submit import Accepted, Request, submit
from nowlater.workers import NoWorker

#: What is left must be worth a run: nobody can wait for less than this.
_LEAST_S = 1.0


def hybrid(services: Services, asked: Request, wait_s: float, *, strict: bool = False) -> Accepted:
    """Accept a job and run it at once; return it as it is when it is done, or the time is up.

    With `strict`, a job that is not done by then is canceled, and Problem `timed-out` raised.
    Raises the Problems of `submit`.
    """
    until = time.monotonic() + wait_s
    got = submit(services, asked)
    if got.replayed:
        return got
    left = until - time.monotonic()
    if left < _LEAST_S:
        services.queues.send(got.job.lane, got.job.ref)
        return _given_up(services, got, strict)
    try:
        ran = services.workers.run(got.job.ref, left)
    except NoWorker:
        services.queues.send(got.job.lane, got.job.ref)  # the one sent before comes too late
        ran = None
    if ran is not None and ran.is_ended:
        return Accepted(ran, replayed=False)
    return _given_up(services, got if ran is None else Accepted(ran, replayed=False), strict)


def _given_up(services: Services, got: Accepted, strict: bool) -> Accepted:
    """Hand out the job, or (strict) cancel it, unless it has just ended."""
    if not strict:
        return got
    try:
        jobs.cancel(services, got.job.owner, got.job.id)
    except Problem:
        return Accepted(jobs.read(services, got.job.owner, got.job.id), replayed=False)
    job = f"{got.job.base}/jobs/{got.job.id}"
    headers = {"Content-Location": job, "Preference-Applied": "handling=strict"}
    detail = "The job was not done in the time that you would wait, and was canceled."
    raise Problem("timed-out", detail, headers=headers, job=job)
