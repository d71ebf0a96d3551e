"""What `csv-profile` returns: a table's profile, and that of each of its columns."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from operations.dialects import Encoding

type Type = Literal["integer", "number", "boolean", "date", "datetime", "string", "empty"]
type Value = int | float | bool | str


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


class ColumnProfile(Struct, frozen=True):
    """What a column consists of. Numbers are 64-bit floats, unless all are whole: those are exact."""

    name: Annotated[
        str, _about("The cell of the header, or `column N`; cut after 1,000 characters.")
    ]
    type: Annotated[Type, _about("What all values can be read as. Leading zeros are ignored.")]
    nulls: Annotated[int, _about("Cells that are missing, blank or, as in pandas, NA, null, ….")]
    count: Annotated[int, _about("Values that are not null.")] = 0
    distinct: Annotated[int, _about("Different values; numbers by size, not by spelling.")] = 0
    kinds: Annotated[dict[str, int], _about("How many values can be read as what.")] = {}
    min: Annotated[
        Value | None, _about("Text by code points, dates in ISO 8601; cut after 64 characters.")
    ] = None
    max: Value | None = None
    mean: float | None = None
    quantiles: Quantiles | None = None
    top: Annotated[
        list[Count], _about("The most frequent values, the smaller first if equal.")
    ] = []


type Code = Literal[
    "decoded-as",
    "misencoded-bytes",
    "short-rows",
    "long-rows",
    "blank-lines",
    "stray-quotes",
    "decimal-comma",
    "one-column",
]


class FileWarning(Struct, frozen=True):
    """Something about the file that a reader should know before trusting the profile."""

    code: Code
    message: str
    count: Annotated[int, _about("Of bytes, rows, lines or columns; 1 where it is the file.")]
    line: Annotated[int | None, _about("The first such line, or where the first such row begins.")]


class Profile(Struct, frozen=True):
    """What a table consists of."""

    rows: Annotated[int, _about("Rows with data, without the header.")]
    columns: list[ColumnProfile]
    header: Annotated[bool, _about("Whether the first row was taken for the columns' names.")]
    delimiter: Annotated[str | None, _about("Null where the file is one column.")]
    encoding: Annotated[Encoding, _about("cp1252, Windows' own, where the file is no Unicode.")]
    warnings: list[FileWarning]
