"""How a CSV file is written, detected from its first bytes: encoding, delimiter, header, or no CSV."""

import codecs
import csv
import io
import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from nowlater import Refused

# fmt: off
type Encoding = Literal[
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be",
    "cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258",
    "iso-8859-1", "iso-8859-2", "iso-8859-15", "koi8-r",
    "shift_jis", "euc-jp", "gb18030", "big5", "euc-kr",
]
# fmt: on

#: Returns what each cell can be read as; `string` where it is nothing else.
type Kinds = Callable[[Sequence[str]], list[str]]

#: Bytes that are looked at; they must fit the buffer of a Document, which is not read twice.
SAMPLE = 64 * 1024
_SAMPLE_ROWS = 100

#: What can stand around a cell, and makes it missing where there is nothing else: also no-break and wide blanks.
BLANKS = " \t\r\n\f\v\u00a0\u2007\u202f\u3000"
#: The delimiter of a file that has none: a code point that no text has.
NO_DELIMITER = "\U0010ffff"

#: Where two cut a file equally well, the later: a comma is in more texts than a tab is.
_DELIMITERS = ",|;\t"

#: UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS: tuple[tuple[bytes, Encoding], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_FOREIGN = (
    (rb"PK\x03\x04", "an Excel workbook or another ZIP file: save the sheet as CSV"),
    (rb"\xd0\xcf\x11\xe0", "an old Excel workbook: save the sheet as CSV"),
    (rb"\x1f\x8b|BZh[1-9]1AY&SY|\xfd7zXZ|\x28\xb5\x2f\xfd", "compressed: unpack it first"),
    (rb"PAR1\x15", "a Parquet file: export it as CSV"),
    (rb"%PDF-\d", "a PDF: export its tables as CSV"),
    (rb"\s*<(?:\?xml|!doctype|html)\b", "XML or HTML: export it as CSV"),
    (
        rb"[\s\S]*\x00",
        "binary, or UTF-16 without a byte-order mark: save it as UTF-8, or name the encoding",
    ),
)

#: The line by which Excel is told the delimiter; it may have delimiters of its own behind it.
_SEPARATOR_LINE = re.compile(r'"?sep=([^"\r\n\w])"?[\s,;|]*?(?:\r\n|\r|\n|\Z)', re.IGNORECASE)


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written."""

    encoding: Encoding
    #: None where the file is one column.
    delimiter: str | None
    #: Whether the first row names the columns.
    header: bool
    #: Whether a line `sep=;` stands before the first row.
    has_separator_line: bool = False
    #: The delimiter that cuts most rows, but not the first.
    rejected: str | None = None


def detect(
    head: bytes,
    kinds: Kinds,
    encoding: Encoding | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Dialect:
    """Return how a CSV file that begins with these bytes is written; refuse what is none."""
    encoding = _encoding(head, encoding)
    text = _decoded(head, encoding)
    _refuse_foreign(text.encode() if encoding[:6] in ("utf-16", "utf-32") else head)
    is_whole = len(head) < SAMPLE
    _refuse_json(text, is_whole=is_whole)
    separator = _SEPARATOR_LINE.match(text)
    lines = list(io.StringIO(text[separator.end() if separator else 0 :], newline=""))
    lines = [line for line in lines[: None if is_whole else -1] if line.strip(BLANKS)]
    rejected = None
    if delimiter is None and separator:
        delimiter = separator[1]
    elif delimiter is None:
        delimiter, rejected = _delimiter(lines, kinds)
    if header is None:
        first = next(iter(_rows(lines, delimiter)), [])
        header = bool(first) and not any(_are_values(first, kinds))
    return Dialect(encoding, delimiter, header, separator is not None, rejected)


def _encoding(head: bytes, named: Encoding | None) -> Encoding:
    """Return the encoding: that of a byte-order mark where none or its own family is named."""
    marked = next((name for mark, name in _MARKS if head.startswith(mark)), None)
    if marked and (named is None or marked.startswith(named[:6])):
        return marked
    if named in ("utf-16", "utf-32"):  # which Python does not read without a mark
        return "utf-16-le" if named == "utf-16" else "utf-32-le"
    return named or ("utf-8" if _is_utf_8(head) else "cp1252")


def _is_utf_8(head: bytes) -> bool:
    """Tell whether what is beyond ASCII is UTF-8, but for some bytes."""
    text = _decoded(head, "utf-8")
    return sum(character > "\x7f" for character in text) >= 2 * text.count("\ufffd")


def _decoded(head: bytes, encoding: Encoding) -> str:
    return codecs.getincrementaldecoder(encoding)("replace").decode(head)


def _refuse_foreign(head: bytes) -> None:
    for pattern, sentence in _FOREIGN:
        if re.match(pattern, head.removeprefix(codecs.BOM_UTF8), re.IGNORECASE):
            raise Refused(f"This is not CSV but {sentence}.")


def _refuse_json(text: str, *, is_whole: bool) -> None:
    """Refuse an object or a list, or the beginning of one, at the beginning of a file."""
    text = text.lstrip()
    if not text.startswith(("{", "[")):
        return
    try:
        _, end = json.JSONDecoder().raw_decode(text)
        is_json = text[end:].lstrip(" \t,")[:1] in ("", "\r", "\n")
    except json.JSONDecodeError as error:
        is_json = not is_whole and error.pos > len(text) // 2
    except RecursionError:
        is_json = True
    if is_json:
        raise Refused("This is not CSV but JSON: send one row a line, split by commas.")


def _rows(lines: Sequence[str], delimiter: str | None) -> list[list[str]]:
    csv.field_size_limit(SAMPLE)
    return list(islice(csv.reader(lines, delimiter=delimiter or NO_DELIMITER), _SAMPLE_ROWS))


def _are_values(cells: Sequence[str], kinds: Kinds) -> list[bool]:
    """Tell of each cell whether it is a number, date or truth value, in whatever country's spelling."""
    return [
        kind != "string" or (any(map(str.isdigit, cell)) and not any(map(str.isalpha, cell)))
        for cell, kind in zip(cells, kinds(cells), strict=True)
    ]


def _delimiter(lines: Sequence[str], kinds: Kinds) -> tuple[str | None, str | None]:
    """Return the delimiter that cuts best, and the one that does but for the first row."""
    found = {delimiter: _rows(lines, delimiter) for delimiter in _DELIMITERS}
    cutting = [d for d, rows in found.items() if any(len(row) > 1 for row in rows)]
    chosen = [d for d in cutting if len(found[d][0]) > 1]
    best = max(reversed(chosen or cutting), key=lambda d: _fitness(found[d], kinds), default=None)
    return (best, None) if chosen else (None, best)


def _fitness(rows: Sequence[Sequence[str]], kinds: Kinds) -> float:
    """Return how evenly a delimiter cuts, how many cells are values, and how few still have a delimiter."""
    (_, even), *_ = Counter(map(len, rows)).most_common(1)
    cells = [cell for row in rows for cell in row]
    values = _are_values(cells, kinds)
    uncut = sum(
        not is_value and any(delimiter in cell for delimiter in _DELIMITERS)
        for cell, is_value in zip(cells, values, strict=True)
    )
    return even / len(rows) * (0.1 + sum(values) / len(cells)) * (1 - uncut / len(cells))
