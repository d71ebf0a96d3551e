"""Quantiles and distinct counts of streams: exact while they fit, then samples of known error."""

from array import array
from collections.abc import Iterable, Iterator
from heapq import merge
from math import floor, log, sqrt
from random import Random


class Numbers:
    """Numbers kept for their quantiles: all of them, or, once thinned, a uniform sample."""

    def __init__(self) -> None:
        #: Each run is sorted: the numbers, and how often each occurs.
        self._runs: list[tuple[array[float], array[int]]] = []
        self._rate = 1.0
        self._random = Random(0)

    @property
    def bytes(self) -> int:
        return sum(12 * len(numbers) for numbers, _ in self._runs)

    @property
    def error(self) -> float:
        """The rank of a quantile is off by at most this, as a fraction, in 95 of 100 cases.

        By the Dvoretzky-Kiefer-Wolfowitz inequality, with Massart's constant.
        """
        return 0.0 if self._rate == 1 else sqrt(log(2 / 0.05) / (2 * self._size()))

    def add(self, counted: Iterable[tuple[float, int]]) -> None:
        """Take in numbers and how often each occurred."""
        self._runs.append(self._thinned(sorted(counted), self._rate))

    def thin(self) -> None:
        """Keep about half of what there is, and of what will come."""
        self._rate /= 2
        self._runs = [self._thinned(zip(*run, strict=True), 0.5) for run in self._runs]

    def quantiles(self, fractions: Iterable[float]) -> list[float]:
        """Return quantiles, linearly interpolated (type 7 of Hyndman and Fan, as pandas does).

        There must be a number.
        """
        places = [fraction * (self._size() - 1) for fraction in fractions]
        ranks = {rank for place in places for rank in (floor(place), floor(place) + 1)}
        at = dict(self._at(sorted(ranks)))
        return [_between(at, place) for place in places]

    def _size(self) -> int:
        return sum(sum(counts) for _, counts in self._runs)

    def _thinned(
        self, counted: Iterable[tuple[float, int]], rate: float
    ) -> tuple[array[float], array[int]]:
        numbers, counts = array("d"), array("I")
        for number, count in counted:
            kept = count if rate == 1 else self._random.binomialvariate(count, rate)
            if kept:
                numbers.append(number)
                counts.append(kept)
        return numbers, counts

    def _at(self, ranks: list[int]) -> Iterator[tuple[int, float]]:
        """Yield the number at each of these ranks, which ascend."""
        waiting = iter(ranks)
        rank, end = next(waiting), 0
        for number, count in merge(*(zip(*run, strict=True) for run in self._runs)):
            end += count
            while rank < end:
                yield rank, number
                if (rank := next(waiting, -1)) < 0:
                    return


def _between(at: dict[int, float], place: float) -> float:
    low = at[floor(place)]
    return low + (at.get(floor(place) + 1, low) - low) * (place % 1)


class Distinct:
    """How many different things there were: exact, or, once thinned, an estimate.

    Keeps 64-bit hashes; thinned, only those that end in zeros (adaptive sampling, Flajolet 1990).
    """

    #: Counting looks at about this many hashes at a time, to need little memory of its own.
    _PART = 500_000

    def __init__(self) -> None:
        self._hashes = array("q")
        self._mask = 0

    @property
    def bytes(self) -> int:
        return 8 * len(self._hashes)

    @property
    def error(self) -> float:
        """The relative standard error of the estimate."""
        return 0.0 if not self._mask else 1.2 / sqrt(max(1, self._kept()))

    def add(self, things: Iterable[object]) -> None:
        """Take in things, be they new or not; they differ if they print differently.

        Text is hashed well (SipHash), unlike numbers: -1 and -2 have one hash.
        """
        mask = self._mask
        self._hashes.extend(h for thing in things if not (h := hash(str(thing))) & mask)

    def thin(self) -> None:
        """Keep about half of what there is, and of what will come."""
        self._mask = 2 * self._mask + 1
        self._hashes = array("q", (h for h in self._hashes if not h & self._mask))

    def count(self) -> int:
        return self._kept() * (self._mask + 1)

    def _kept(self) -> int:
        parts = 1 + len(self._hashes) // self._PART
        if parts == 1:
            return len(set(self._hashes))
        return sum(len({h for h in self._hashes if (h >> 40) % parts == p}) for p in range(parts))
