"""A subscriber of the topic, for as long as the traffic lasts."""

import threading
from collections import Counter
from typing import Any, Self

from local.inbox import Inbox
from local.stack import Stack


class Listener:
    """How often each end of each job was received from the topic."""

    def __init__(self, stack: Stack) -> None:
        self._inbox, self._over = Inbox(stack, "soak"), threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        #: By the job's id: how often each id of an event was received.
        self.received: dict[str, Counter[str]] = {}

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(10)

    def _run(self) -> None:
        while not self._over.is_set():
            for event in self._inbox.receive(wait_s=1):
                self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        self.received.setdefault(event["subject"], Counter())[event["id"]] += 1
