"""Profiles tables that come as CSV."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated

from msgspec import Meta

from nowlater import Context, Document, operation
from operations.dialects import SAMPLE, Dialect, Encoding, detect
from operations.profiles import FileWarning, Profile
from operations.rows import Rows

#: The share of the time that reading takes; the statistics take the rest.
_READING = 0.5


@operation(timeout=240, attempts=3)
def csv_profile(
    csv: Annotated[
        Document, Meta(description="The file.", examples=["name,born\nAda,1815\nGrace,1906\n"])
    ],
    context: Context,
    delimiter: Annotated[
        Annotated[str, Meta(pattern=r'^[^"\r\n]$')] | None,
        Meta(description="What stands between cells."),
    ] = None,
    header: Annotated[bool | None, Meta(description="Whether the first row names them.")] = None,
    top: Annotated[int, Meta(ge=0, le=100, description="How many frequent values to list.")] = 10,
    encoding: Annotated[
        Encoding | None, Meta(description="How the file's text is encoded.")
    ] = None,
) -> Profile:
    """Profiles every column of a CSV: type, nulls, range, mean, quantiles, most frequent values.

    Encoding, delimiter and header are detected unless given. Counts and values are exact; `warnings`
    says what makes them doubtful. Memory is bounded: what does not fit goes to the disk.
    """
    from operations.statistics import Statistics  # and so DuckDB, which others do not need

    with Statistics.opened() as statistics:
        dialect = detect(csv.read(SAMPLE), statistics.kinds, encoding, delimiter, header)
        csv.seek(0)
        rows = Rows(csv, dialect)
        for columns in rows.columns():
            read = _READING * min(1, csv.tell() / csv.size) if csv.size else None
            statistics.alive = partial(context.progress, read, f"{rows.count} rows")
            statistics.alive()
            statistics.add(columns)
        profiles = []
        for profile in statistics.profiles(rows.names, rows.count, top):
            profiles.append(profile)
            done = _READING + (1 - _READING) * len(profiles) / len(rows.names)
            statistics.alive = partial(context.progress, done, f"{len(profiles)} columns")
            statistics.alive()
    return Profile(
        rows=rows.count,
        columns=profiles,
        header=dialect.header,
        delimiter=dialect.delimiter,
        encoding=dialect.encoding,
        misencoded_bytes=rows.misencoded.bytes,
        blank_lines=rows.blank_lines,
        short_rows=rows.short,
        long_rows=rows.long,
        first_ragged_row=rows.first_ragged,
        stray_quotes=rows.stray_quotes,
        warnings=list(_warnings(dialect, rows, guessed=encoding is None)),
    )


def _warnings(dialect: Dialect, rows: Rows, *, guessed: bool) -> Iterator[FileWarning]:
    """Yield what makes the figures doubtful."""
    if guessed and dialect.encoding == "cp1252":
        yield FileWarning(
            "decoded-as",
            "The file is not UTF-8, and was decoded as cp1252: `encoding` names another.",
        )
    if rows.misencoded.bytes:
        yield FileWarning(
            "misencoded-bytes",
            f"{rows.misencoded.bytes} bytes are no {dialect.encoding}, and were replaced.",
        )
    if rows.short or rows.long:
        yield FileWarning(
            "ragged",
            f"{rows.short} rows have too few cells and {rows.long} too many for the "
            f"{len(rows.names)} columns of the first row; the first of them is row {rows.first_ragged}.",
        )
    if rows.stray_quotes:
        yield FileWarning(
            "stray-quotes",
            f"In {rows.stray_quotes} rows, text follows a closing quotation mark: cells may be wrong.",
        )
    if dialect.rejected:
        yield FileWarning(
            "one-column",
            f"Other rows have {dialect.rejected!r}, the first has not: the file was read as one column. "
            "Remove lines above the table, or name the delimiter.",
        )
