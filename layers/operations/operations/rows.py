"""The rows of a CSV file as they pass, cut into columns of even length."""

import codecs
import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from nowlater import Document, Refused
from operations.dialects import Dialect

_MOST_COLUMNS = 4096
#: Characters; nothing longer is read into memory on its search for a line break.
_LONGEST_LINE = 8 * 1024 * 1024
#: Characters; where rows are long, fewer are held at a time.
_MOST_AT_A_TIME = 8 * 1024 * 1024
_AS_CP1252 = "nowlater-cp1252"


class Rows:
    """Reads a file once, and counts what is uneven about it on the way."""

    def __init__(self, file: Document, dialect: Dialect) -> None:
        self.count = self.blank_lines = self.short = self.long = 0
        #: The first row, counted from 1, that is too short or too long.
        self.first_ragged: int | None = None
        self._characters = 0
        self._strays = _Strays()
        codecs.register_error(_AS_CP1252, self._strays)
        # Kept, because the file is closed with it.
        self._text = io.TextIOWrapper(file, dialect.encoding, _AS_CP1252, newline="")
        self._reader = csv.reader(self._lines(), delimiter=dialect.delimiter)
        self._rows = self._read()
        first = next(self._filled(self._rows), [])
        if len(first) > _MOST_COLUMNS:
            raise Refused(
                f"The first row has {len(first)} cells, and {_MOST_COLUMNS} is the most: "
                f"is {dialect.delimiter!r} the delimiter, and are the lines broken?"
            )
        named = first if dialect.header else [""] * len(first)
        self.names = [name or f"column {place}" for place, name in enumerate(named, 1)]
        if first and not dialect.header:
            self._rows = chain([first], self._rows)

    @property
    def misencoded_bytes(self) -> int:
        return self._strays.bytes

    def columns(self, rows: int) -> Iterator[list[Sequence[str]]]:
        """Yield the cells of each column, of as many rows at a time, or fewer that are long."""
        while batch := list(self._next(rows)):
            if {*map(len, batch)} != {len(self.names)}:
                batch = list(self._even(batch))
            self.count += len(batch)
            if batch:
                yield list(zip(*batch, strict=True))

    def _next(self, rows: int) -> Iterator[list[str]]:
        most = self._characters + _MOST_AT_A_TIME
        for row in islice(self._rows, rows):
            yield row
            if self._characters >= most:
                return

    def _filled(self, rows: Iterable[list[str]]) -> Iterator[list[str]]:
        for row in rows:
            if row:
                yield row
            else:
                self.blank_lines += 1

    def _even(self, rows: list[list[str]]) -> Iterator[list[str]]:
        width = len(self.names)
        for place, row in enumerate(self._filled(rows), self.count + 1):
            if len(row) != width:
                self.first_ragged = self.first_ragged or place
                self.short += len(row) < width
                self.long += len(row) > width
            yield (row + [""] * (width - len(row)))[:width]

    def _read(self) -> Iterator[list[str]]:
        try:
            yield from self._reader
        except csv.Error as error:
            raise Refused(
                f"Line {self._reader.line_num} cannot be read as CSV: {error}. "
                "Is a quotation mark opened and never closed?"
            ) from error

    def _lines(self) -> Iterator[str]:
        while line := self._text.readline(_LONGEST_LINE):
            if len(line) == _LONGEST_LINE and line[-1] not in "\r\n":
                raise Refused(f"A line has more than {_LONGEST_LINE:,} characters: this is no CSV.")
            self._characters += len(line)
            yield line


class _Strays:
    """Reads bytes that the encoding does not have as those of Windows, and counts them."""

    def __init__(self) -> None:
        self.bytes = 0

    def __call__(self, error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeDecodeError):  # nothing is encoded here
            raise error
        self.bytes += error.end - error.start
        stray = error.object[error.start : error.end]
        readable = error.encoding == "utf-8"
        return stray.decode("cp1252", "replace") if readable else "\ufffd", error.end
