"""An owner's jobs of all shards, newest first, read lazily for one page of the list."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from functools import partial

from nowlater.aws.table import Where
from nowlater.instants import after
from nowlater.jobs.filters import Filter
from nowlater.jobs.model import Job
from nowlater.jobs.store import Page, Store
from nowlater.services import Services

#: The calls for one page, beyond the first to each shard; each reads up to 1 MB of records.
_FURTHER_CALLS = 9
#: The time after which a page reads no further.
_LONGEST_S = 3
#: A shard's first call reads this many jobs more than its part of the page: some have expired.
_SPARE = 10
#: Texts that sort after the ids of all jobs (a shard not yet read), and before them (all read).
_UNREAD, _EXHAUSTED = "~", ""


class Newest:
    """Iterates over the jobs that meet the conditions, newest first, from before a cursor.

    It stops at the bounds above; after that, `rest` is the cursor of the unread jobs, or None.
    `limit` is how many are wanted (None: all), and `only` the attributes that are, beside those that
    every record has (empty: all).
    """

    def __init__(
        self,
        services: Services,
        owner: str,
        conditions: Filter,
        cursor: str | None = None,
        limit: int | None = None,
        only: Sequence[str] = (),
    ) -> None:
        digits = [f"{n:x}" for n in range(services.settings.shards)]
        where = conditions.where(services.clock())
        self._shards = [
            _Shard(digit, cursor, partial(_read, services.store, owner, conditions, where, only))
            for digit in digits
        ]
        has_limit = where is None and limit is not None
        self._first_limit = -(-(limit or 0) // len(digits)) + _SPARE if has_limit else None
        self._clock, self._until = services.clock, after(services.clock(), _LONGEST_S)
        self.rest = cursor

    def __iter__(self) -> Iterator[Job]:
        calls, has_yielded = 0, False
        while True:
            shard = max(self._shards, key=lambda shard: shard.front)
            if shard.front == _EXHAUSTED:
                self.rest = None
                return
            is_late = self._clock() >= self._until
            if shard.jobs:
                if has_yielded and is_late:
                    return
                has_yielded, self.rest = True, shard.jobs[0].id
                yield shard.jobs.popleft()
            elif shard.is_read and (is_late or calls >= len(self._shards) + _FURTHER_CALLS):
                self.rest = shard.cursor
                return
            else:
                shard.read(None if shard.is_read else self._first_limit)
                calls += 1


class _Shard:
    """The jobs read from a shard and not yet yielded, and the cursor of those not yet read."""

    def __init__(self, digit: str, cursor: str | None, read: "_Read") -> None:
        self._digit, self._read = digit, read
        self.cursor = None if cursor is None else digit + cursor[1:]
        self.jobs = deque[Job]()
        self.is_read = self._is_exhausted = False

    @property
    def front(self) -> str:
        """The sort key of the next job: its id without the shard, so that shards merge by time.

        Of a shard that must be read first, it is the largest that its next job can have.
        """
        if self.jobs:
            return self.jobs[0].id[1:]
        if self._is_exhausted:
            return _EXHAUSTED
        return _UNREAD if self.cursor is None else self.cursor[1:]

    def read(self, limit: int | None) -> None:
        page = self._read(self._digit, self.cursor, limit)
        self.jobs += page.jobs
        self.cursor, self._is_exhausted, self.is_read = page.reached, page.reached is None, True


#: Reads jobs of a shard from before a cursor, up to a limit.
type _Read = Callable[[str, str | None, int | None], Page]


def _read(
    store: Store,
    owner: str,
    conditions: Filter,
    where: Where | None,
    only: Sequence[str],
    digit: str,
    cursor: str | None,
    limit: int | None,
) -> Page:
    return store.page(owner, digit, conditions.span(digit, cursor), limit, where, only)
