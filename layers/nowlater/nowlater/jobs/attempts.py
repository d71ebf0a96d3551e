"""The attempts at a job: those before the latest are stored in its record, the latest is the record itself.

So no attempt needs a write of its own.
"""

from typing import Any, Literal

import msgspec

from nowlater.instants import Instant
from nowlater.jobs.model import Attempt, Job

#: How an attempt ended: by the outcome of its run, or by what happened to its job while it ran.
type Outcome = Literal[
    "succeeded",
    "failed",
    "timed-out",
    "refused",
    "unavailable",
    "cut-short",
    "canceled",
    "deadline-exceeded",
]

#: A record has at most this many attempts, the latest: every write is billed for the whole record.
MAX_ATTEMPTS = 20
#: Characters of a stored attempt's `detail`.
MAX_DETAIL = 200

#: Outcomes of an attempt by the problem that ended its job, where their names differ.
_BY_PROBLEM: dict[str, Outcome] = {
    "operation-failed": "failed",
    "invalid-input": "refused",
    "attempts-exhausted": "cut-short",
}


def ended(job: Job, outcome: Outcome, at: Instant, detail: str | None = None) -> list[Any]:
    """Return the stored attempts and the latest, which has ended before the job, as JSON types."""
    text = None if detail is None else detail[:MAX_DETAIL]
    latest = Attempt(
        number=job.attempt, started=job.started, ended=at, outcome=outcome, detail=text
    )
    return [msgspec.to_builtins(attempt) for attempt in (*job.attempts, latest)[-MAX_ATTEMPTS:]]


def of(job: Job) -> tuple[Attempt, ...]:
    """Return the latest attempts at a job, oldest first; one that runs has no outcome."""
    latest = _latest(job)
    return job.attempts if latest is None else (*job.attempts, latest)[-MAX_ATTEMPTS:]


def _latest(job: Job) -> Attempt | None:
    """Return the attempt that runs or ended the job; None where none does or did."""
    stored = job.attempts[-1].number if job.attempts else 0
    if job.attempt <= stored or job.status in ("scheduled", "queued"):
        return None
    if job.status == "running":
        return Attempt(number=job.attempt, started=job.started)
    problem = "" if job.error is None else job.error["name"]
    outcome = "succeeded" if job.status == "succeeded" else _BY_PROBLEM.get(problem, problem)
    return Attempt(number=job.attempt, started=job.started, ended=job.ended, outcome=outcome)
