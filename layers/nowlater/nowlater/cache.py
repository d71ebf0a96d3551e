"""Caches for ten seconds values that are costly to load and may be slightly out of date."""

from collections.abc import Callable, Hashable

from nowlater.instants import Clock, Instant, after

_LIFETIME_S = 10


class Cache[T]:
    """Values by key, each loaded again once it is ten seconds old.

    A failed load is cached too: otherwise a list of a hundred jobs would repeat it a hundred times.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[Hashable, tuple[Instant, T | Exception]] = {}

    def get(self, key: Hashable, load: Callable[[], T]) -> T:
        """Return the value of a key, loading it where it is not cached or too old."""
        now = self._clock()
        expires, value = self._entries.get(key, (None, None))
        if expires is None or value is None or now >= expires:
            value = _outcome(load)
            self._entries[key] = after(now, _LIFETIME_S), value
        if isinstance(value, Exception):
            raise value.with_traceback(None)
        return value


def _outcome[T](load: Callable[[], T]) -> T | Exception:
    try:
        return load()
    except Exception as failure:
        return failure
