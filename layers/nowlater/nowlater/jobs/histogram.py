"""Run times as counts on a logarithmic scale: small to store, and precise enough for quantiles."""

import math
from collections.abc import Mapping

import msgspec

#: Buckets per doubling: a bucket's middle is within 10 % of every value in it.
_PER_DOUBLING = 4


class Histogram(msgspec.Struct, frozen=True):
    """Counts of run times by bucket; see `bucket`."""

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


def bucket(seconds: float) -> int:
    """Return the bucket of a run time: the number of quarter doublings above one millisecond."""
    return max(0, math.floor(math.log2(max(seconds, 0.001) * 1000) * _PER_DOUBLING))


def middle_s(number: int) -> float:
    """Return the (geometric) middle of a bucket, in seconds."""
    return float(2 ** ((number + 0.5) / _PER_DOUBLING) / 1000)
