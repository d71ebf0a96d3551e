"""Remembers for ten seconds what is costly to ask and may be a little old."""

from collections.abc import Callable, Hashable

from nowlater.timing import Clock, Instant, after

_LIFE_S = 10


class Cache[T]:
    """Values by key, each asked for again once it is ten seconds old."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[Hashable, tuple[Instant, T]] = {}

    def get(self, key: Hashable, ask: Callable[[], T]) -> T:
        """Return the value of a key, asking for it where it is not known or too old."""
        now = self._clock()
        until, value = self._kept.get(key, (None, None))
        if value is None or until is None or now >= until:
            value = ask()
            self._kept[key] = after(now, _LIFE_S), value
        return value
