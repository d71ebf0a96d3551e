"""A circuit breaker per host: after several failures in a row, nothing is sent for a while."""

from nowlater.instants import Clock, Instant, after

#: The failures in a row that open the breaker, and how long it stays open.
FAILURES, PAUSE_S = 3, 30


class Breaker:
    """The failures of each host that this Lambda instance has seen; instances do not share them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._until: dict[str, Instant] = {}

    def is_open(self, host: str) -> bool:
        """Tell whether nothing may be sent to a host now."""
        return self._until.get(host, 0) > self._clock()

    def failed(self, host: str) -> None:
        """Count a request without a response; after a pause, one more failure starts the next pause."""
        self._failures[host] = self._failures.get(host, 0) + 1
        if self._failures[host] >= FAILURES:
            self._until[host] = after(self._clock(), PAUSE_S)

    def responded(self, host: str) -> None:
        """Forget a host's failures, since it responded; the status does not matter."""
        self._failures.pop(host, None)
        self._until.pop(host, None)
