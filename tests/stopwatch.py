"""A time that passes only in `sleep`: exact, at once, and the same on any machine."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

#: The framework's modules that wait, or measure how long something took.
_TIMED = ("runtime.context", "doors.hybrid", "jobs.long_poll", "worker.attempt")


class Stopwatch:
    """Stands in for the module `time`; `s` are the seconds that have passed."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.s = 0.0
        self._agenda: list[tuple[float, Callable[[], object]]] = []

    def monotonic(self) -> float:
        return self.s

    def sleep(self, seconds: float) -> None:
        """Let that much time pass, and happen what was to happen in it."""
        until_s = self.s + seconds
        while self._agenda and self._agenda[0][0] <= until_s:
            then_s, act = self._agenda.pop(0)
            self.s = max(self.s, then_s)
            act()
        self.s = max(self.s, until_s)

    def at(self, s: float, act: Callable[[], object]) -> None:
        """Have something happen once so many seconds have passed."""
        self._agenda.append((s, act))
        self._agenda.sort(key=lambda planned: planned[0])


@contextmanager
def in_place_of_time(stand_in: Any, *modules: str) -> Iterator[None]:
    """Have modules, those of the framework that wait if none is named, take this for `time`."""
    names = modules or tuple(f"nowlater.{name}" for name in _TIMED)
    with ExitStack() as placed:
        for name in names:
            placed.enter_context(patch.object(importlib.import_module(name), "time", stand_in))
        yield
