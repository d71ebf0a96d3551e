"""How long runs take, as counts on a logarithmic scale: small to keep, and enough for quantiles."""

import math
from collections.abc import Mapping

import msgspec

#: Buckets per doubling: a value is told to within 10 %.
_PER_DOUBLING = 4


class Histogram(msgspec.Struct, frozen=True):
    """Counts of run times by bucket; see `bucket`."""

    counts: Mapping[int, int]

    @property
    def runs(self) -> int:
        return sum(self.counts.values())

    def quantile_s(self, share: float, longer_than_s: float = 0) -> float | None:
        """Return the seconds that a share of the runs took at most, of those that took longer.

        Returns None where none did.
        """
        beyond = sorted((b, n) for b, n in self.counts.items() if n and middle_s(b) > longer_than_s)
        wanted = share * sum(n for _, n in beyond)
        for number, count in beyond:
            wanted -= count
            if wanted <= 0:
                return middle_s(number)
        return None


def bucket(seconds: float) -> int:
    """Return the bucket of a run time: the number of quarter doublings beyond a millisecond."""
    return max(0, math.floor(math.log2(max(seconds, 0.001) * 1000) * _PER_DOUBLING))


def middle_s(number: int) -> float:
    """Return the (geometric) middle of a bucket, in seconds."""
    return float(2 ** ((number + 0.5) / _PER_DOUBLING) / 1000)
