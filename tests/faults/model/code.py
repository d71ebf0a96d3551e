"""The real code, resumed at each of its calls to AWS: run afresh with the replies that it had so far."""

import contextlib
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from unittest import mock

from botocore.exceptions import ClientError, ConnectionClosedError

from nowlater.aws.queues import Queues
from nowlater.aws.session import FAILURES
from nowlater.aws.table import Item, Table, pack_item, unpack, unpack_item
from nowlater.doors import hybrid
from nowlater.instants import Instant
from nowlater.jobs import model
from nowlater.jobs.model import Ref
from nowlater.jobs.store import Store
from nowlater.problems import Problem
from nowlater.runtime import executor
from nowlater.runtime.catalogue import Entry
from nowlater.runtime.context import Context
from nowlater.runtime.exceptions import TimedOut, Unavailable
from nowlater.services import Services
from nowlater.settings import Settings
from nowlater.worker import attempt, settle
from nowlater.worker.invoke import NoWorker

#: How long the operation may run, in seconds, and how often it is tried.
TIMEOUT_S, TRIES = 20, 2

SETTINGS = Settings(
    **dict.fromkeys(
        ("table", "bucket", "topic", "on_time_queue", "flexible_queue", "webhook_queue"), "x"
    ),
    callback_ports="443",
    loopback_callbacks=False,
    public_url="",
    flexible_within_s=259_200,
    work_timeout_s=60,
    diagnostics=False,
    shards=1,
    owner_waiting=0,
    owner_uploads_gib=0,
    on_time_concurrency=2,
    flexible_concurrency=2,
)


@dataclass(frozen=True)
class Call:
    """One call to AWS, or the operation's run: what is asked, and of which item."""

    kind: str
    #: The write of `protocol.WRITES` that it is, if it is one; else what it is about.
    what: str = ""
    details: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Reply:
    """What came of a call: `done`, `refused`, or `failed`: an exception of botocore."""

    how: str = "done"
    #: The item as JSON, or whatever else the call returns.
    value: Any = None


FAILED = Reply("failed")


@dataclass(frozen=True)
class Done:
    """A program's end: what it returned, or the exception that it raised."""

    returned: Any = None
    raised: BaseException | None = None


@dataclass(frozen=True)
class Program:
    """One invocation: who it is, and what it runs."""

    who: str
    #: How long its Lambda lets it live.
    life_s: int
    main: Callable[[Services], Any] = field(compare=False)
    #: Whose job ids it makes; the number of the message that it received.
    job_id: str = ""
    message: int = 0
    sent: Instant = 0


@dataclass(eq=False)
class Run:
    """A program, and the replies that it had so far, each with the time at which it called.

    There is one object for each such history, so that runs compare by identity.
    """

    serial: int
    program: Program
    history: tuple[tuple[Instant, Reply], ...] = ()
    steps: dict[Instant, Call | Done] = field(default_factory=dict)
    after: dict[tuple[Instant, Reply], "Run"] = field(default_factory=dict)


class Code:
    """The programs as they run; everything that they do is found out once, and remembered."""

    def __init__(self) -> None:
        self._started: dict[Program, Run] = {}
        self._serial = 0

    def start(self, program: Program) -> Run:
        if program not in self._started:
            self._started[program] = self._new(program)
        return self._started[program]

    def next(self, run: Run, now: Instant) -> Call | Done:
        """Return the next call of a run, or its end, if it goes on now."""
        if now not in run.steps:
            run.steps[now] = _resumed(run, now)
        return run.steps[now]

    def answered(self, run: Run, now: Instant, reply: Reply) -> Run:
        """Return the run once it has its reply to the call that it made at this time."""
        key = now, reply
        if key not in run.after:
            run.after[key] = self._new(run.program, (*run.history, key))
        return run.after[key]

    def _new(self, program: Program, history: tuple[tuple[Instant, Reply], ...] = ()) -> Run:
        self._serial += 1
        return Run(self._serial, program, history)


def _resumed(run: Run, now: Instant) -> Call | Done:
    tape = _Tape(run, now)
    _TAPES.append(tape)
    try:
        done = Done(run.program.main(tape.services()))
    except _Paused:
        done = Done()
    except (*FAILURES, Problem) as error:
        done = Done(raised=error)
    finally:
        _TAPES.pop()
    return tape.pending or done


#: The tape of the run that goes on.
_TAPES: list["_Tape"] = []


class _Paused(BaseException):
    """The run waits for a reply that it has not had yet."""


class _Tape:
    """Plays a run's replies back, and notes the call that comes after them."""

    def __init__(self, run: Run, now: Instant) -> None:
        self.program, self._history, self._now, self._played = run.program, run.history, now, 0
        self.pending: Call | None = None
        #: The write of `protocol.WRITES` that the next update is.
        self.write = ""

    def clock(self) -> Instant:
        is_played = self._played < len(self._history)
        return self._history[self._played][0] if is_played else self._now

    def ask(self, call: Call) -> Any:
        """Return the reply's value; raises what botocore raises where it went wrong."""
        if self._played == len(self._history):
            self.pending = self.pending or call  # code that catches everything goes on calling
            raise _Paused
        reply = self._history[self._played][1]
        self._played += 1
        if reply.how == "failed":
            raise ConnectionClosedError(endpoint_url="https://aws")
        if reply.how == "refused":
            raise _refusal(reply.value)
        return reply.value

    def services(self) -> Services:
        services = Services(environment=SETTINGS, clock=self.clock)
        table = Table("x", _DynamoDB(self))
        vars(services).update(table=table, store=_Store(table, self), queues=_Lanes(self))
        vars(services).update(catalogue=_Catalogue(), workers=_Workers(self), bucket=_Bucket())
        return services


