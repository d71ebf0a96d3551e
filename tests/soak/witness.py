"""An operation whose runs leave a trace: served by a stack in which processes are killed."""

import os
import tempfile
import time
from pathlib import Path
from typing import TypedDict

from nowlater import Context, operation


class Run(TypedDict):
    """What `witness` returns."""

    attempt: int


@operation(timeout=5, attempts=5, diagnostic=True)
def witness(context: Context, seconds: float = 0, failures: int = 0) -> Run:
    """Takes so long, fails on the first attempts, and writes down when a run began and was over."""
    _write("began", context)
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        context.progress(0.5, "half way, for all that anybody knows")
        time.sleep(0.05)
    _write("over", context)
    if context.attempt <= failures:
        raise RuntimeError("It failed, as it was asked to.")
    return {"attempt": context.attempt}


def _write(what: str, context: Context) -> None:
    """Add a line at once and whole: this process may be killed at any moment."""
    now_ms = time.time_ns() // 1_000_000
    line = f"{what} {context.job_id} {context.attempt} {now_ms} {os.getpid()}\n"
    runs = os.open(Path(tempfile.gettempdir()) / "runs", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(runs, line.encode())
    finally:
        os.close(runs)
