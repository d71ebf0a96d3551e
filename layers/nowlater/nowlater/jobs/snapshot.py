"""An owner's jobs at an instant, as far as one bounded read of their records goes, the newest first."""

from dataclasses import dataclass

from nowlater.instants import Instant
from nowlater.jobs import model, view
from nowlater.jobs.filters import Filter
from nowlater.jobs.model import Job
from nowlater.jobs.newest import Newest
from nowlater.services import Services

#: The attributes that tell how an owner sees a job, beside those that every record has.
_ATTRIBUTES = ("not_before", "expires", "erased", "tags")


@dataclass(frozen=True)
class Snapshot:
    """Jobs as their owner sees them at an instant, without inputs, results and errors."""

    jobs: list[Job]
    at: Instant
    #: All jobs that were accepted from here on are among them; None: no job is missing.
    reached: Instant | None

    @property
    def is_complete(self) -> bool:
        return self.reached is None


def take(services: Services, owner: str, conditions: Filter) -> Snapshot:
    """Return the owner's jobs that meet the conditions, within the bounds of `Newest`.

    It may miss what was written within the last second, and writes nothing: a job whose deadline has
    passed is seen as failed.
    """
    newest, now = Newest(services, owner, conditions, only=_ATTRIBUTES), services.clock()
    seen = (view.effective_at(stored, now) for stored in newest)
    jobs = [job for job in seen if not view.is_gone(job, now) and conditions.matches(job)]
    if newest.rest is None:
        return Snapshot(jobs, now, None)
    reached = model.time_of(newest.rest) + 1  # of the millisecond before, some may be unread
    return Snapshot([job for job in jobs if model.time_of(job.id) >= reached], now, reached)
