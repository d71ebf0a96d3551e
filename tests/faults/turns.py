"""Virtual time, in which processes take turns: one goes on until it waits for something.

Each is a greenlet, so that real handlers, which know nothing of this, can be held at any call to AWS
while others go on, and can die at that point, like a killed process.
"""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Any

from greenlet import GreenletExit, getcurrent, greenlet


class Process:
    """Something that goes on in turns of its own: an invocation of a Lambda, or a caller.

    `skew_ms` is how wrong its clock is. When it is over, it has an `answer`, or it `raised`, or it
    is dead, and `then` is called.
    """

    def __init__(self, turns: "Turns", name: str, body: Callable[[], Any], skew_ms: int) -> None:
        self.name, self.skew_ms = name, skew_ms
        self.answer: Any = None
        self.raised: Exception | None = None
        self.is_over = self.is_dead = False
        self.then: Callable[[], object] = lambda: None
        #: The operation that it runs is stopped at this time.
        self.stops_at: int | None = None
        #: Who is to be woken when it is over; how often it has waited itself.
        self.wakes: list[Callable[[], object]] = []
        self.waits = 0
        self._turns, self._body = turns, body
        self.greenlet = greenlet(self._run, turns.hub)

    @property
    def is_good(self) -> bool:
        """Whether it has returned."""
        return self.is_over and not self.is_dead and self.raised is None

    def _run(self) -> None:
        try:
            self.answer = self._body()
        except GreenletExit:
            self.is_dead = True
        except Exception as fault:  # what a Lambda raises is for its event source to see
            self.raised = fault
        self.is_over = True


class Turns:
    """The time, in milliseconds, and what is to happen when."""

    def __init__(self, start: int) -> None:
        self.now = start
        self.hub = getcurrent()
        self._agenda: list[tuple[int, int, Callable[[], object]]] = []
        self._numbers = count()
        self._processes: dict[greenlet, Process] = {}

    def at(self, then: int, act: Callable[[], object]) -> None:
        """Have something happen at a time, between turns."""
        heapq.heappush(self._agenda, (max(then, self.now), next(self._numbers), act))

    def run(self, until: int | None = None) -> None:
        """Let everything happen that is to happen, up to a time."""
        while self._agenda and (until is None or self._agenda[0][0] <= until):
            self.now, _, act = heapq.heappop(self._agenda)
            act()
        self.now = max(self.now, until or 0)

    def start(
        self,
        name: str,
        body: Callable[[], Any],
        *,
        skew_ms: int = 0,
        timeout_s: float | None = None,
    ) -> Process:
        """Begin something; it is killed if it is not over by its time-out."""
        made = Process(self, name, body, skew_ms)
        self._processes[made.greenlet] = made
        self.at(self.now, lambda: self._go_on(made, made.greenlet.switch))
        if timeout_s is not None:
            self.at(self.now + round(1000 * timeout_s), lambda: self.kill(made))
        return made

    @property
    def current(self) -> Process:
        """Whose turn it is."""
        return self._processes[getcurrent()]

    def sleep(self, seconds: float) -> None:
        """Let others go on until that much time has passed."""
        me = self.current
        self.at(self.now + round(1000 * seconds), self._waker(me))
        self._wait(me)

    def join(self, process: Process, timeout_s: float) -> bool:
        """Wait until a process is over, or for so long; tell whether it is."""
        me = self.current
        if not process.is_over:
            process.wakes.append(self._waker(me))
            self.at(self.now + round(1000 * timeout_s), process.wakes[-1])
            self._wait(me)
        return process.is_over

    def kill(self, process: Process) -> None:
        """End a process as SIGKILL does: it does nothing more."""
        if process.is_over:
            return
        process.is_dead = True
        if process.greenlet is getcurrent():
            raise GreenletExit
        self._go_on(process, lambda: process.greenlet.throw(GreenletExit))

    def stop(self) -> None:
        """Have nothing happen any more; whose turn it is, dies."""
        self._agenda.clear()
        self.kill(self.current)

    def kill_all(self) -> None:
        for process in list(self._processes.values()):
            self.kill(process)

    def live(self) -> None:
        """Raise in a process that is dead, and only unwinds."""
        if self.current.is_dead:
            raise GreenletExit

    def _wait(self, me: Process) -> None:
        self.live()
        self.hub.switch()
        me.waits += 1

    def _waker(self, process: Process) -> Callable[[], object]:
        """Return what ends the wait that a process is about to begin, and no later one."""
        wait = process.waits

        def wake() -> None:
            if process.waits == wait and not process.is_over:
                self._go_on(process, process.greenlet.switch)

        return wake

    def _go_on(self, process: Process, switch: Callable[[], object]) -> None:
        if process.is_over:
            return
        switch()
        if not process.greenlet:  # it never began, or is over
            process.is_over = True
            self._processes.pop(process.greenlet, None)
            for wake in process.wakes:
                self.at(self.now, wake)
            self.at(self.now, process.then)
