"""A breaker for each host: who did not answer several times in a row is left alone for a while."""

from nowlater.instants import Clock, Instant, after

#: So many failures in a row, and then nothing is sent for so long.
FAILURES, PAUSE_S = 3, 30


class Breaker:
    """What this Lambda has seen of the hosts that it sends to; the others see for themselves."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures: dict[str, int] = {}
        self._until: dict[str, Instant] = {}

    def is_open(self, host: str) -> bool:
        """Tell whether nothing is to be sent to a host now."""
        return self._until.get(host, 0) > self._clock()

    def failed(self, host: str) -> None:
        """Note that a host gave no answer; when its pause is over, one more failure begins the next."""
        self._failures[host] = self._failures.get(host, 0) + 1
        if self._failures[host] >= FAILURES:
            self._until[host] = after(self._clock(), PAUSE_S)

    def answered(self, host: str) -> None:
        """Note that a host gave an answer, whatever it was."""
        self._failures.pop(host, None)
        self._until.pop(host, None)
