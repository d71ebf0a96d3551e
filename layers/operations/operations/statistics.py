"""The statistics of a table's columns, by DuckDB: exact, within bounds of memory."""

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from threading import Event
from typing import Any, Self

import duckdb

from nowlater import Refused
from operations.dialects import BLANKS
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
_FOLDER = "nowlater-csv-profile-"
#: Seconds between two calls of `alive`.
_PAUSE_S = 0.25

_CONFIG: dict[str, str | bool | int | float | list[str]] = {"threads": 1, "memory_limit": _MEMORY}

_CELLS, _COLUMNS = (Path(__file__).with_name(f"{n}.sql").read_text() for n in ("cells", "columns"))
_CELLS = _CELLS.replace("BLANKS", BLANKS)
_VALUES, _SUMMARY = _COLUMNS.rsplit(";\n\n", 1)
_VALUES, _SUMMARY = _COLUMNS.rsplit(";\n\n", 1)


class Statistics:
    """Counts the cells of a table, and sums them up; `Statistics.opened` makes one."""

    def __init__(self, database: duckdb.DuckDBPyConnection, thread: ThreadPoolExecutor) -> None:
        #: Called four times a second while DuckDB works; what it raises ends that work.
        self.alive: Callable[[], None] = lambda: None
        self._duckdb, self._thread = database, thread
        self._idle, self._is_over = Event(), False
        self._idle.set()
        self._different: Counter[int] = Counter()
        self.run(f"{_CELLS} CREATE TABLE counted (col INTEGER, cell VARCHAR, n BIGINT)")

    @classmethod
    @contextmanager
    def opened(cls) -> Iterator[Self]:
        """Give Statistics with files of its own, which are gone at the end, as is what still runs."""
        _remove_abandoned()
        with (
            TemporaryDirectory(prefix=f"{_FOLDER}{os.getpid()}-") as folder,
            ThreadPoolExecutor(1) as thread,
            duckdb.connect(f"{folder}/cells.duckdb", config=_CONFIG) as database,
        ):
            database.execute(f"SET temp_directory = '{folder}'")
            made = cls(database, thread)
            try:
                yield made
            finally:
                made._end()

    def _end(self) -> None:
        self._is_over = True
        while not self._idle.wait(0.05):
            self._duckdb.interrupt()

    def kinds(self, cells: Sequence[str]) -> list[str]:
        """Return what each cell can be read as: the type of a column of such cells."""
        rows = self.run("SELECT kind(trimmed(cell)) FROM unnest($cells) AS t(cell)", cells=cells)
        return [kind for (kind,) in rows]

    def add(self, columns: Sequence[Sequence[str]]) -> None:
        """Count the next cells of each column."""
        if not columns:
            return
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
            self.run(_VALUES)
            found = {row[0]: row[1:] for row in self.run(_SUMMARY, top=max(1, top))}
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
        """Run a query in another thread, so that what `alive` raises can end it."""
        answer = self._thread.submit(self._query, query, values)
        while not wait_for([answer], _PAUSE_S).done:
            self.alive()
        try:
            return answer.result()
        except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
            raise Refused(
                "This table has too many different cells for the memory and disk of a run. "
                "Send fewer rows or columns at a time."
            ) from error

    def _query(self, query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        self._idle.clear()
        try:
            if self._is_over:
                return []
            return self._duckdb.execute(query, values or None).fetchall()
        finally:
            self._idle.set()


def _remove_abandoned() -> None:
    """Remove the files of processes that were killed: a Lambda that starts again finds its disk as it was."""
    for folder in Path(gettempdir()).glob(f"{_FOLDER}*"):
        owner = folder.name.removeprefix(_FOLDER).partition("-")[0]
        if owner.isdecimal() and not _is_alive(int(owner)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    """Tell whether there is another process of this number."""
    if process == os.getpid():  # from before a restart: this one has only begun
        return False
    try:
        os.kill(process, 0)
    except PermissionError:  # another user's
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True


def _shortened(cell: str) -> str:
    if len(cell) <= _LONGEST_CELL:
        return cell
    if len(padded := cell.strip(BLANKS)) <= _SHOWN:  # a number or a date, perhaps
        return padded
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
        mean=None if mean is None else min(max(mean, float(least)), float(most)),
        quantiles=quantiles and Quantiles(*quantiles),
        top=[Count(_value(kind, value["value"]), value["n"]) for value in frequent[:top]],
    )


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
