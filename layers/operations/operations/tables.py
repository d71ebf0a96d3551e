"""Profiles tables that come as CSV."""

from collections import deque
from collections.abc import Collection, Iterator
from heapq import nlargest
from typing import Annotated

from msgspec import Meta

from nowlater import Context, Document, operation
from operations.columns import Column
from operations.dialects import SAMPLE, sniff
from operations.profiles import ColumnProfile, Profile
from operations.rows import Rows

#: Cells that are read before they are counted, and before progress is told.
_BATCH_CELLS = 50_000
#: The share of the time that reading takes; making the profiles takes the rest.
_READING = 0.8
#: What the columns may keep in all, about; a CSV of 20 MB stays below it in most shapes.
_BYTES = 160_000_000


@operation(timeout=240, attempts=3)
def csv_profile(
    csv: Annotated[Document, Meta(examples=["name,born\nAda,1815\nGrace,1906\n"])],
    context: Context,
    delimiter: Annotated[str, Meta(pattern=r'^[^"\r\n]$')] | None = None,
    header: Annotated[bool | None, Meta(description="Whether the first row names them.")] = None,
    top: Annotated[int, Meta(ge=0, le=100, description="How many frequent values to list.")] = 10,
) -> Profile:
    """Profiles every column of a CSV: type, nulls, range, mean, quantiles, most frequent values.

    Encoding, delimiter and header are told from the file unless given. The file passes once, in
    memory of about 300 MB at most; a column too large for that says how exact its profile is.
    """
    dialect = sniff(csv.read(SAMPLE), delimiter, header)
    csv.seek(0)
    rows = Rows(csv, dialect)
    columns = deque(map(Column, rows.names))
    for batch in rows.columns(1 + _BATCH_CELLS // max(1, len(columns))):
        for column, cells in zip(columns, batch, strict=True):
            column.add(cells)
        _shrink(columns)
        read = min(1, csv.tell() / csv.size) if csv.size else None
        context.progress(read and _READING * read, f"{rows.count} rows")
    return Profile(
        rows=rows.count,
        columns=list(_profiles(columns, top, context)),
        header=dialect.header,
        delimiter=dialect.delimiter,
        encoding=dialect.encoding,
        misencoded_bytes=rows.misencoded_bytes,
        blank_lines=rows.blank_lines,
        short_rows=rows.short,
        long_rows=rows.long,
        first_ragged_row=rows.first_ragged,
    )


def _shrink(columns: Collection[Column]) -> None:
    """Keep all columns together within their memory, at the expense of the largest."""
    while sum(column.bytes for column in columns) > _BYTES:
        for column in nlargest(1 + len(columns) // 16, columns, key=lambda column: column.bytes):
            column.shrink()


def _profiles(columns: deque[Column], top: int, context: Context) -> Iterator[ColumnProfile]:
    total = len(columns)
    while columns:
        done = 1 - len(columns) / total
        context.progress(_READING + (1 - _READING) * done, f"{total - len(columns)} columns")
        yield columns.popleft().profile(top)
