"""A CSV of any size, the same every time: orders of a shop, with most kinds of columns."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from random import Random

HEADER = "order,placed,customer,country,amount,quantity,paid,note\n"
_COUNTRIES = ("DE", "FR", "US", "IN", "JP", "NA", "")
_WORDS = [
    "please",
    "ring",
    "twice",
    "leave",
    "it",
    "at",
    "the",
    "door",
    "no",
    "rush",
    "thank",
    "you",
]


def large_csv(size: int = 20_000_000) -> bytes:
    """Return a CSV of that many bytes, or a few more; 13,000 rows are a megabyte."""
    lines, length = [], 0
    for line in chain([HEADER], _rows()):
        if length >= size:
            break
        lines.append(line)
        length += len(line)
    return "".join(lines).encode("ascii")


def _rows() -> Iterator[str]:
    # Only `random` is the same in every version of Python.
    chance = Random(20).random
    order, placed = 0, datetime(2024, 1, 1)
    while True:
        order += 1
        placed += timedelta(seconds=1 + int(60 * chance()))
        customer = int(50_000 * chance() ** 2)
        country = _COUNTRIES[int(len(_COUNTRIES) * chance())]
        amount = 1 / (0.001 + chance())
        note = " ".join(_WORDS[int(len(_WORDS) * chance())] for _ in range(3))
        yield (
            f"{order},{placed},customer-{customer:05d},{country},{amount:.2f},"
            f'{int(1 + 20 * chance())},{chance() < 0.9},"{note}, {order % 7}"\n'
        )
