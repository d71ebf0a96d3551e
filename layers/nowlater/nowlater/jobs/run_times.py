"""The run times of each operation: a histogram in the table, written rarely and read through a cache."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from functools import partial

import msgspec

from nowlater.aws.table import Item, Table
from nowlater.cache import Cache
from nowlater.instants import Clock, Instant, after

#: Buckets per doubling: a bucket's middle is within 10 % of every value in it.
_PER_DOUBLING = 4
#: The shortest time between two writes of an operation's counts.
_PAUSE_S = 10
#: Beyond this many runs all counts are halved, so that old runs weigh less.
_MAX_RUNS = 4096
#: The names of the attributes that are counts; the last bucket is that of half a year.
_BUCKET = re.compile(r"b\d{1,2}|b1[0-3]\d", re.ASCII)


class Histogram(msgspec.Struct, frozen=True):
    """Counts of run times on a logarithmic scale, by `bucket`: small, and precise enough for quantiles."""

    counts: Mapping[int, int]

    @property
    def runs(self) -> int:
        return sum(self.counts.values())

    def quantile_s(self, share: float, longer_than_s: float = 0) -> float | None:
        """Return the quantile, in seconds, of the runs that took longer than `longer_than_s`.

        Returns None if no run did.
        """
        longer = sorted((b, n) for b, n in self.counts.items() if n and middle_s(b) > longer_than_s)
        remaining = share * sum(n for _, n in longer)
        for number, count in longer:
            remaining -= count
            if remaining <= 0:
                return middle_s(number)
        return None


class Runtimes:
    """The histograms of all operations; counts that are not yet written can be lost."""

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
        """Add the new counts to the table, of each operation at most every ten seconds."""
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
        """Halve all counts, unless another write changed them: then a later write halves them."""
        halves = {b: n // 2 for b, n in _counts(item).items()}
        changes: Item = _attributes(halves) | {"runs": sum(halves.values())}
        is_unchanged, values = "#runs = :seen", {"seen": item["runs"]}
        self._table.update_if(*_key(operation), changes, {}, is_unchanged, values)

    def _read(self, operation: str) -> Histogram:
        return Histogram(_counts(self._table.get(*_key(operation)) or {}))


def _attributes(counts: Mapping[int, int]) -> dict[str, int]:
    return {f"b{number}": count for number, count in counts.items()}


def _counts(item: Item) -> dict[int, int]:
    """Return the counts of an item; invalid ones are ignored, since estimates work without them."""
    return {
        int(name[1:]): count
        for name, count in item.items()
        if _BUCKET.fullmatch(name) and _is_count(count)
    }


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _key(operation: str) -> tuple[str, str]:
    return f"STATS#{operation}", "STATS"


def bucket(seconds: float) -> int:
    """Return the bucket of a run time: the number of quarter doublings above one millisecond."""
    return max(0, math.floor(math.log2(max(seconds, 0.001) * 1000) * _PER_DOUBLING))


def middle_s(number: int) -> float:
    """Return the (geometric) middle of a bucket, in seconds."""
    return float(2 ** ((number + 0.5) / _PER_DOUBLING) / 1000)
