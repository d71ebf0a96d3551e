"""The quota of unfinished jobs: checks every tenth submit of an owner, and remembers refused owners.

It is approximate: each Lambda instance checks and remembers by itself, and submits between two checks
can exceed the quota.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nowlater.aws import session
from nowlater.doors.quota_refusal import Refusal
from nowlater.instants import Instant, after
from nowlater.jobs import model
from nowlater.jobs.store import JobStatus, Store
from nowlater.log import logger

#: Of an owner's submits in one Lambda instance, the first is checked, and then every tenth.
CHECK_EVERY = 10
#: How long a count of unfinished jobs is remembered, whether it was too many or not.
PAUSE_S = 10
#: Jobs read at least by the first call of a check, and by each further call.
_FIRST_PAGE, _FURTHER_PAGE = 100, 1000
#: Owners that are remembered; beyond that, all are forgotten and checked again.
_MAX_OWNERS = 10_000


@dataclass
class _OwnerState:
    """What this Lambda instance remembers of an owner."""

    submits: int = 0
    refusal: Refusal | None = None
    #: Until then, the owner's unfinished jobs are not counted beyond the first page.
    count_after: Instant = 0


class JobQuota:
    """The quota of unfinished jobs, for each owner; `allowed` 0 means no quota."""

    def __init__(self, store: Store, *, allowed: int, shards: int) -> None:
        self._store, self._shards, self._allowed = store, shards, allowed
        self._owners: dict[str, _OwnerState] = {}

    def check(self, owner: str, now: Instant) -> None:
        """Count a submit; raises Problem `too-many-jobs` (429).

        A check costs one call; where many jobs are unfinished, one check in ten seconds costs more
        calls. A check that fails refuses nothing.
        """
        if not self._allowed:
            return
        state = self._state(owner, now)
        state.submits += 1
        if state.refusal is None and state.submits % CHECK_EVERY == 1:
            try:
                state.refusal = self._find_refusal(owner, state, now)
            except session.FAILURES:
                logger.warning("quota_check_failed", exc_info=True)
        if state.refusal is not None:
            raise state.refusal.to_problem(now)

    def _state(self, owner: str, now: Instant) -> _OwnerState:
        """Return the owner's state, or a new one where there is none or its refusal is over."""
        if len(self._owners) > _MAX_OWNERS:
            self._owners.clear()
        state = self._owners.setdefault(owner, _OwnerState())
        if state.refusal is not None and state.refusal.until <= now:
            state = self._owners[owner] = _OwnerState()
        return state

    def _find_refusal(self, owner: str, state: _OwnerState, now: Instant) -> Refusal | None:
        shard = f"{state.submits // CHECK_EVERY % self._shards:x}"
        newest = self._store.newest(owner, shard, None, _FIRST_PAGE)
        has_more = len(newest) == _FIRST_PAGE and now >= state.count_after
        if self._has_too_many(owner, shard, newest, state, now, has_more=has_more):
            return too_many_jobs(self._allowed, now)
        return None

    def _has_too_many(
        self,
        owner: str,
        shard: str,
        page: Sequence[JobStatus],
        state: _OwnerState,
        now: Instant,
        *,
        has_more: bool,
    ) -> bool:
        """Count a shard's unfinished jobs from the newest back; tell whether they reach the limit.

        The count stops when more than half of the jobs read have ended: so it reads at most twice
        the limit, and few jobs of an owner whose jobs end soon.
        """
        limit, read, unfinished = shard_share(self._allowed, self._shards), 0, 0
        while True:
            read, unfinished = read + len(page), unfinished + count_unfinished(page)
            if unfinished >= limit or 2 * unfinished < read or not has_more:
                return unfinished >= limit
            state.count_after = after(now, PAUSE_S)
            page = self._store.newest(owner, shard, page[-1].id, _FURTHER_PAGE)
            has_more = len(page) == _FURTHER_PAGE


def shard_share(quota: int, shards: int) -> int:
    """Return one shard's share of a quota: an owner's jobs are spread over the shards at random."""
    return math.ceil(quota / shards)


def count_unfinished(jobs: Sequence[JobStatus]) -> int:
    """Return how many of these jobs have not ended."""
    return sum(job.status in model.UNFINISHED for job in jobs)


def too_many_jobs(allowed: int, now: Instant) -> Refusal:
    """Return the refusal of an owner whose quota of unfinished jobs is used up."""
    return Refusal(
        problem="too-many-jobs",
        detail=f"You may have {allowed:,} unfinished jobs: wait until some have ended, or cancel some.",
        until=after(now, PAUSE_S),
        quota="unfinished-jobs",
        policy=f'q={allowed};qu="concurrent-requests"',
    )
