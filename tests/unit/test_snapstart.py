"""Processes that start from one snapshot do not draw the same random numbers."""

import random
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from nowlater import snapstart


def test_random_numbers_differ_after_each_restore(monkeypatch: pytest.MonkeyPatch) -> None:
    hooks: list[Callable[[], object]] = []
    runtime = ModuleType("snapshot_restore_py")
    runtime.register_after_restore = hooks.append  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "snapshot_restore_py", runtime)
    snapstart.prepare()
    taken, drawn = random.getstate(), set()
    for _ in range(2):
        random.setstate(taken)
        for hook in hooks:
            hook()
        drawn.add(random.random())

    assert len(hooks) == 1
    assert len(drawn) == 2


def test_outside_lambda_there_is_nothing_to_do() -> None:
    snapstart.prepare()
