"""An owner's jobs, the newest first, from all shards, read as far as somebody looks: for one page."""

from collections import deque
from collections.abc import Iterator

from nowlater.aws.table import Where
from nowlater.instants import after
from nowlater.jobs.model import Job
from nowlater.jobs.store import Store
from nowlater.services import Services

#: Calls that a page may make after the first of each shard: each reads up to 1 MB of records …
_FURTHER_CALLS = 9
#: … and seconds after which it looks at no more.
_LONGEST_S = 3
#: Jobs beyond those that are wanted that a first call reads: some are no longer kept.
_SPARE = 10
#: What sorts after the id of every job, and before.
_UNREAD, _OVER = "~", ""


class Newest:
    """The jobs that meet a condition, from before a cursor. Once iterated over, `rest` is the cursor of those
    that were not looked at; None where there are none."""

    def __init__(
        self, services: Services, owner: str, cursor: str | None, where: Where | None, wanted: int
    ) -> None:
        digits = [f"{n:x}" for n in range(services.settings.shards)]
        self._shards = [_Shard(services.store, owner, digit, cursor, where) for digit in digits]
        self._first = None if where else -(-wanted // len(digits)) + _SPARE
        self._clock, self._until = services.clock, after(services.clock(), _LONGEST_S)
        self.rest = cursor

    def __iter__(self) -> Iterator[Job]:
        calls, taken = 0, False
        while True:
            ahead = max(self._shards, key=lambda shard: shard.front)
            if ahead.front == _OVER:
                self.rest = None
                return
            is_late = self._clock() >= self._until
            if ahead.jobs:
                if taken and is_late:
                    return
                taken, self.rest = True, ahead.jobs[0].id
                yield ahead.jobs.popleft()
            elif ahead.is_read and (is_late or calls >= len(self._shards) + _FURTHER_CALLS):
                self.rest = ahead.at
                return
            else:
                ahead.read(None if ahead.is_read else self._first)
                calls += 1


class _Shard:
    """What was read of a shard and not yet taken, and the id that it goes on from."""

    def __init__(
        self, store: Store, owner: str, digit: str, cursor: str | None, where: Where | None
    ) -> None:
        self._store, self._owner, self._digit, self._where = store, owner, digit, where
        self.at = None if cursor is None else digit + cursor[1:]
        self.jobs = deque[Job]()
        self.is_read = self._is_over = False

    @property
    def front(self) -> str:
        """What comes next of it, or could, in the order of all shards: by time."""
        if self.jobs:
            return self.jobs[0].id[1:]
        if self._is_over:
            return _OVER
        return _UNREAD if self.at is None else self.at[1:]

    def read(self, limit: int | None) -> None:
        page = self._store.page(self._owner, self._digit, self.at, limit, self._where)
        self.jobs += page.jobs
        self.at, self._is_over, self.is_read = page.reached, page.reached is None, True
