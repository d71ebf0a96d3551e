"""Checks and their results: passed, failed or skipped."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from local.verify.caller import Caller

type Result = Literal["passed", "FAILED", "skipped"]


class Broken(Exception):
    """A guarantee does not hold: the evidence, and the part of the stack to look at."""

    def __init__(self, evidence: str, part: str) -> None:
        super().__init__(evidence)
        self.part = part


class Skipped(Exception):
    """A guarantee cannot be checked with these options; the message says which option to add."""


@dataclass(frozen=True)
class Check:
    """A guarantee, and its check: `verify` returns the evidence, and raises Broken or Skipped."""

    guarantee: str
    verify: Callable[["Caller"], str]


@dataclass(frozen=True)
class Finding:
    """A line of the report; `part` is the part of the stack to look at after a failure."""

    guarantee: str
    result: Result
    evidence: str
    part: str | None = None
