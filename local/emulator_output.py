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

#: As Lambda's own runtime does, it gives the root logger a handler: `logging` works in operations.
_BOOTSTRAP = """
import logging as _logging
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
    with suppress(ValueError):  # the pipe was closed
        for line in worker._proc.stderr:
            text = line.rstrip("\n")
            worker._stderr_queue.put(text)
            _send(worker, line=text)


def end(worker: Worker, result: dict[str, Any]) -> None:
    """Report a process that has ended or was ended, which is none of the operation's exceptions."""
    error = str(result.get("error", "")) if result.get("status") == "error" else ""
    if error == "Worker process died":
        worker._stderr_thread.join(2)  # its last lines come first
        process = worker.last_process
        _send(worker, died=_reason(None if process is None else process.returncode))
    elif error.startswith("Task timed out"):
        _send(worker, died="it ran longer than its Lambda may")


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
