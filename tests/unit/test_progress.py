"""What the terminal shows while a test takes long."""

from typing import Any

import pytest

from tests import progress
from tests.progress import NAMED_AFTER_S, Progress
from tests.stopwatch import Stopwatch

SLOW = "tests/e2e/test_deaths.py::test_nothing_is_lost"


class Terminal:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def write_line(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


@pytest.fixture
def shown(terminal: Any, monkeypatch: pytest.MonkeyPatch) -> Progress:
    monkeypatch.setattr(progress, "time", Stopwatch())
    return Progress(terminal)


def test_a_test_that_takes_long_is_named_each_half_minute(
    shown: Progress, terminal: Terminal
) -> None:
    shown.pytest_runtest_logstart(SLOW)
    for s in range(0, 2 * NAMED_AFTER_S + 5):
        shown.name_slow(s)

    assert terminal.lines == [f"\nrunning for {s} s: {SLOW}" for s in (30, 60)]


def test_a_test_that_has_ended_is_not_named(shown: Progress, terminal: Terminal) -> None:
    shown.pytest_runtest_logstart(SLOW)
    shown.pytest_runtest_logfinish(SLOW)
    shown.name_slow(NAMED_AFTER_S)

    assert terminal.lines == []
