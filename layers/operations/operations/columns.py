"""One column of a table: its cells counted as they pass, and its profile made of the counts."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from heapq import nlargest
from itertools import batched, chain
from math import fsum
from statistics import median_low
from typing import Any

from operations.cells import NULLS, Kind, Value, read
from operations.profiles import Approximate, ColumnProfile, Count, Quantiles, Type
from operations.sketches import Distinct, Numbers

#: Of a longer cell only the beginning is kept, and a hash of the whole to tell it from others.
_LONGEST = 64
#: About what a counted cell costs: the string, its place in the dictionary, its count.
_BYTES_PER_CELL = 160
#: Cells that are read at a time, to need little memory beside that of the counts.
_PART = 100_000
_FRACTIONS = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


class Column:
    """A column whose cells pass once; `shrink` bounds its memory, at the price of precision."""

    def __init__(self, name: str) -> None:
        self._name = name
        #: The cells as they were written, but for those that `shrink` let go.
        self._counts: Counter[str] = Counter()
        #: How much too low the counts may be for that.
        self._missed = 0
        self._known = _Known()

    @property
    def bytes(self) -> int:
        """About how much memory this column takes."""
        return self._counted_bytes + sum(sketch.bytes for sketch in self._known.sketches)

    @property
    def _counted_bytes(self) -> int:
        return _BYTES_PER_CELL * len(self._counts)

    def add(self, cells: Sequence[str]) -> None:
        """Count cells, at least one."""
        if max(map(len, cells)) > _LONGEST:
            cells = [cell if len(cell) <= _LONGEST else _shortened(cell) for cell in cells]
        self._counts.update(cells)

    def shrink(self) -> None:
        """Let go of the rarer half of the counted cells, or thin what was kept of those."""
        largest = max(self._known.sketches, key=lambda sketch: sketch.bytes)
        if self._counted_bytes < largest.bytes:
            largest.thin()
            return
        limit = median_low(self._counts.values())
        for _ in self._known.read((cell, n) for cell, n in self._counts.items() if n <= limit):
            pass
        self._counts = Counter({cell: n for cell, n in self._counts.items() if n > limit})
        self._missed += limit

    def profile(self, top: int) -> ColumnProfile:
        """Return the profile; to be called once, at the end."""
        frequent = self._most_frequent(top)
        known = self._known
        return ColumnProfile(
            name=self._name,
            type=known.type,
            count=known.count,
            nulls=known.nulls,
            distinct=known.range.distinct.count(),
            kinds={str(kind): n for kind, n in known.kinds.most_common()},
            min=_shown(known.range.min),
            max=_shown(known.range.max),
            mean=known.mean,
            quantiles=known.quantiles(),
            top=[Count(_shown(value), n) for value, n in frequent],
            approximate=self._approximate() if self._missed else None,
        )

    def _most_frequent(self, top: int) -> list[tuple[Any, int]]:
        """Take what is still counted into what is known, and return the most frequent values."""
        values: Counter[Value] = Counter()
        for part in self._known.read(self._counts.items()):
            values.update(part)
        if self._known.type != "string":
            return values.most_common(top)
        texts = ((cell, n) for cell, n in self._counts.items() if cell not in NULLS)
        return nlargest(top, texts, key=lambda counted: counted[1])

    def _approximate(self) -> Approximate:
        numbers, distinct = self._known.numbers, self._known.range.distinct
        return Approximate(distinct=distinct.error, quantiles=numbers.error, top=self._missed)


class _Known:
    """What is known of cells that have been read, without keeping them."""

    def __init__(self) -> None:
        self.nulls = 0
        self.kinds: Counter[Kind] = Counter()
        self.numbers = Numbers()
        self._sums: list[float] = []
        # Whether it is text or not is known at the end; values are left out once it is.
        self._texts, self._values = _Range(), _Range()

    @property
    def type(self) -> Type:
        match sorted(self.kinds):
            case []:
                return "empty"
            case [kind]:
                return kind
            case ["integer", "number"]:
                return "number"
            case ["date", "datetime"]:
                return "datetime"
        return "string"

    @property
    def numeric(self) -> bool:
        return self.type in ("integer", "number")

    @property
    def count(self) -> int:
        return self.kinds.total()

    @property
    def mean(self) -> float | None:
        return fsum(self._sums) / self.count if self.numeric else None

    @property
    def range(self) -> "_Range":
        return self._texts if self.type == "string" else self._values

    @property
    def sketches(self) -> tuple[Numbers | Distinct, ...]:
        return self.numbers, self._texts.distinct, self._values.distinct

    def quantiles(self) -> Quantiles | None:
        return Quantiles(*self.numbers.quantiles(_FRACTIONS)) if self.numeric else None

    def read(self, counted: Iterable[tuple[str, int]]) -> Iterator[Mapping[Value, int]]:
        """Take in different cells and how often each occurs; yield the same of their values."""
        for part in batched(counted, _PART, strict=False):
            texts = {cell: n for cell, n in part if cell not in NULLS}
            self.nulls += sum(n for _, n in part) - sum(texts.values())
            values = self._read(texts)
            self._texts.add(texts)
            if self.type != "string":
                self._values.add(values)
            if self.numeric:
                self.numbers.add(values.items())
                self._sums.append(fsum(number * n for number, n in values.items()))
            yield values

    def _read(self, texts: Mapping[str, int]) -> dict[Any, int]:
        values: dict[Any, int] = {}
        for text, n in texts.items():
            kind, value = read(text)
            self.kinds[kind] += n
            values[value] = values.get(value, 0) + n
        return values


class _Range:
    """The least and the greatest of values of one type, and how many different ones."""

    def __init__(self) -> None:
        self.min: Any = None
        self.max: Any = None
        self.distinct = Distinct()

    def add(self, values: Collection[Any]) -> None:
        if values:
            known = () if self.min is None else (self.min, self.max)
            self.min, self.max = min(chain(known, values)), max(chain(known, values))
            self.distinct.add(values)


def _shortened(cell: str) -> str:
    return f"{cell[:_LONGEST]}{hash(cell):+x}"


def _shown(value: Any) -> Any:
    cut = isinstance(value, str) and len(value) > _LONGEST
    return value[:_LONGEST] + "…" if cut else value
