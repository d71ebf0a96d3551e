"""Says in the terminal which test runs when it takes long: pytest itself shows only what has ended."""

import threading
import time

import pytest

#: Seconds after which a running test is named, and again each time as many have passed.
NAMED_AFTER_S = 30


class Progress:
    """A plugin of the process that prints."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal
        self._named_at: dict[str, float] = {}
        self._began: dict[str, float] = {}
        self._over = threading.Event()

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self._began[nodeid] = self._named_at[nodeid] = time.monotonic()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self._began.pop(nodeid, None)

    def pytest_sessionstart(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()

    def pytest_sessionfinish(self) -> None:
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(1):
            self.name_slow(time.monotonic())

    def name_slow(self, now: float) -> None:
        """Print the tests that have run for long since they were last named."""
        for nodeid, began in list(self._began.items()):
            if now - self._named_at[nodeid] >= NAMED_AFTER_S:
                self._named_at[nodeid] = now
                self._terminal.write_line(f"\nrunning for {now - began:.0f} s: {nodeid}")
