"""What is remembered for ten seconds."""

import pytest

from nowlater.cache import Cache
from tests.unit.jobs import NOW


class Asked:
    """Counts how often it is asked, by a clock that is set."""

    def __init__(self) -> None:
        self.now, self.times = NOW, 0
        self.cache = Cache[int](lambda: self.now)

    def __call__(self, key: str = "one") -> int:
        return self.cache.get(key, self._ask)

    def _ask(self) -> int:
        self.times += 1
        return self.times


def test_a_value_is_asked_for_once_in_ten_seconds() -> None:
    asked = Asked()
    first = asked()
    asked.now += 9_999
    still = asked()
    asked.now += 1
    again = asked()

    assert (first, still, again) == (1, 1, 2)


def test_each_load_starts_the_ten_seconds_again() -> None:
    asked = Asked()
    for _ in range(3):
        asked()
        asked.now += 10_000
    asked.now -= 1

    assert (asked(), asked.times) == (3, 3)


def test_keys_have_values_of_their_own() -> None:
    asked = Asked()

    assert (asked("one"), asked("other"), asked("one")) == (1, 2, 1)


def test_nothing_and_zero_are_values_too() -> None:
    asked: list[int] = []
    cache = Cache[int](lambda: NOW)
    for _ in range(2):
        assert cache.get("key", lambda: asked.append(1) or 0) == 0

    assert len(asked) == 1


def test_a_failure_is_remembered_as_long_as_a_value() -> None:
    asked = Asked()

    def fail() -> int:
        asked.times += 1
        raise ConnectionError

    for _ in range(3):
        with pytest.raises(ConnectionError):
            asked.cache.get("one", fail)
    asked.now += 10_000

    assert asked.times == 1
    assert asked("one") == 2
