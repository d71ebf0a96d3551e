"""Profiles tables that come as CSV."""

from functools import partial
from typing import Annotated

from msgspec import Meta

from nowlater import Context, Document, operation
from operations.dialects import SAMPLE, Dialect, Encoding, detect
from operations.profiles import Code, FileWarning, Profile
from operations.rows import Rows

#: The share of the time that reading takes; the statistics take the rest.
_READING = 0.5

_MESSAGES: dict[Code, str] = {
    "decoded-as": "The file is not UTF-8, and was decoded as cp1252: `encoding` names another.",
    "misencoded-bytes": "Bytes that are no text in this encoding, and were replaced: {count}.",
    "short-rows": "Rows with fewer cells than the first: {count}. What they lack is null.",
    "long-rows": "Rows with more cells than the first: {count}. The surplus is left out.",
    "blank-lines": "Lines that are blank, and no rows: {count}.",
    "stray-quotes": "Rows where text follows a closing quotation mark: {count}. Cells may be wrong.",
    "decimal-comma": "Columns with numbers like 1,5, which are text here: {names}.",
    "one-column": "Other rows have {delimiter!r}, the first has not: the file was read as one column. "
    "Remove lines above the table, or name the delimiter.",
}


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
    rows.faults["decoded-as"] += encoding is None and dialect.encoding == "cp1252"
    return Profile(
        rows=rows.count,
        columns=profiles,
        header=dialect.header,
        delimiter=dialect.delimiter,
        encoding=dialect.encoding,
        warnings=_warnings(rows, dialect, statistics.with_commas),
    )


def _warnings(rows: Rows, dialect: Dialect, commas: list[str]) -> list[FileWarning]:
    """Return what makes the figures doubtful."""
    faults = rows.faults.copy()
    faults["decimal-comma"] = len(commas)
    faults["one-column"] = int(dialect.rejected is not None)
    names = ", ".join(name[:64] for name in commas[:5]) + ", …" * (len(commas) > 5)
    return [
        FileWarning(
            code,
            text.format(count=faults[code], names=names, delimiter=dialect.rejected),
            faults[code],
            rows.first_lines.get(code),
        )
        for code, text in _MESSAGES.items()
        if faults[code]
    ]
