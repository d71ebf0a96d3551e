"""What one cell of a table holds: nothing, a number, a truth value, a moment, or text."""

import re
from datetime import UTC, date, datetime
from typing import Literal

type Kind = Literal["integer", "number", "boolean", "date", "datetime", "string"]
type Value = int | float | bool | str

#: What stands for a missing value: the default `na_values` of pandas, compared exactly.
NULLS = frozenset(
    [
        "",
        "#N/A",
        "#N/A N/A",
        "#NA",
        "-1.#IND",
        "-1.#QNAN",
        "-NaN",
        "-nan",
        "1.#IND",
        "1.#QNAN",
        "<NA>",
        "N/A",
        "NA",
        "NULL",
        "NaN",
        "None",
        "n/a",
        "nan",
        "null",
    ]
)

#: JSON readers keep integers to 64 bits at most, and sums of larger numbers might overflow.
_INTEGERS = range(-(2**63), 2**63)
_MOST_DIGITS = 20
_LARGEST = 1e290

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
_MONTH = rf"(?:{'|'.join(f'{name[:3]}(?:{name[3:]})?' for name in _MONTHS)})"
_DAY = r"\d{4}-\d\d-\d\d|\d{4}/\d\d/\d\d"

#: The name of the group that matches is the kind. Dates are those that can be read in one way
#: only: year first, or the month by its English name; 01/02/2003 is text.
_CELL = re.compile(
    rf"""\s*(?:
      (?P<integer> [+-]?\d+ )
    | (?P<number>  [+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)? )
    | (?P<boolean> true|false )
    | (?P<date>    {_DAY}|{_MONTH}[ -]\d{{1,2}},?[ -]\d{{4}}|\d{{1,2}}[ -]{_MONTH}[ -]\d{{4}} )
    | (?P<datetime>(?:{_DAY})[ T]\d\d:\d\d(?::\d\d(?:[.,]\d{{1,9}})?)?(?:\ ?(?:Z|[+-]\d\d:?\d\d))? )
    )\s*""",
    re.VERBOSE | re.ASCII | re.IGNORECASE,
)


def read(cell: str) -> tuple[Kind, Value]:
    """Return what kind of value a cell that is not null looks like, and the value.

    Equal numbers are returned as the same: 1.0 as 1. A date or datetime is in ISO 8601, to the
    microsecond, in UTC where it has an offset.
    """
    match = _CELL.fullmatch(cell)
    if match is None:
        return "string", cell
    text = cell.strip()
    match match.lastgroup:
        case "integer" if len(text) <= _MOST_DIGITS and (whole := int(text)) in _INTEGERS:
            return "integer", whole
        case "integer" | "number" if abs(real := float(text)) < _LARGEST:
            whole = int(real)
            return "number", whole if whole == real and whole in _INTEGERS else real
        case "boolean":
            return "boolean", text.lower() == "true"
        case "date" | "datetime" as kind:
            try:
                return kind, _day(text) if kind == "date" else _moment(text)
            except (ValueError, OverflowError):
                return "string", cell
    return "string", cell


def _day(text: str) -> str:
    if text[:4].isdigit():
        return date.fromisoformat(text.replace("/", "-")).isoformat()
    day, year = map(int, re.findall(r"\d+", text))
    (name,) = re.findall(r"[a-z]+", text.lower())
    month = next(n for n, month in enumerate(_MONTHS, 1) if month.startswith(name))
    return date(year, month, day).isoformat()


def _moment(text: str) -> str:
    moment = datetime.fromisoformat(text.replace("/", "-").replace(" ", "T", 1).replace(" ", ""))
    if moment.tzinfo is None:
        return moment.isoformat()
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
