"""Every end of a job is written, and said in the log, here; those that are not a run's are made here too."""

from typing import Any

from nowlater.instants import Instant
from nowlater.jobs import protocol, view
from nowlater.jobs.model import Job
from nowlater.jobs.store import Written
from nowlater.log import logger
from nowlater.problems import Problem
from nowlater.services import Services

#: What the log says of each job that ended: the template counts these words, by status and problem.
ENDED = "job_ended"


def write(
    services: Services,
    there: Job,
    how: str,
    now: Instant,
    changes: dict[str, Any],
    *,
    token: int = 0,
) -> Written:
    """End a job by one of the ending writes; a promise that was not kept is said as an error."""
    written = services.store.write(there.ref, how, now, changes, token=token)
    if written.done:
        problem = (changes.get("error") or {}).get("name")
        said = {"owner": there.owner, "job_id": there.id, "operation": there.operation}
        ended = {"status": changes["status"], "problem": problem}
        say = logger.error if problem == "deadline-exceeded" else logger.info
        say(ENDED, extra=said | ended)
    return written


def expire(services: Services, there: Job) -> Written:
    """End a job at its deadline, as readers have been shown it since."""
    problem = view.deadline_exceeded(there).record()
    changes = protocol.end(there, "failed", there.deadline, error=problem)
    return write(services, there, "expire", services.clock(), changes)


def exhaust(services: Services, there: Job, because: str) -> Written:
    """End a job that has no attempt at work on it, and will have no other."""
    now = services.clock()
    problem = Problem("attempts-exhausted", because).record()
    changes = protocol.end(there, "failed", now, error=problem)
    return write(services, there, "exhaust", now, changes)


def cancel(services: Services, there: Job) -> Written:
    """End a job because its owner says so."""
    now = services.clock()
    problem = Problem("canceled", "The job was canceled by its owner.").record()
    changes = protocol.end(there, "canceled", now, error=problem)
    return write(services, there, "cancel", now, changes)
