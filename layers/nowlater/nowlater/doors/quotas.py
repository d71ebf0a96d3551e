"""Holds owners to their quotas by looking at one submit in ten, and remembers whom it refuses.

Each Lambda looks and remembers for itself: so a quota can be passed by what comes between two looks.
"""

from dataclasses import dataclass

from nowlater.aws import session
from nowlater.doors import quota
from nowlater.doors.quota import Newest, Refusal
from nowlater.instants import Instant, after
from nowlater.jobs.store import Store
from nowlater.log import logger

#: Jobs read by a first look, and by each further call of a count.
_FIRST, _FURTHER = 100, 1000
#: Owners that are remembered; beyond that all are forgotten, and looked at anew.
_MAX_OWNERS = 10_000


@dataclass
class _Known:
    """What this Lambda knows of an owner."""

    submits: int = 0
    refusal: Refusal | None = None
    #: Before this, its unfinished jobs are not counted again beyond those of a first look.
    count_after: Instant = 0


class Quotas:
    """The quotas of all owners; 0 is none."""

    def __init__(self, store: Store, *, waiting: int, shards: int) -> None:
        self._store, self._shards = store, shards
        self._waiting = waiting
        self._known: dict[str, _Known] = {}

    def check(self, owner: str, now: Instant) -> None:
        """Count a submit; raises Problem `too-many-jobs` (429).

        A look costs a call, and where many jobs wait, one in ten seconds costs more. A look that
        fails refuses nobody.
        """
        if not self._waiting:
            return
        known = self._of(owner, now)
        known.submits += 1
        if known.refusal is None and known.submits % quota.ONE_IN == 1:
            try:
                known.refusal = self._looked_at(owner, known, now)
            except session.FAILURES:
                logger.warning("quota_check_failed", exc_info=True)
        if known.refusal is not None:
            raise known.refusal.told(now)

    def _of(self, owner: str, now: Instant) -> _Known:
        """Return what is known of an owner; a refusal that is over is forgotten, and looked at anew."""
        if len(self._known) > _MAX_OWNERS:
            self._known.clear()
        known = self._known.setdefault(owner, _Known())
        if known.refusal is not None and known.refusal.until <= now:
            known = self._known[owner] = _Known()
        return known

    def _looked_at(self, owner: str, known: _Known, now: Instant) -> Refusal | None:
        shard = f"{known.submits // quota.ONE_IN % self._shards:x}"
        newest = self._store.newest(owner, shard, None, _FIRST)
        may_go_on = len(newest) == _FIRST and now >= known.count_after
        if self._are_too_many(owner, shard, newest, may_go_on, known, now):
            return quota.too_many(self._waiting, now)
        return None

    def _are_too_many(
        self, owner: str, shard: str, page: Newest, may_go_on: bool, known: _Known, now: Instant
    ) -> bool:
        """Tell whether as many jobs are unfinished as may be, counting from the newest back.

        It goes on for as long as at least half of those that it has read are: so it reads at most
        twice as many, and stops early at an owner whose jobs are worked on as they come.
        """
        most, read, waiting = quota.share(self._waiting, self._shards), 0, 0
        while True:
            read, waiting = read + len(page), waiting + quota.unfinished(page)
            if waiting >= most or 2 * waiting < read or not may_go_on:
                return waiting >= most
            known.count_after = after(now, quota.PAUSE_S)
            page = self._store.newest(owner, shard, page[-1][0], _FURTHER)
            may_go_on = len(page) == _FURTHER
