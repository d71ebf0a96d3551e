"""Runs conversations without doing I/O: each is a generator that yields what it needs next.

`run` yields steps to a driver, which sends requests and waits: threads in `client`, tasks in `aio`.
"""

from __future__ import annotations

import heapq
import itertools
import json as json_
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from nowlater_client.files import Sink

T = TypeVar("T")
Conversation = Generator[Any, Any, T]


@dataclass(frozen=True)
class Request:
    """An HTTP request whose whole answer must have come `until` (of `time.monotonic`)."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | Callable[[], Iterator[bytes]] | None = None
    until: float = 0.0
    #: Where the body of a 200 or 206 goes; else it is in the reply.
    sink: Sink | None = None


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    #: By names in lower case.
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip()

    def json(self) -> Any:
        return json_.loads(self.body)


class Lost(Exception):
    """No whole answer came; whether the request arrived is unknown, unless it was not sent."""

    def __init__(self, reason: str, *, is_unsent: bool = False, is_final: bool = False) -> None:
        super().__init__(reason)
        self.is_unsent, self.is_final = is_unsent, is_final


# What a conversation yields.
@dataclass(frozen=True)
class Pause:
    """Wait for seconds."""

    seconds: float


@dataclass(frozen=True)
class Fork:
    """Run another conversation beside this one."""

    name: Any
    conversation: Conversation[Any]


@dataclass(frozen=True)
class Join:
    """Return name, result and exception of the next forked conversation that ends."""


@dataclass(frozen=True)
class Emit:
    """Pass a value to the caller, who iterates."""

    value: Any


@dataclass(frozen=True)
class Pull:
    """Return the next item of the caller's inputs, or END."""

    items: Any


END = object()
#: No queue waits longer at a time, in seconds.
_MAX_WAIT_S = 3600.0


# What `run` yields to a driver, besides Emit and Pull.
@dataclass(frozen=True)
class Begin:
    """Start a request; its outcome is awaited later, under this number."""

    number: int
    request: Request


@dataclass(frozen=True)
class Await:
    """Return (number, Reply or Lost) of a request, or None after so many seconds."""

    seconds: float


@dataclass(frozen=True)
class Drop:
    """End this request: no conversation waits for it."""

    number: int


def checked(outcome: tuple[int, Any]) -> tuple[int, Any]:
    """Return the outcome of a request; raises an exception that is no loss of an answer."""
    if isinstance(outcome[1], Exception) and not isinstance(outcome[1], Lost):
        raise outcome[1]
    return outcome


@dataclass(eq=False)
class _Task:
    conversation: Conversation[Any]
    name: Any = None
    parent: _Task | None = None
    #: (name, result, exception) of ended children that no Join has returned.
    ended: deque[Any] = field(default_factory=deque)
    is_joining: bool = False


def run(main: Conversation[T], clock: Callable[[], float] = time.monotonic) -> Conversation[T]:
    """Run a conversation and all that it forks; return its result."""
    result: T = yield from _Loop(clock).run(_Task(main))
    return result


class _Loop:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._numbers = clock, itertools.count()
        self._ready: deque[tuple[_Task, Any]] = deque()
        self._waiting: dict[int, tuple[_Task, bool]] = {}  # with whether a request is under way
        self._timers: list[tuple[float, int]] = []

    def run(self, root: _Task) -> Conversation[Any]:
        self._ready.append((root, None))
        while True:
            while self._ready:
                task, value = self._ready.popleft()
                throw = isinstance(value, Lost)
                try:
                    effect = (task.conversation.throw if throw else task.conversation.send)(value)
                except StopIteration as end:
                    if task is root:
                        return end.value
                    self._end(task, end.value, None)
                except Exception as error:
                    if task is root:
                        raise
                    self._end(task, None, error)
                else:
                    yield from self._do(task, effect)
            yield from self._wait()

    def _do(self, task: _Task, effect: Any) -> Conversation[None]:
        """Do what a conversation asks for."""
        if isinstance(effect, Request):
            yield Begin(self._wait_until(task, effect.until, is_request=True), effect)
        elif isinstance(effect, Pause):
            self._wait_until(task, self._clock() + effect.seconds, is_request=False)
        elif isinstance(effect, Fork):
            child = _Task(effect.conversation, effect.name, task)
            self._ready += [(child, None), (task, None)]
        elif isinstance(effect, Join):
            task.is_joining = True
            self._deliver(task)
        else:
            self._ready.append((task, (yield effect)))

    def _wait(self) -> Conversation[None]:
        """Wait for the outcome of a request, or until the time of one or of a pause is up."""
        while self._timers[0][1] not in self._waiting:
            heapq.heappop(self._timers)
        seconds = self._timers[0][0] - self._clock()
        outcome = yield Await(min(max(0.0, seconds), _MAX_WAIT_S))
        if outcome is not None and outcome[0] in self._waiting:
            self._ready.append((self._waiting.pop(outcome[0])[0], outcome[1]))
        while outcome is None and self._timers and self._timers[0][0] <= self._clock():
            number = heapq.heappop(self._timers)[1]
            task, is_request = self._waiting.pop(number, (None, False))
            if task is None:
                continue
            if is_request:
                yield Drop(number)
            self._ready.append((task, Lost("no whole answer came in time") if is_request else None))

    def _wait_until(self, task: _Task, instant: float, *, is_request: bool) -> int:
        number = next(self._numbers)
        self._waiting[number] = task, is_request
        heapq.heappush(self._timers, (instant, number))
        return number

    def _end(self, task: _Task, value: Any, error: Exception | None) -> None:
        if task.parent is not None:
            task.parent.ended.append((task.name, value, error))
            self._deliver(task.parent)

    def _deliver(self, task: _Task) -> None:
        if task.is_joining and task.ended:
            task.is_joining = False
            self._ready.append((task, task.ended.popleft()))
