"""The `@operation` decorator, and how the operations of a layer are found by their module."""

import importlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

DOORS = ("sync", "async", "hybrid")

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Operation:
    """What was said of an operation where it is defined."""

    name: str
    function: Callable[..., Any]
    #: The longest that one attempt may run, in seconds.
    timeout: float
    #: How often a job of it is tried before it fails.
    attempts: int
    doors: tuple[str, ...]
    diagnostic: bool

    @property
    def description(self) -> str:
        return " ".join((self.function.__doc__ or "").strip().split("\n\n")[0].split())


def operation[F: Callable[..., Any]](
    *,
    timeout: float = 60,
    attempts: int = 3,
    doors: tuple[str, ...] = DOORS,
    name: str | None = None,
    diagnostic: bool = False,
) -> Callable[[F], F]:
    """Serve a function: `csv_profile` as the operation `csv-profile`, with its docstring.

    `timeout` is in seconds (the worker's own limit caps it), `attempts` counts the first try too.
    `doors` says where it is served; a diagnostic operation only where the stack asks for those.
    Raises ValueError at once where one of these makes no sense.
    """

    def serve(function: F) -> F:
        served = name or function.__name__.replace("_", "-")
        if not _NAME.fullmatch(served) or len(served) > 64:
            raise ValueError(f"{served!r} cannot be an operation's name: use a-z, 0-9 and -")
        if not 0 < timeout <= 1800:
            raise ValueError(f"{served}: timeout is in seconds, more than 0 and at most 1800")
        if attempts < 1 or attempts % 1:
            raise ValueError(f"{served}: attempts counts the first try too, so it is at least 1")
        if not doors or set(doors) - set(DOORS):
            raise ValueError(f"{served}: doors are some of {', '.join(DOORS)}")
        spec = Operation(served, function, timeout, attempts, tuple(doors), diagnostic)
        function.operation = spec  # type: ignore[attr-defined]  # the function stays itself
        return function

    return serve


def in_module(name: str) -> list[Operation]:
    """Import a module and return the operations that it defines, in the order it does."""
    module = importlib.import_module(name)
    found = (getattr(member, "operation", None) for member in vars(module).values())
    return [o for o in found if isinstance(o, Operation) and o.function.__module__ == name]
