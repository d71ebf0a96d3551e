"""The rows of a CSV file as they pass, cut into columns of even length."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from itertools import chain

from nowlater import Document, Refused
from operations.dialects import BLANKS, NO_DELIMITER, Dialect

_MAX_COLUMNS = 4096
#: Characters of a line, and of a cell with line breaks; nothing longer is read into memory.
_LONGEST = 8 * 1024 * 1024
#: What is read before it is counted.
_CELLS_AT_A_TIME, _CHARACTERS_AT_A_TIME = 100_000, 1024 * 1024


class Rows:
    """Reads a file once, and counts what is uneven about it on the way."""

    def __init__(self, file: Document, dialect: Dialect) -> None:
        self.count = self.blank_lines = self.short = self.long = self.stray_quotes = 0
        #: The first row, counted from 1, that is too short or too long.
        self.first_ragged: int | None = None
        self.misencoded = _Misencoded()
        self._delimiter = dialect.delimiter or NO_DELIMITER
        # Kept, because the file is closed with it.
        self._text = io.TextIOWrapper(file, dialect.encoding, self.misencoded.name, newline="")
        self._line = self._characters = 0
        self._row: list[str] = []
        self._rows = self._read()
        if dialect.has_separator_line:
            next(self._lines())
        first = self._first()
        if len(first) > _MAX_COLUMNS:
            raise Refused(
                f"The first row has {len(first)} cells, and {_MAX_COLUMNS} is the most: "
                f"is {dialect.delimiter!r} the delimiter, and are the lines broken?"
            )
        named = first if dialect.header else [""] * len(first)
        self.names = [name.strip(BLANKS)[:1000] or f"column {n}" for n, name in enumerate(named, 1)]
        if first and not dialect.header:
            self._rows = chain([first], self._rows)

    def _first(self) -> list[str]:
        for row in self._rows:
            if row:
                return row
            self.blank_lines += 1
        return []

    def columns(self) -> Iterator[list[Sequence[str]]]:
        """Yield the next cells of each column, without those that short rows lack.

        A part has about 100,000 cells, and a million characters unless one line has more.
        """
        while batch := list(self._next()):
            rows = [row for row in batch if row]
            self.blank_lines += len(batch) - len(rows)
            is_even = {*map(len, rows)} <= {len(self.names)}
            columns: list[Sequence[str]] = (
                [*zip(*rows, strict=True)] if is_even else self._uneven(rows)
            )
            self.count += len(rows)
            yield columns

    def _next(self) -> Iterator[list[str]]:
        """Yield rows up to a bound; what is blank is an empty one."""
        cells, most = 0, self._characters + _CHARACTERS_AT_A_TIME
        for row in self._rows:
            yield row
            cells += len(row)
            if cells >= _CELLS_AT_A_TIME or self._characters >= most:
                return

    def _uneven(self, rows: list[list[str]]) -> list[Sequence[str]]:
        """Return the columns of rows that differ in length; takes as long as there are cells."""
        width = len(self.names)
        for place, row in enumerate(rows, self.count + 1):
            if len(row) != width:
                self.first_ragged = self.first_ragged or place
                self.short += len(row) < width
                self.long += len(row) > width
        columns: list[Sequence[str]] = []
        longest_first = sorted(rows, key=len, reverse=True)
        for column in range(min(width, len(longest_first[0]))):
            while len(longest_first[-1]) <= column:
                longest_first.pop()
            columns.append([row[column] for row in longest_first])
        return columns

    def _read(self) -> Iterator[list[str]]:
        csv.field_size_limit(_LONGEST)
        reader = csv.reader(self._lines(), delimiter=self._delimiter, strict=True)
        while True:
            self._row.clear()
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                row = self._leniently(error)
            yield row if len(row) > 1 or "".join(self._row).strip(BLANKS) else []

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
            if "\0" in line:
                raise Refused(
                    f"Line {self._line} has the character NUL: the file is binary, or was cut off while it was copied."
                )
            self._characters += len(line)
            self._row.append(line)
            yield line


class _Misencoded:
    """Reads bytes that an encoding does not have as Windows' own, and counts them."""

    def __init__(self) -> None:
        self.bytes = 0
        self.name = "nowlater-misencoded"
        codecs.register_error(self.name, self._replace)

    def _replace(self, error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeDecodeError):  # nothing is encoded here
            raise error
        self.bytes += error.end - error.start
        stray = error.object[error.start : error.end]
        readable = error.encoding == "utf-8"
        return stray.decode("cp1252", "replace") if readable else "\ufffd", error.end
