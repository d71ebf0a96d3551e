"""A condition of a conditional write, said twice: to DynamoDB and to Python."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nowlater.job import Job
    from nowlater.timing import Instant


@dataclass(frozen=True)
class Clause:
    """A condition of a write: in DynamoDB's words (`#attribute`, `:value`) and in Python's.

    `holds` is given the job, the time, and the token of the attempt that writes.
    """

    expression: str
    holds: "Callable[[Job, Instant, int], bool]"


def either(one: Clause, other: Clause) -> Clause:
    """Return the clause that holds where at least one of two does."""
    return Clause(
        f"({one.expression} OR {other.expression})",
        lambda job, now, token: one.holds(job, now, token) or other.holds(job, now, token),
    )
