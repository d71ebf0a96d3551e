"""Ends jobs: writes every end and logs it; builds those that do not come from a run."""

from typing import Any

from nowlater.instants import Instant
from nowlater.jobs import protocol, view
from nowlater.jobs.model import Job
from nowlater.jobs.protocol import EndingWrite
from nowlater.jobs.store import Written
from nowlater.log import logger
from nowlater.problems import Problem
from nowlater.services import Services

#: The log message of each ended job: the template counts it, by status and problem.
ENDED = "job_ended"


def write(
    services: Services,
    job: Job,
    ending: EndingWrite,
    now: Instant,
    changes: dict[str, Any],
    *,
    token: int = 0,
) -> Written:
    """End a job by an ending write, and log its end; a missed deadline is logged as an error."""
    written = services.store.write(job.ref, ending, now, changes, token=token)
    if written.done:
        problem = (changes.get("error") or {}).get("name")
        fields: dict[str, Any] = {"owner": job.owner, "job_id": job.id}
        fields |= {"operation": job.operation, "status": changes["status"], "problem": problem}
        log = logger.error if problem == "deadline-exceeded" else logger.info
        log(ENDED, extra=fields)
    return written


def expire(services: Services, job: Job) -> Written:
    """End a job at its missed deadline, as readers already see it."""
    problem = view.deadline_exceeded(job).record()
    changes = protocol.end(job, "failed", job.deadline, error=problem)
    return write(services, job, "expire", services.clock(), changes)


def exhaust(services: Services, job: Job, reason: str) -> Written:
    """End a job that no attempt runs, and that gets no further attempt."""
    now = services.clock()
    problem = Problem("attempts-exhausted", reason).record()
    changes = protocol.end(job, "failed", now, error=problem)
    return write(services, job, "exhaust", now, changes)


def cancel(services: Services, job: Job) -> Written:
    """End a job at its owner's request."""
    now = services.clock()
    problem = Problem("canceled", "The owner canceled the job.").record()
    changes = protocol.end(job, "canceled", now, error=problem)
    return write(services, job, "cancel", now, changes)
