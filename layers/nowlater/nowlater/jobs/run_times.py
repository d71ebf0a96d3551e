"""How long each operation takes: one histogram in the table, written seldom and read from a cache."""

import re
from collections import Counter
from collections.abc import Mapping
from functools import partial

from nowlater.aws.items import Item
from nowlater.aws.table import Table
from nowlater.cache import Cache
from nowlater.instants import Clock, Instant, after
from nowlater.jobs.histogram import Histogram, bucket

#: What was counted is written at most this often.
_PAUSE_S = 10
#: With more runs than this all counts are halved, so that what was long ago weighs less.
_MAX_RUNS = 4096
#: The attributes that are counts: of runs of up to half a year.
_BUCKET = re.compile(r"b\d{1,2}|b1[0-3]\d", re.ASCII)


class Runtimes:
    """The histograms of all operations. What is counted but not yet written can be lost."""

    def __init__(self, table: Table, clock: Clock) -> None:
        self._table, self._clock = table, clock
        self._counted: dict[str, Counter[int]] = {}
        self._written: dict[str, Instant] = {}
        self._cache = Cache[Histogram](clock)

    def of(self, operation: str) -> Histogram:
        """Return the operation's histogram as it was at most ten seconds ago."""
        return self._cache.get(operation, partial(self._read, operation))

    def count(self, operation: str, seconds: float) -> None:
        """Count a run."""
        self._counted.setdefault(operation, Counter())[bucket(seconds)] += 1

    def write(self) -> None:
        """Add what was counted to the table, where the last time is ten seconds ago."""
        for operation, counts in list(self._counted.items()):
            now = self._clock()
            if now >= after(self._written.get(operation, 0), _PAUSE_S):
                self._written[operation] = now
                item = self._table.add(
                    *_key(operation), _attributes(counts) | {"runs": counts.total()}
                )
                del self._counted[operation]
                if _is_count(item.get("runs")) and item["runs"] > _MAX_RUNS:
                    self._halve(operation, item)

    def _halve(self, operation: str, item: Item) -> None:
        """Halve all counts, unless they have changed since: then another write will."""
        halves = {b: n // 2 for b, n in _counts(item).items()}
        changes: Item = _attributes(halves) | {"runs": sum(halves.values())}
        unchanged, seen = "#runs = :seen", {"seen": item["runs"]}
        self._table.update_if(*_key(operation), changes, {}, unchanged, seen)

    def _read(self, operation: str) -> Histogram:
        return Histogram(_counts(self._table.get(*_key(operation)) or {}))


def _attributes(counts: Mapping[int, int]) -> dict[str, int]:
    return {f"b{number}": count for number, count in counts.items()}


def _counts(item: Item) -> dict[int, int]:
    """Return the counts of an item; what is none is passed over, for estimates can do without."""
    return {
        int(name[1:]): count
        for name, count in item.items()
        if _BUCKET.fullmatch(name) and _is_count(count)
    }


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _key(operation: str) -> tuple[str, str]:
    return f"STATS#{operation}", "STATS"
