"""Remembers for ten seconds what is costly to ask and may be a little old."""

from collections.abc import Callable, Hashable

from nowlater.instants import Clock, Instant, after

_LIFE_S = 10


class Cache[T]:
    """Values by key, each asked for again once it is ten seconds old.

    A failure to get one is remembered as well: who lists a hundred jobs would meet it a hundred times.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: dict[Hashable, tuple[Instant, T | Exception]] = {}

    def get(self, key: Hashable, ask: Callable[[], T]) -> T:
        """Return the value of a key, asking for it where it is not known or too old."""
        now = self._clock()
        until, value = self._kept.get(key, (None, None))
        if until is None or value is None or now >= until:
            value = _outcome(ask)
            self._kept[key] = after(now, _LIFE_S), value
        if isinstance(value, Exception):
            raise value.with_traceback(None)
        return value


def _outcome[T](ask: Callable[[], T]) -> T | Exception:
    try:
        return ask()
    except Exception as failure:
        return failure
