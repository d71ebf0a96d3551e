"""The rows of a CSV file as they pass, cut into columns."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from functools import partial
from itertools import chain

from nowlater import Document, Refused
from operations.dialects import BLANKS, NO_DELIMITER, Dialect
from operations.profiles import Code

_MAX_COLUMNS = 4096
#: Characters of a line, and of a cell with line breaks; nothing longer is read into memory.
_LONGEST = 8 * 1024 * 1024
#: What is read before it is counted.
_CHARACTERS_AT_A_TIME = 1024 * 1024


class Rows:
    """Reads a file once, and counts what is wrong with it on the way."""

    def __init__(self, file: Document, dialect: Dialect) -> None:
        self.count = 0
        #: How often each fault was met, and in which line first.
        self.faults: Counter[Code] = Counter()
        self.first_lines: dict[Code, int] = {}
        self._line = self._characters = 0
        self._row: list[str] = []
        codecs.register_error("nowlater-misencoded", partial(_replace, self.faults))
        # Kept, because the file is closed with it.
        self._text = io.TextIOWrapper(file, dialect.encoding, "nowlater-misencoded", newline="")
        self._delimiter = dialect.delimiter or NO_DELIMITER
        if dialect.has_separator_line:
            next(self._lines())
        rows = self._read()
        first = next(filter(None, rows), [])
        if len(first) > _MAX_COLUMNS:
            raise Refused(
                f"The first row has {len(first)} cells, and {_MAX_COLUMNS} is the most: "
                f"is {dialect.delimiter!r} the delimiter, and are the lines broken?"
            )
        named = first if dialect.header else [""] * len(first)
        self.names = [name.strip(BLANKS)[:1000] or f"column {n}" for n, name in enumerate(named, 1)]
        self._rows = rows if dialect.header else chain([first], rows)

    def columns(self) -> Iterator[list[list[str]]]:
        """Yield the next cells of each column, without those that short rows lack.

        A part has about a million characters, unless one row has more.
        """
        columns: list[list[str]] = [[] for _ in self.names]
        end = self._characters + _CHARACTERS_AT_A_TIME
        for row in self._rows:
            if row:
                self.count += 1
                if len(row) != len(columns):
                    self._note("short-rows" if len(row) < len(columns) else "long-rows")
                for column, cell in zip(columns, row, strict=False):
                    column.append(cell)
            if self._characters >= end:
                yield columns
                columns = [[] for _ in self.names]
                end = self._characters + _CHARACTERS_AT_A_TIME
        yield columns

    def _note(self, fault: Code) -> None:
        self.faults[fault] += 1
        self.first_lines.setdefault(fault, self._first_line())

    def _first_line(self) -> int:
        return self._line - len(self._row) + 1

    def _read(self) -> Iterator[list[str]]:
        """Yield each row, and for a blank line an empty one."""
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
            if len(row) < 2 and not "".join(self._row).strip(BLANKS):
                self._note("blank-lines")
                row = []
            yield row

    def _leniently(self, error: csv.Error) -> list[str]:
        """Return the row of a line that breaks the rules of quoting; it ends with that line."""
        if "after" not in str(error):  # the end of the data, or the limit of a cell
            raise Refused(
                f"The row that begins in line {self._first_line()} cannot be read as CSV: {error}. "
                "Close or remove the quotation mark that opens there."
            ) from error
        self._note("stray-quotes")
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


def _replace(faults: Counter[Code], error: UnicodeError) -> tuple[str, int]:
    """Count bytes that an encoding does not have; in a file of UTF-8 they are Windows' own."""
    if not isinstance(error, UnicodeDecodeError):  # nothing is encoded here
        raise error
    faults["misencoded-bytes"] += error.end - error.start
    stray = error.object[error.start : error.end]
    readable = error.encoding == "utf-8"
    return stray.decode("cp1252", "replace") if readable else "\ufffd", error.end
