"""What the callers know: the jobs that they were given, how they ended, and what was wrong."""

import random
import threading
from collections import Counter
from dataclasses import dataclass
from typing import Any

from tests.e2e.client import ENDED


@dataclass
class Known:
    """A job, as its caller knows it."""

    id: str
    #: The job as it was first seen to have ended.
    end: Any = None
    erased: bool = False


@dataclass(frozen=True)
class Keyed:
    """A request that had an idempotency key, and the job that it got."""

    key: str
    operation: str
    body: dict[str, Any]
    job: str


class Ledger:
    """Written by all callers at once."""

    def __init__(self) -> None:
        self.jobs: dict[str, Known] = {}
        self.keyed: list[Keyed] = []
        self.answers: Counter[tuple[str, int]] = Counter()
        self.violations: list[str] = []
        #: Requests whose answer never came: what they asked for may have been accepted.
        self.lost = 0
        self._lock = threading.Lock()

    def answered(self, what: str, status: int) -> None:
        with self._lock:
            self.answers[what, status] += 1

    def lose(self) -> None:
        with self._lock:
            self.lost += 1

    def complain(self, sentence: str) -> None:
        with self._lock:
            self.violations.append(sentence)

    def accept(self, job_id: str) -> None:
        with self._lock:
            self.jobs.setdefault(job_id, Known(job_id))

    def remember(self, keyed: Keyed) -> None:
        with self._lock:
            self.keyed.append(keyed)

    def see(self, job: Any) -> None:
        """Look at a job as the API shows it: an end that was seen must be the same ever after.

        Where it has not ended, this may be an answer that another one has overtaken.
        """
        with self._lock:
            known = self.jobs.setdefault(job["id"], Known(job["id"]))
            if job["status"] not in ENDED:
                return
            if known.end is None:
                known.end = job
            elif lasting(known.end) != lasting(job):
                self.violations.append(f"an end has changed: {known.end} is now {job}")

    def erase(self, job_id: str) -> None:
        with self._lock:
            self.jobs[job_id].erased = True

    def any_job(self) -> Known | None:
        """Return one of the latest jobs, at random."""
        with self._lock:
            latest = list(self.jobs.values())[-100:]
        return random.choice(latest) if latest else None

    def any_ended(self) -> Known | None:
        """Return one of the latest jobs whose end was seen, at random."""
        with self._lock:
            ended = [known for known in self.jobs.values() if known.end][-100:]
        return random.choice(ended) if ended else None

    def any_keyed(self) -> Keyed | None:
        with self._lock:
            return random.choice(self.keyed[-100:]) if self.keyed else None


def lasting(job: Any) -> Any:
    """Return what must not change of an ended job.

    Who reads after a deadline sees it missed before that is written; who wrote it knows better when.
    """
    names = ("status", "result", "attempt", "started", "deadline")
    return {name: job[name] for name in names} | {"error": (job["error"] or {}).get("type")}
