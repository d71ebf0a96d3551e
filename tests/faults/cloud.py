"""A virtual AWS: the real handlers on services in memory, and what AWS does between them.

Time is virtual, chance has a seed, and each call to AWS and each invocation of a Lambda has a number,
at which a plan can have something go wrong.
"""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Any

from botocore.exceptions import ReadTimeoutError

from nowlater.aws.table import pack_item
from nowlater.outbound.http1 import Unsent
from nowlater.outbound.reply import Reply as Receipt
from nowlater.runtime.context import Context
from nowlater.runtime.exceptions import TimedOut
from tests import stack
from tests.faults.kinds import BY_SOURCE, OF_CALLS
from tests.faults.memory import Change, Memory, Message
from tests.faults.plan import Plan
from tests.faults.turns import Process, Turns
from tests.integration.lambdas import lambda_context
from tests.integration.stream import passes

#: 2026-11-24T12:00:00.007Z
START = 1_795_521_600_007
#: How long a call takes, and until the stream's records are with Notify, in seconds.
_CALL_S, _STREAM_S = 0.003, 0.25
#: No scenario has nearly as many calls, whatever goes wrong.
_MAX_CALLS = 2000
#: Names as in the environment of the Lambdas, and which Lambda takes from which queue.
QUEUES = {"OnTimeQueue": "work", "FlexibleQueue": "work", "WebhookQueue": "send_webhooks"}
QUEUES |= {"DeadLetterQueue": "handle_dead_letters"}
LANES = ("OnTimeQueue", "FlexibleQueue")


@dataclass(frozen=True)
class Run:
    """One attempt at a job, as the operation saw it."""

    at: int
    job: str
    attempt: int