def _refusal(item: str | None) -> ClientError:
    attributes = {} if item is None else {"Item": pack_item(json.loads(item))}
    error: Any = {"Error": {"Code": "ConditionalCheckFailedException"}} | attributes
    return ClientError(error, "UpdateItem")


def text(item: dict[str, Any]) -> str:
    """Return an item as JSON, always the same for the same item."""
    return json.dumps({k: v for k, v in item.items() if v is not None}, sort_keys=True)


class _Store(Store):
    """The real store, which notes the name of each write."""

    def __init__(self, table: Table, tape: _Tape) -> None:
        super().__init__(table)
        self._tape = tape

    def _write(self, ref: Ref, write: str, *args: Any) -> tuple[bool, Item | None]:
        self._tape.write = write
        return super()._write(ref, write, *args)


class _DynamoDB:
    """The table's client."""

    def __init__(self, tape: _Tape) -> None:
        self._tape, self._ask = tape, tape.ask

    def get_item(self, **asked: Any) -> dict[str, Any]:
        item = self._ask(Call("get", _kind(asked["Key"]), _key(asked["Key"])))
        return {} if item is None else {"Item": pack_item(json.loads(item))}

    def put_item(self, **asked: Any) -> None:
        item = unpack_item(asked["Item"])
        now = asked.get("ExpressionAttributeValues", {}).get(":now")
        details = *_key(asked["Item"]), text(item), now and unpack(now)
        self._ask(Call("put", _kind(asked["Item"]), details))

    def update_item(self, **asked: Any) -> dict[str, Any]:
        values = {k: unpack(v) for k, v in asked["ExpressionAttributeValues"].items()}
        details = *_key(asked["Key"]), asked["UpdateExpression"], json.dumps(values)
        return {
            "Attributes": pack_item(
                json.loads(self._ask(Call("update", self._tape.write, details)))
            )
        }

    def get_paginator(self, _query: str) -> "_DynamoDB":
        return self

    def paginate(self, **asked: Any) -> list[dict[str, Any]]:
        values = {k: unpack(v) for k, v in asked["ExpressionAttributeValues"].items()}
        if values[":shard"] != 0:  # where all ids of the model are
            return []
        keys = self._ask(Call("due", "", (values[":by"],)))
        found = [] if keys is None else [{"PK": keys[0], "SK": keys[1], "due_at": values[":by"]}]
        return [{"Items": [pack_item(item) for item in found]}]


def _key(item: dict[str, Any]) -> tuple[str, str]:
    return item["PK"]["S"], item["SK"]["S"]


def _kind(item: dict[str, Any]) -> str:
    return "key" if item["SK"]["S"] == "KEY" else "record"


class _Lanes(Queues):
    """The real queues; this is their client of SQS."""

    def __init__(self, tape: _Tape) -> None:
        self._urls, self._webhooks = {"on-time": "sqs/x", "flexible": "sqs/x"}, "sqs/x"
        self._client, self._ask = self, tape.ask

    def send_message(self, **sent: Any) -> None:
        job_id = json.loads(sent["MessageBody"])["id"]
        self._ask(Call("send", "", (job_id, sent["DelaySeconds"])))

    def change_message_visibility(self, **said: Any) -> None:
        self._ask(Call("postpone", "", (said["ReceiptHandle"], said["VisibilityTimeout"])))


class _Workers:
    """The worker, called directly, without a wait for its end."""

    def __init__(self, tape: _Tape) -> None:
        self._ask = tape.ask

    def run(self, ref: Ref, _seconds: float) -> None:
        try:
            took = self._ask(Call("invoke", "", (ref.id,)))
        except ConnectionClosedError as error:
            raise NoWorker from error
        if not took:
            raise NoWorker


class _Bucket:
    """A bucket whose objects do not matter to the model."""

    def put(self, *_: Any) -> None: ...

    def delete(self, *_: Any) -> None: ...


class _Catalogue:
    """One operation."""

    def get_served(self, _door: str | None, name: str) -> Entry:
        doors = ("async", "hybrid")
        return Entry(name, "", name, TIMEOUT_S, TRIES, doors, False, False, lambda given: given)

    def find(self, name: str) -> Entry:
        return self.get_served(None, name)


def _operates(_entry: Entry, _given: Any, context: Context, *, seconds: float, **_: Any) -> Any:
    """Stand in for the operation's run: what it does is a step like any other."""
    if seconds <= 0:
        raise TimedOut
    while True:
        match _TAPES[-1].ask(Call("operate", "", (context.attempt,))):
            case "reports":
                context.progress(0.5)
            case "fails":
                raise OSError("no")
            case int() as wait_s:
                raise Unavailable("not now", wait_s)
            case _:
                return executor.Result(str(context.attempt).encode())


@contextlib.contextmanager
def without_chance() -> Iterator[None]:
    """Take away from the code what differs from run to run: random waits and ids, sleep, logs."""
    still = SimpleNamespace(sleep=lambda _s: None, monotonic=lambda: 0.0)
    with contextlib.ExitStack() as stack:
        for module, name, value in (
            (attempt, "time", still),
            (hybrid, "time", still),
            (settle, "random", SimpleNamespace(uniform=lambda _low, high: high)),
            (model, "new_id", lambda _now, _shards=1: _TAPES[-1].program.job_id),
            (executor, "run", _operates),
        ):
            stack.enter_context(mock.patch.object(module, name, value))
        stack.callback(logging.disable, logging.root.manager.disable)
        logging.disable(logging.CRITICAL)
        yield
