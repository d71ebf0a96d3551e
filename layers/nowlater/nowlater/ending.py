"""Ends that are not a run's: a deadline that passed, and a job that nobody will work on again."""

from nowlater import job, view
from nowlater.job import Job
from nowlater.problems import Problem
from nowlater.services import Services
from nowlater.store import Written


def expire(services: Services, there: Job) -> Written:
    """End a job at its deadline, as readers have been shown it since."""
    problem = view.deadline_exceeded(there).record()
    changes = job.end(there, "failed", there.deliver_by, error=problem)
    return services.store.write(there.ref, "expire", services.clock(), changes)


def bury(services: Services, there: Job, because: str) -> Written:
    """End a job that has no attempt at work on it, and will have no other."""
    now = services.clock()
    problem = Problem("attempts-exhausted", because).record()
    changes = job.end(there, "failed", now, error=problem)
    return services.store.write(there.ref, "bury", now, changes)


def cancel(services: Services, there: Job) -> Written:
    """End a job because its owner says so."""
    now = services.clock()
    problem = Problem("canceled", "The job was canceled by its owner.").record()
    changes = job.end(there, "canceled", now, error=problem)
    return services.store.write(there.ref, "cancel", now, changes)
