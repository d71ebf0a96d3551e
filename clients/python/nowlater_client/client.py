"""The client for ordinary, blocking code: it runs the conversations of `core` with threads."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

import httpx

from nowlater_client import core, gather, loop
from nowlater_client.exchange import Core
from nowlater_client.http import Body, Connected, lost, to_httpx
from nowlater_client.loop import Conversation, Request
from nowlater_client.models import JobState

if TYPE_CHECKING:
    from typing import Concatenate

    from typing_extensions import ParamSpec, Self

    P = ParamSpec("P")
T = TypeVar("T")


# A conversation of `core` becomes a method with its parameters and its docstring.
def _method(
    call: Callable[Concatenate[Core, P], Conversation[T]],
) -> Callable[Concatenate[Client, P], T]:
    @functools.wraps(call)
    def method(self: Client, /, *args: P.args, **options: P.kwargs) -> T:
        return self._run(call(self._core, *args, **options))

    return method


def _job_method(
    call: Callable[Concatenate[Core, P], Conversation[JobState]],
) -> Callable[Concatenate[Client, P], Job]:
    @functools.wraps(call)
    def method(self: Client, /, *args: P.args, **options: P.kwargs) -> Job:
        return Job(self, self._run(call(self._core, *args, **options)))

    return method


def _iterator(
    call: Callable[Concatenate[Core, P], Conversation[Any]], of: Callable[[Client, Any], T]
) -> Callable[Concatenate[Client, P], Iterator[T]]:
    @functools.wraps(call)
    def method(self: Client, /, *args: P.args, **options: P.kwargs) -> Iterator[T]:
        return (of(self, value) for value in self._iterate(call(self._core, *args, **options)))

    return method


def _of_job(
    call: Callable[Concatenate[Core, JobState, P], Conversation[T]],
) -> Callable[Concatenate[Job, P], T]:
    @functools.wraps(call)
    def method(self: Job, /, *args: P.args, **options: P.kwargs) -> T:
        return self._client._run(call(self._client._core, self, *args, **options))

    return method


def _updates_job(
    call: Callable[Concatenate[Core, JobState, P], Conversation[JobState]],
) -> Callable[Concatenate[Job, P], Job]:
    @functools.wraps(call)
    def method(self: Job, /, *args: P.args, **options: P.kwargs) -> Job:
        return self._update(self._client._run(call(self._client._core, self, *args, **options)))

    return method


class Job(JobState):
    """A job, and what can be done with it; its fields are as the API returned them last."""

    def __init__(self, client: Client, state: JobState) -> None:
        self._client = client
        self._update(state)

    def _update(self, state: JobState) -> Job:
        self.__dict__.update(vars(state) | {"_client": self._client})
        return self

    refresh = _updates_job(core.refresh)
    wait = _updates_job(core.wait)
    result = _of_job(core.result)
    download = _of_job(core.download)
    cancel = _updates_job(core.cancel)
    erase = _of_job(core.erase)
    deliveries = _of_job(core.deliveries)
    replay = _of_job(core.replay)

    def retry(self, *, key: str | None = None) -> Job:
        """Submit the ended job again, with the same input; return the new job."""
        client = self._client
        return Job(client, client._run(core.retry(client._core, self, key=key)))

    def events(self, timeout: float | None = None) -> Iterator[Job]:
        """Iterate over the job's changes of status and progress, until it has ended."""
        states = self._client._iterate(core.events(self._client._core, self, timeout))
        return (self._update(state) for state in states)


class Outcome(gather.Outcome):
    """How one input of `as_completed`, or one job of `for_each`, ended."""

    job: Job | None

    @classmethod
    def of(cls, client: Client, outcome: gather.Outcome) -> Outcome:
        job = None if outcome.job is None else Job(client, outcome.job)
        return cls(**{**vars(outcome), "job": job})


class Client(Connected[httpx.Client]):
    """A client of one nowlater API; use it as a context manager, from any number of threads.

    `timeout`: seconds for each request with its repetitions, where a method has no timeout of its own.
    `max_retries`: repetitions of a request. `http_client`: your own `httpx.Client`, which you close.
    """

    _new_http = httpx.Client

    call = _method(core.call)
    submit = _job_method(core.submit)
    job = _job_method(core.read_job)
    jobs = _iterator(core.jobs, Job)
    map = _iterator(gather.map, core.second)
    as_completed = _iterator(gather.as_completed, Outcome.of)
    for_each = _iterator(gather.for_each, Outcome.of)
    counts = _method(core.counts)
    lanes = _method(core.lanes)
    deliveries = _iterator(core.all_deliveries, core.second)
    operations = _method(core.operations)
    operation = _method(core.operation)
    upload = _method(core.upload)
    secret = _method(core.secret)
    rotate_secret = _method(core.rotate_secret)
    request = _method(core.request)

    def close(self) -> None:
        """Close the connections."""
        if self._owns_http:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, conversation: Conversation[T]) -> T:
        steps = self._iterate(conversation)
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value  # type: ignore[no-any-return]

    def _iterate(self, conversation: Conversation[T]) -> Conversation[T]:
        """Run a conversation: yield what it emits, and return its result."""
        steps, outcomes = loop.run(conversation), SimpleQueue[Any]()
        dropped: dict[int, threading.Event] = {}
        value: Any = None
        try:
            while True:
                try:
                    step = steps.send(value)
                except StopIteration as end:
                    return end.value  # type: ignore[no-any-return]
                if isinstance(step, loop.Emit):
                    value = yield step.value
                else:
                    value = self._take(step, outcomes, dropped)
        finally:
            for event in dropped.values():
                event.set()

    def _take(
        self, step: Any, outcomes: SimpleQueue[Any], dropped: dict[int, threading.Event]
    ) -> Any:
        """Do one step of the loop."""
        if isinstance(step, loop.Begin):
            dropped[step.number] = event = threading.Event()
            # A daemon: one that a server keeps busy does not keep the program alive.
            arguments = (step, outcomes, event)
            threading.Thread(target=self._send, args=arguments, daemon=True).start()
        elif isinstance(step, loop.Drop):
            dropped.pop(step.number).set()
        elif isinstance(step, loop.Pull):
            return next(step.items, loop.END)
        else:
            try:
                outcome = outcomes.get(timeout=step.seconds)
            except Empty:
                return None
            dropped.pop(outcome[0], None)
            return loop.checked(outcome)
        return None

    def _send(
        self, begun: loop.Begin, outcomes: SimpleQueue[Any], dropped: threading.Event
    ) -> None:
        """Send a request, and put its number and outcome into the queue."""
        try:
            outcomes.put((begun.number, self._exchange(begun.request, dropped)))
        except Exception as error:
            outcomes.put((begun.number, lost(error)))

    def _exchange(self, request: Request, dropped: threading.Event) -> loop.Reply:
        sent = to_httpx(request, is_async=False)
        response = self._http.send(sent, auth=None, follow_redirects=False, stream=True)
        try:
            body = Body(request, response)
            for chunk in response.iter_bytes():
                if dropped.is_set():
                    break  # no caller waits: close the connection, however slow the server is
                body.take(chunk)
            return body.reply()
        finally:
            response.close()
