"""What `csv-profile` returns: a table's profile, and that of each of its columns."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from operations.cells import Value
from operations.dialects import Encoding

type Type = Literal["integer", "number", "boolean", "date", "datetime", "string", "empty"]


def _about(description: str) -> Meta:
    return Meta(description=description)


class Count(Struct, frozen=True):
    """A value and the number of rows that have it."""

    value: Value
    count: int


class Quantiles(Struct, frozen=True):
    """Linearly interpolated percentiles; `p50` is the median."""

    p1: float
    p5: float
    p25: float
    p50: float
    p75: float
    p95: float
    p99: float


class Approximate(Struct, frozen=True):
    """How far off a profile may be where a column was too large to be kept; 0 is exact."""

    distinct: Annotated[float, _about("Relative standard error of `distinct`.")]
    quantiles: Annotated[float, _about("How far off a rank may be, as a fraction (95 % sure).")]
    top: Annotated[int, _about("How much too low the counts in `top` may be.")]


class ColumnProfile(Struct, frozen=True):
    """What a column consists of."""

    name: str
    type: Annotated[Type, _about("What all values can be read as. Leading zeros are ignored.")]
    count: Annotated[int, _about("Values that are not null.")]
    nulls: Annotated[int, _about("Cells that are missing, empty or, as in pandas, NA, null, ….")]
    distinct: Annotated[int, _about("Different values; numbers by size, not by spelling.")]
    kinds: Annotated[dict[str, int], _about("How many values can be read as what.")]
    min: Annotated[Value | None, _about("Text by code points, dates in ISO 8601; cut after 64.")]
    max: Value | None
    mean: float | None
    quantiles: Quantiles | None
    top: Annotated[list[Count], _about("The most frequent values, the earlier first if equal.")]
    approximate: Annotated[
        Approximate | None,
        _about("Null where all is exact. Counts, nulls, kinds, range and mean always are."),
    ]


class Profile(Struct, frozen=True):
    """What a table consists of."""

    rows: Annotated[int, _about("Rows with data, without the header.")]
    columns: list[ColumnProfile]
    header: Annotated[bool, _about("Whether the first row was taken for the columns' names.")]
    delimiter: str
    encoding: Annotated[Encoding, _about("cp1252, Windows' own, where the file is no Unicode.")]
    misencoded_bytes: Annotated[int, _about("No text in this encoding; in UTF-8, read as cp1252.")]
    blank_lines: Annotated[int, _about("Lines with nothing on them, which are no rows.")]
    short_rows: Annotated[int, _about("Rows with too few cells; the missing ones are nulls.")]
    long_rows: Annotated[int, _about("Rows with too many cells; the surplus is left out.")]
    first_ragged_row: Annotated[int | None, _about("The first short or long row, from 1.")]
