"""The statistics of a table's columns, by DuckDB: exact, within bounds of memory."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any, Self

import duckdb

from nowlater import Refused
from operations.profiles import ColumnProfile, Count, Quantiles, Type, Value

#: What DuckDB keeps in memory; the rest goes to the disk.
_MEMORY = "160MB"
#: Columns that have this many different cells at most are worked on together: there may be thousands.
_CELLS_TOGETHER = 100_000
#: Characters of a cell that are kept. Longer cells are the same where their SHA-256 is.
_LONGEST_CELL = 1000
#: Characters of a text that a profile shows.
_SHOWN = 64
#: What the names of folders begin with; the process follows.
_FOLDER = "csv-profile-"
#: Seconds between two calls of `alive`.
_PAUSE_S = 0.25

_CELLS, _COLUMNS = (Path(__file__).with_name(f"{n}.sql").read_text() for n in ("cells", "columns"))


class Statistics:
    """Counts the cells of a table, and sums them up; a context manager."""

    def __init__(self) -> None:
        #: Called four times a second while DuckDB works; what it raises ends that work.
        self.alive: Callable[[], None] = lambda: None
        self._different: Counter[int] = Counter()

    def __enter__(self) -> Self:
        _remove_abandoned()
        self._folder = TemporaryDirectory(prefix=f"{_FOLDER}{os.getpid()}-")
        self._duckdb = duckdb.connect(
            f"{self._folder.name}/cells.duckdb",
            config={"threads": 1, "memory_limit": _MEMORY, "temp_directory": self._folder.name},
        )
        self._thread = ThreadPoolExecutor(1)
        self.run(f"{_CELLS} CREATE TABLE counted (col INTEGER, cell VARCHAR, n BIGINT)")
        return self

    def __exit__(self, *_: object) -> None:
        while not wait_for([self._answer], 0.05).done:
            self._duckdb.interrupt()
        self._thread.shutdown()
        self._duckdb.close()
        self._folder.cleanup()

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
            self._different[number] += len(counted)
        insert = "INSERT INTO counted SELECT unnest($numbers), unnest($cells), unnest($counts)"
        self.run(insert, numbers=numbers, cells=cells, counts=counts)

    def profiles(self, names: Sequence[str], rows: int, top: int) -> Iterator[ColumnProfile]:
        """Yield the profile of each column, in their order."""
        for first, after in self._together(len(names)):
            self.run(
                "CREATE OR REPLACE TEMP TABLE cells AS SELECT col, cell, sum(n)::BIGINT AS n "
                "FROM counted WHERE col >= $first AND col < $after GROUP BY col, cell",
                first=first,
                after=after,
            )
            *steps, summary = _COLUMNS.split(";\n\n")
            for step in steps:
                self.run(step)
            found = {row[0]: row[1:] for row in self.run(summary, top=max(1, top))}
            for col in range(first, after):
                yield _profile(names[col], rows, found.get(col), top)

    def _together(self, columns: int) -> Iterator[tuple[int, int]]:
        first = cells = 0
        for col in range(columns):
            cells += self._different[col]
            if first < col and cells > _CELLS_TOGETHER:
                yield first, col
                first, cells = col, self._different[col]
        yield first, columns

    def run(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Run a query in another thread, so that `__exit__` can end it."""
        self._answer = self._thread.submit(self._query, query, values)
        while not wait_for([self._answer], _PAUSE_S).done:
            self.alive()
        try:
            return self._answer.result()
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            raise Refused(
                "This table has too many different cells for the memory and disk of a run. "
                "Send fewer rows or columns at a time."
            ) from error

    def _query(self, query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        return self._duckdb.execute(query, values or None).fetchall()


def _remove_abandoned() -> None:
    """Remove the files of processes that were killed: a Lambda that starts again finds its disk as it was."""
    for folder in Path(gettempdir()).glob(f"{_FOLDER}*-*"):
        try:
            os.kill(int(folder.name.removeprefix(_FOLDER).partition("-")[0]), 0)
        except ProcessLookupError:
            shutil.rmtree(folder, ignore_errors=True)
        except PermissionError:  # another user's process, which is alive
            continue


def _shortened(cell: str) -> str:
    if len(cell) <= _LONGEST_CELL or len(cell := cell.strip()) <= _LONGEST_CELL:
        return cell
    return cell[:_LONGEST_CELL] + sha256(cell.encode()).hexdigest()


def _profile(name: str, rows: int, found: tuple[Any, ...] | None, top: int) -> ColumnProfile:
    if found is None:
        return ColumnProfile(name=name, type="empty", nulls=rows)
    kind, kinds, count, distinct, least, most, mean, quantiles, frequent = found
    return ColumnProfile(
        name=name,
        type=kind,
        count=count,
        nulls=rows - count,
        distinct=distinct,
        kinds=kinds,
        min=_value(kind, least),
        max=_value(kind, most),
        mean=mean,
        quantiles=quantiles and Quantiles(*quantiles),
        top=[Count(_value(kind, value["value"]), value["n"]) for value in frequent[:top]],
    )


def _value(kind: Type, text: str) -> Value:
    match kind:
        case "integer":
            return int(text)
        case "number":
            return int(text) if _is_short_integer(text) else float(text)
        case "boolean":
            return text == "true"
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"


def _is_short_integer(text: str) -> bool:
    """Tell whether other readers of JSON keep this as it is: 64 bits."""
    return text.lstrip("-").isdigit() and -(2**63) <= int(text) < 2**63
