"""The rows of a CSV file as they pass, cut into columns of even length."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain, islice

from nowlater import Document, Refused
from operations.dialects import Dialect, Misencoded, is_blank

_MOST_COLUMNS = 4096
#: Characters of a line, and of a cell with line breaks; nothing longer is read into memory.
_LONGEST = 8 * 1024 * 1024


class Rows:
    """Reads a file once, and counts what is uneven about it on the way."""

    def __init__(self, file: Document, dialect: Dialect) -> None:
        self.count = self.blank_lines = self.short = self.long = self.stray_quotes = 0
        #: The first row, counted from 1, that is too short or too long.
        self.first_ragged: int | None = None
        self.misencoded = Misencoded()
        self._delimiter = dialect.delimiter or "\x1f"  # ASCII's unit separator, which no text has
        # Kept, because the file is closed with it.
        self._text = io.TextIOWrapper(file, dialect.encoding, self.misencoded.name, newline="")
        self._line = self._characters = 0
        self._row: list[str] = []
        self._rows = self._filled()
        if dialect.has_separator_line:
            next(self._lines())
        first = next(self._rows, [])
        if len(first) > _MOST_COLUMNS:
            raise Refused(
                f"The first row has {len(first)} cells, and {_MOST_COLUMNS} is the most: "
                f"is {dialect.delimiter!r} the delimiter, and are the lines broken?"
            )
        named = first if dialect.header else [""] * len(first)
        self.names = [name.strip()[:1000] or f"column {n}" for n, name in enumerate(named, 1)]
        if first and not dialect.header:
            self._rows = chain([first], self._rows)

    def columns(self, rows: int) -> Iterator[list[Sequence[str]]]:
        """Yield the cells of each column, of as many rows at a time, or fewer that are long."""
        while batch := list(self._next(rows)):
            if {*map(len, batch)} != {len(self.names)}:
                batch = list(self._even(batch))
            self.count += len(batch)
            yield list(zip(*batch, strict=True))

    def _next(self, rows: int) -> Iterator[list[str]]:
        most = self._characters + _LONGEST
        for row in islice(self._rows, rows):
            yield row
            if self._characters >= most:
                return

    def _even(self, rows: list[list[str]]) -> Iterator[list[str]]:
        width = len(self.names)
        for place, row in enumerate(rows, self.count + 1):
            if len(row) != width:
                self.first_ragged = self.first_ragged or place
                self.short += len(row) < width
                self.long += len(row) > width
            yield (row + [""] * (width - len(row)))[:width]

    def _filled(self) -> Iterator[list[str]]:
        for row in self._read():
            if is_blank(row):
                self.blank_lines += 1
            else:
                yield row

    def _read(self) -> Iterator[list[str]]:
        csv.field_size_limit(_LONGEST)
        reader = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
        while True:
            self._row.clear()
            try:
                yield next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield self._leniently(error)

    def _leniently(self, error: csv.Error) -> list[str]:
        """Return the row of a line that breaks the rules of quoting; it ends with that line."""
        first = self._line - len(self._row) + 1
        if "after" not in str(error):  # the end of the data, or the limit of a cell
            raise Refused(
                f"The row that begins in line {first} cannot be read as CSV: {error}. "
                "Close or remove the quotation mark that opens there."
            ) from error
        self.stray_quotes += 1
        (row,) = csv.reader(["".join(self._row)], delimiter=self._delimiter)
        return row

    def _lines(self) -> Iterator[str]:
        while line := self._text.readline(_LONGEST):
            if len(line) == _LONGEST and line[-1] not in "\r\n":
                raise Refused(f"A line has more than {_LONGEST:,} characters: this is no CSV.")
            self._line += 1
            self._characters += len(line)
            self._row.append(line)
            yield line
