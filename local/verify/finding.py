"""What a check comes to: it passed, it failed, or it could not be made."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from local.verify.caller import Caller

type Result = Literal["passed", "FAILED", "skipped"]


class Broken(Exception):
    """A guarantee does not hold: what was seen, and the part of the stack to look at."""

    def __init__(self, seen: str, part: str) -> None:
        super().__init__(seen)
        self.part = part


class Skipped(Exception):
    """Something cannot be seen with what was given; the message says what to give."""


@dataclass(frozen=True)
class Check:
    """A guarantee, and how it is seen: returns the evidence, raises Broken or Skipped."""

    guarantee: str
    see: Callable[["Caller"], str]


@dataclass(frozen=True)
class Finding:
    """A line of the report; `part` is what to look at where it failed."""

    guarantee: str
    result: Result
    evidence: str
    part: str | None = None
