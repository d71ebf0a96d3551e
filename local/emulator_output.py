"""Sends each line that a Lambda prints to `make up` at once, with the run that printed it.

Runs in the emulator's environment.
"""

import json
import os
import signal
import threading
import time
from contextlib import suppress
from typing import Any

from ministack.core import lambda_runtime
from ministack.core.lambda_runtime import Worker

from local.lines import Lines

#: What a process does before the emulator's own program, which reads invocations from sys.stdin and
#: answers on sys.stdout. These become pipes of its own: what operations and their children print is
#: no answer, and what they read no invocation. As on AWS, their input is empty, and both outputs are
#: logged, with what has no line break when the run ends.
#: As Lambda's own runtime does, it gives the root logger a handler: `logging` works in operations.
_BOOTSTRAP = """
import logging as _logging, os as _os, sys as _sys

class _Emulator:
    def __init__(self):
        self._invocations = _os.fdopen(_os.dup(0), encoding="utf-8")
        self._answers = _os.fdopen(_os.dup(1), "w", encoding="utf-8")
        _os.dup2(_os.open(_os.devnull, _os.O_RDONLY), 0)
        _os.dup2(2, 1)
        self._empty = open(_os.devnull)
    def readline(self):
        line = self._invocations.readline()
        _sys.stdin = self._empty
        return line
    def write(self, answer):
        try:
            _sys.stderr.flush()
        except ValueError:
            pass  # an operation has closed it
        _sys.stdin = self
        self._answers.write(answer)
    def flush(self):
        self._answers.flush()

_sys.stdin = _sys.stdout = _Emulator()
_logging.basicConfig(level=_logging.INFO, format="%(levelname)s %(name)s: %(message)s")
_logging.getLogger("botocore").setLevel(_logging.WARNING)
"""
#: The pipe to `make up`, if any; its variable must not reach the Lambdas.
_PIPE = os.environ.pop("OUTPUT")

_spawn = Worker._spawn
_lock = threading.Lock()


def apply() -> None:
    """Have the processes of Lambdas report what they print, and how they end."""
    Worker._read_stderr, Worker._spawn = read_stderr, spawn
    lambda_runtime._PYTHON_WORKER_SCRIPT = _BOOTSTRAP + lambda_runtime._PYTHON_WORKER_SCRIPT


def begin(worker: Worker, event: Any) -> None:
    """Note which run a process begins."""
    worker.run = describe(event)


def spawn(worker: Worker) -> None:
    """Start a process, and remember it: the emulator forgets a process that has ended."""
    try:
        _spawn(worker)
    finally:
        worker.last_process = worker._proc


def read_stderr(worker: Worker) -> None:
    """Pass each line on, to the emulator's log and to `make up`."""

    def pass_on(line: str) -> None:
        worker._stderr_queue.put(line)
        _send(worker, line=line)

    worker.lines = Lines(worker._proc.stderr, pass_on)
    worker.lines.read()


def end(worker: Worker, result: dict[str, Any]) -> None:
    """Report the last line of a run; and a process that has ended, which is no exception."""
    if (lines := getattr(worker, "lines", None)) is not None:
        lines.end()
    error = str(result.get("error", "")) if result.get("status") == "error" else ""
    if error == "Worker process died":
        worker._stderr_thread.join(2)  # its last lines come first
        process = worker.last_process
        _send(worker, died=_reason(None if process is None else process.returncode))
    elif error.startswith("Task timed out"):
        _send(worker, died="it ran longer than its Lambda may")
    elif error:  # an exception of its handler, which Lambda's own runtime logs; or of its import
        for line in (result.get("trace") or error).splitlines():
            _send(worker, line=line)


def describe(event: Any) -> dict[str, str]:
    """Return the run of an event: of a job, or of a request; {} if it is another."""
    with suppress(KeyError, IndexError, TypeError, ValueError):
        if "Records" in event:  # only the first message's job is run
            event = json.loads(event["Records"][0]["body"])
        if "routeKey" in event:
            door, operation = event["routeKey"].split("/")[1], event["pathParameters"]["operation"]
            return {"door": door, "operation": operation, "at": time.strftime("%H:%M:%S")}
        return {"owner": event["owner"], "job": event["id"]}
    return {}


def _reason(code: int | None) -> str:
    if code is None:
        return "it ended by itself"
    if code >= 0:
        return f"it exited with status {code}"
    name = signal.Signals(-code).name
    return f"it was killed by {name}" + (", perhaps for lack of memory" if -code == 9 else "")


def _send(worker: Worker, **what: str) -> None:
    if not _PIPE:
        return
    record = {"function": worker.func_name} | getattr(worker, "run", {}) | what
    line = f"{json.dumps(record)}\n".encode()
    with _lock, suppress(OSError):  # `make up` has ended
        while line:
            line = line[os.write(int(_PIPE), line) :]
