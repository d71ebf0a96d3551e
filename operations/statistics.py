"""The statistics of a table's columns, by DuckDB: exact, within bounds of memory."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Self

import duckdb

from nowlater import Refused
from operations.dialects import BLANKS
from operations.profiles import ColumnProfile, Count, Quantiles, Type, Value

#: What DuckDB keeps in memory; the rest goes to the disk.
_CONFIG: dict[str, str | bool | int | float | list[str]] = {"threads": 1, "memory_limit": "160MB"}
#: Columns are worked on together up to about so many different cells: there may be thousands.
_CELLS_TOGETHER = 100_000
#: Characters of a cell that are kept. Longer cells are the same where their SHA-256 is.
_LONGEST_CELL = 1000
#: Characters of a text that a profile shows.
_SHOWN = 64
#: Seconds between two calls of `alive`.
_PAUSE_S = 0.25

#: What DuckDB raises where memory or disk are full; the last where it commits.
_FULL = (duckdb.OutOfMemoryException, duckdb.IOException, duckdb.TransactionException)

_MACROS, _PROFILES = (
    Path(__file__).with_name(f"{n}.sql").read_text() for n in ("cells", "columns")
)
_TABLE = "CREATE TABLE counted (col INTEGER, cell VARCHAR, n BIGINT)"


class Statistics:
    """Counts the cells of a table, and sums them up; `Statistics.opened` makes one."""

    def __init__(self, database: duckdb.DuckDBPyConnection, thread: ThreadPoolExecutor) -> None:
        #: Called four times a second while DuckDB works; what it raises ends that work.
        self.alive: Callable[[], None] = lambda: None
        #: The columns that were found to have decimal commas.
        self.with_commas: list[str] = []
        self._duckdb, self._thread = database, thread
        self._cells = 0
        self.run(_MACROS.replace("BLANKS", BLANKS) + _TABLE)

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator[Self]:
        """Give Statistics with room on the disk.

        There DuckDB removes the files of processes that were killed, but for one of this number.
        """
        folder = Path(gettempdir(), f"nowlater-csv-profile-{os.getuid()}")
        folder.mkdir(mode=0o700, exist_ok=True)
        for left in folder.glob(f"duckdb_temp_{os.getpid()}_*"):
            left.unlink()
        with ThreadPoolExecutor(1) as thread, duckdb.connect(config=_CONFIG) as database:
            database.execute(f"SET temp_directory = '{folder}'")
            yield cls(database, thread)

    def kinds(self, cells: Sequence[str]) -> list[str]:
        """Return what each cell can be read as: the type of a column of such cells."""
        rows = self.run("SELECT kind(trimmed(cell)) FROM unnest($cells) AS t(cell)", cells=cells)
        return [kind for (kind,) in rows]

    def add(self, columns: Sequence[Sequence[str]]) -> None:
        """Count the next cells of each column."""
        numbers: list[int] = []
        cells: list[str] = []
        counts: list[int] = []
        for number, column in enumerate(columns):
            counted = Counter(column)
            numbers += [number] * len(counted)
            cells += map(_shortened, counted)
            counts += counted.values()
        self._cells += len(cells)
        insert = "INSERT INTO counted SELECT unnest($numbers), unnest($cells), unnest($counts)"
        if cells:
            self.run(insert, numbers=numbers, cells=cells, counts=counts)

    def profiles(self, names: Sequence[str], rows: int, top: int) -> Iterator[ColumnProfile]:
        """Yield the profile of each column, in their order."""
        together = 1 + len(names) * _CELLS_TOGETHER // max(1, self._cells)
        for first in range(0, len(names), together):
            after = first + together
            answer = self.run(_PROFILES, first=first, after=after, top=max(1, top))
            found = {col: figures for col, *figures in answer}
            for col, name in enumerate(names[first:after], first):
                yield self._profile(name, rows, found.get(col), top)

    def _profile(
        self, name: str, rows: int, found: Sequence[Any] | None, top: int
    ) -> ColumnProfile:
        if found is None:
            return ColumnProfile(name=name, type="empty", nulls=rows)
        kind, kinds, count, distinct, least, most, mean, quantiles, frequent, commas = found
        if commas and kind == "string":
            self.with_commas.append(name)
        return ColumnProfile(
            name=name,
            type=kind,
            count=count,
            nulls=rows - count,
            distinct=distinct,
            kinds=kinds,
            min=_value(kind, least),
            max=_value(kind, most),
            mean=None if mean is None else min(max(mean, float(least)), float(most)),
            quantiles=quantiles and Quantiles(*quantiles),
            top=[Count(_value(kind, value["value"]), value["n"]) for value in frequent[:top]],
        )

    def run(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Run a query in another thread, so that what `alive` raises in this one can end it."""
        answer = self._thread.submit(self._query, query, values or None)
        try:
            while not wait_for([answer], _PAUSE_S).done:
                self.alive()
            return answer.result()
        except _FULL as error:
            raise Refused(
                "This table has too many different cells for the memory and disk of a run. "
                "Send fewer rows or columns at a time."
            ) from error
        finally:
            while not wait_for([answer], 0.05).done:
                self._duckdb.interrupt()

    def _query(self, query: str, values: dict[str, Any] | None) -> list[tuple[Any, ...]]:
        return self._duckdb.execute(query, values).fetchall()


def _shortened(cell: str) -> str:
    if len(cell) <= _LONGEST_CELL:
        return cell
    if len(padded := cell.strip(BLANKS)) <= _SHOWN:  # a number or a date, perhaps
        return padded
    return cell[:_LONGEST_CELL] + sha256(cell.encode()).hexdigest()


def _value(kind: Type, text: str) -> Value:
    match kind:
        case "integer":
            return int(text)
        case "number":
            number = float(text)
            return int(number) if number.is_integer() and abs(number) < 2**63 else number
        case "boolean":
            return text == "true"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