class Cloud(Turns):
    """The stack, and all that happens to it."""

    def __init__(
        self, apps: dict[str, ModuleType], plan: Plan | None = None, seed: int = 0
    ) -> None:
        super().__init__(START)
        self.apps, self.plan = apps, plan or Plan()
        self.chance = random.Random(seed)
        self.memory = Memory(lambda: self.now)
        #: Each call to AWS, and each invocation, as a line to read.
        self.calls, self.invocations = list[str](), list[str]()
        self.runs = list[Run]()
        #: What callbacks got, and what they answer: the last again and again.
        self.received, self.answers = list[tuple[int, str, str]](), [200]
        self.taken = list[str]()
        #: Whether messages were moved to the dead-letter queue.
        self.has_dead_letters = False
        #: The messages that no worker can read.
        self.unreadable = list[str]()
        #: What happens at a fault in which others act meanwhile.
        self.meanwhile: dict[str, Callable[[], list[Process]]] = {"sweep": self._sweep_now}
        self.meanwhile["receive"] = self._receive_again
        #: What must not happen, and did.
        self.violations = list[str]()
        self._notified, self._notifying, self._ticks = 0, False, set[int]()
        self._processes_made = count()
        self._polled: dict[Message, int] = {}

    # ── the Lambdas' view ─────────────────────────────────────────────────────────────────────

    def clock(self) -> int:
        """Return the time by the clock of the process whose turn it is."""
        return self.now + self.current.skew_ms

    def call(
        self, service: str, operation: str, given: dict[str, Any], options: dict[str, Any]
    ) -> Any:
        """Carry out a call to AWS, as the plan lets it."""
        self.live()
        if len(self.calls) >= _MAX_CALLS:
            self.violations.append("G1: it goes on for ever")
            self.stop()
        self.calls.append(f"{self.current.name}: {service}.{operation}")
        kind = self.plan.of_call(len(self.calls))

        def do() -> Any:
            self.sleep(_CALL_S)
            if service == "lambda":
                return self._direct(given, options)
            if service == "webhook":
                return self._post(**given)
            answer = getattr(self.memory, f"{service}_{operation}")(**given)
            self.react()
            return answer

        return OF_CALLS[kind](self, service, do) if kind else do()

    def pause(self, seconds: float) -> None:
        """Let an operation take its time, and stop it when that is up."""
        left_s = ((self.current.stops_at or self.now) - self.now) / 1000
        self.sleep(max(0, min(seconds, left_s)))
        if seconds > left_s:
            raise TimedOut

    def begun(self, context: Context) -> None:
        self.runs.append(Run(self.now, str(context.job_id), context.attempt))

    def _direct(self, given: dict[str, Any], options: dict[str, Any]) -> Any:
        process = self.invoke("work", json.loads(given["Payload"]))
        if not self.join(process, options["read_timeout"]):
            raise ReadTimeoutError(endpoint_url="lambda")
        if not process.is_good:
            return {"FunctionError": "Unhandled"}
        return {"Payload": _Readable(json.dumps(process.answer).encode())}

    def _post(self, url: str, headers: dict[str, str], body: bytes) -> Receipt:
        status = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status == 0:
            raise Unsent("unreachable", "No connection.", 1)
        self.received.append((self.now, headers["webhook-id"], body.decode()))
        if status == 200:
            self.taken.append(headers["webhook-id"])
        return Receipt(status=status, latency_ms=1, size=0)

    # ── what AWS does ─────────────────────────────────────────────────────────────────────────

    def invoke(self, name: str, event: Any) -> Process:
        """Have a Lambda handle an event, once."""
        number, how = self._number(name)
        return self.process(name, number, event, how.get("skew_s", 0))

    def source(self, name: str, event: Any, heard: Callable[[Process], object]) -> None:
        """Have an event source invoke a Lambda; `heard` is what the source does when it is over."""
        number, how = self._number(name + BY_SOURCE)

        def begin(then: Callable[[Process], object]) -> None:
            process = self.process(name, number, event, how.get("skew_s", 0))
            process.then = lambda: then(process)

        def once() -> None:
            begin((lambda _: begin(heard)) if how.get("unheard") else heard)

        for _ in range(int(how.get("times", 1))):
            self.at(self.now + round(1000 * how.get("late_s", 0)), once)

    def _number(self, line: str) -> tuple[int, dict[str, float]]:
        """Count an invocation; return its number, and what goes wrong with it."""
        self.invocations.append(line)
        return len(self.invocations), self.plan.of_invocation(len(self.invocations))

    def process(self, name: str, number: int, event: Any, skew_s: float = 0) -> Process:
        """Start a Lambda's handler."""
        timeout_s = _timeouts()[name]
        until = self.now + 1000 * timeout_s
        context = lambda_context(request_id=f"{name}-{number}-{next(self._processes_made)}")
        context.get_remaining_time_in_millis = lambda: until - self.now
        handler, copy = self.apps[name].handler, json.loads(json.dumps(event))
        return self.start(
            f"{name}-{number}",
            lambda: handler(copy, context),
            skew_ms=round(1000 * skew_s),
            timeout_s=timeout_s,
        )

    def react(self) -> None:
        """Have the event sources see what has changed."""
        for message in self.memory.messages:
            if self._polled.get(message) != message.visible_at:
                self._polled[message] = message.visible_at
                self.at(message.visible_at, lambda queue=message.queue: self._poll(queue))  # type: ignore[misc]
        if len(self.memory.changes) > self._notified and not self._notifying:
            self._notifying = True
            self.at(self.now + round(1000 * _STREAM_S), self._notify)
        self._tick()

    def _poll(self, queue: str) -> None:
        visible = self.memory.visible(queue)[: stack.batch_sizes()[queue]]
        if not visible:
            return
        for message in visible:
            message.receives += 1
            message.visible_at = self.now + 1000 * _visibilities()[queue]
        event = {"Records": [_record(message) for message in visible]}
        self.source(QUEUES[queue], event, lambda over: self._received(visible, over))
        self.react()

    def _received(self, messages: list[Message], over: Process) -> None:
        if over.raised is not None:
            self.violations.append(
                f"{over.name} raised {over.raised!r}, and handlers of queues never do"
            )
        if not over.is_good:
            return
        kept = {failed["itemIdentifier"] for failed in over.answer["batchItemFailures"]}
        gone = [m for m in messages if m.id not in kept]
        self.memory.messages = [m for m in self.memory.messages if m not in gone]
        self._polled = {m: at for m, at in self._polled.items() if m not in gone}

    def _notify(self) -> None:
        until = len(self.memory.changes)
        new = self.memory.changes[self._notified : until]
        records = [r for r in map(_stream_record, new) if any(passes(r, p) for p in _patterns())]

        def heard(over: Process) -> None:
            if not over.is_good:
                self.at(self.now + 2000, self._notify)
                return
            self._notified, self._notifying = until, False
            self.react()

        if records:
            self.source("notify", {"Records": records}, heard)
        else:
            self._notified, self._notifying = until, False

    def _tick(self) -> None:
        """Have the sweep start at the first full minute at which something is due."""
        times = [item["due_at"] for item in self.memory.items.values() if "due_at" in item]
        if times:
            minute = -(-max(min(times), self.now + 1) // 60_000) * 60_000
            if minute not in self._ticks:
                self._ticks.add(minute)
                self.at(minute, self._sweep)

    def _sweep(self) -> None:
        # A sweep that finds nothing is not worth the time: it reads, and that is all.
        if any(item.get("due_at", self.now + 1) <= self.now for item in self.memory.items.values()):
            self.source("sweep", stack.event("sweep"), lambda _: self.react())
        self._tick()

    def others(self, act: str) -> list[Process]:
        return self.meanwhile[act]() if act in self.meanwhile else []

    def _sweep_now(self) -> list[Process]:
        return [self.process("sweep", 0, stack.event("sweep"))]

    def _receive_again(self) -> list[Process]:
        """Have every message of the lanes received by one more worker: SQS delivers at least once."""
        messages = [m for m in self.memory.messages if m.queue in LANES]
        return [self.process("work", 0, {"Records": [_record(m)]}) for m in messages]


@dataclass
class _Readable:
    data: bytes

    def read(self) -> bytes:
        return self.data


def _record(message: Message) -> dict[str, Any]:
    return {
        "messageId": message.id,
        "receiptHandle": f"{message.id}/{message.receives}",
        "body": message.body,
        "attributes": {
            "ApproximateReceiveCount": str(message.receives),
            "SentTimestamp": str(message.sent),
        },
        "eventSourceARN": f"arn:aws:sqs:eu-central-1:123456789012:{message.queue}",
    }


def _stream_record(change: Change) -> dict[str, Any]:
    name = "REMOVE" if change.new is None else "INSERT" if change.old is None else "MODIFY"
    images = {"OldImage": change.old, "NewImage": change.new}
    packed = {k: pack_item(image) for k, image in images.items() if image is not None}
    return {"eventID": str(change.number), "eventName": name, "dynamodb": packed}


@cache
def _resources() -> dict[str, Any]:
    resources: dict[str, Any] = stack.template()["Resources"]
    return resources


@cache
def _patterns() -> list[Any]:
    filters = _resources()["Notify"]["Properties"]["Events"]["Ends"]["Properties"]["FilterCriteria"]
    return [json.loads(f["Pattern"]) for f in filters["Filters"]]


@cache
def _timeouts() -> dict[str, int]:
    """Return the time-out of each Lambda, by its folder's name."""
    usual = stack.template()["Globals"]["Function"]["Timeout"]
    work = int(stack.template()["Parameters"]["WorkTimeout"]["Default"])
    found = [r["Properties"] for r in _resources().values() if "Function" in r["Type"]]
    timeouts = {Path(f["CodeUri"]).name: f.get("Timeout", usual) for f in found}
    return timeouts | {"work": work}


@cache
def _visibilities() -> dict[str, int]:
    after_work = stack.template()["Mappings"]["AfterWork"]
    work = stack.template()["Parameters"]["WorkTimeout"]["Default"]
    found = {q: _resources()[q]["Properties"]["VisibilityTimeout"] for q in QUEUES}
    return {
        q: after_work[work]["Visibility"] if isinstance(s, dict) else s for q, s in found.items()
    }
