"""How a CSV file is written, told from its first bytes: encoding, delimiter, header, or no CSV."""

import codecs
import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from nowlater import Refused
from operations.cells import read

type Encoding = Literal["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"]

#: Bytes that are looked at; they must fit the buffer of a Document, which is not read twice.
SAMPLE = 64 * 1024

_DELIMITERS = ",;\t|"

#: UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS: tuple[tuple[bytes, Encoding], ...] = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

_FOREIGN = (
    (re.compile(rb"PK\x03\x04"), "an Excel workbook or another ZIP file: save the sheet as CSV"),
    (re.compile(rb"\xd0\xcf\x11\xe0"), "an old Excel workbook: save the sheet as CSV"),
    (re.compile(rb"\x1f\x8b|BZh|\xfd7zXZ|\x28\xb5\x2f\xfd"), "compressed: unpack it first"),
    (re.compile(rb"PAR1"), "a Parquet file: export it as CSV"),
    (re.compile(rb"%PDF-"), "a PDF: export its tables as CSV"),
    (re.compile(rb"\s*<(?:\?xml|!doctype|html)\b", re.I), "XML or HTML: export it as CSV"),
    (re.compile(rb'\s*(?:\{\s*"|\[\s*[\[{])'), "JSON: send one row a line, split by commas"),
    (re.compile(rb"(?s).*?\x00"), "binary, or UTF-16 without a byte-order mark: save it as UTF-8"),
)


@dataclass(frozen=True)
class Dialect:
    """How a CSV file is written."""

    #: A codec of Python's; cp1252 where the bytes are no UTF-8.
    encoding: Encoding
    delimiter: str
    #: Whether the first row names the columns.
    header: bool


def sniff(head: bytes, delimiter: str | None = None, header: bool | None = None) -> Dialect:
    """Return how a CSV file that begins with these bytes is written; what is given stands.

    Raises Refused where this is no CSV.
    """
    encoding: Encoding = next((name for mark, name in _MARKS if head.startswith(mark)), "utf-8")
    if encoding in ("utf-8", "utf-8-sig"):
        _refuse_foreign(head)
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(head)
    except UnicodeDecodeError:
        encoding, text = "cp1252", head.decode("cp1252", errors="replace")
    lines = list(io.StringIO(text, newline=""))
    whole = lines[:-1] if len(head) >= SAMPLE and len(lines) > 1 else lines
    chosen = delimiter or max(_DELIMITERS, key=lambda candidate: _fitness(whole, candidate))
    first = next(filter(None, csv.reader(whole, delimiter=chosen)), [])
    return Dialect(encoding, chosen, _names(first) if header is None else header)


def _refuse_foreign(head: bytes) -> None:
    for pattern, sentence in _FOREIGN:
        if pattern.match(head):
            raise Refused(f"This is not CSV but {sentence}.")


def _fitness(lines: list[str], delimiter: str) -> tuple[float, int]:
    """Tell how evenly a delimiter cuts: the share of rows as wide as most, and that width."""
    try:
        widths = Counter(len(row) for row in csv.reader(lines, delimiter=delimiter) if row)
    except csv.Error:
        return 0, 0
    (width, rows), *_ = widths.most_common(1) or [(1, 0)]
    return (rows / widths.total(), width) if width > 1 else (0, 0)


def _names(cells: list[str]) -> bool:
    """Tell whether a first row could be names: none of its cells is a number, date or boolean."""
    return bool(cells) and all(read(cell)[0] == "string" for cell in cells)
