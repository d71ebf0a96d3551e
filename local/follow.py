"""Shows what happens in a local stack: each notification, and each error that a Lambda logs."""

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.inbox import Inbox
from local.stack import Stack

#: Lines of a Lambda that took a while can be older than those of others that are there already.
_LATE_MS = 5000


class Notifications:
    """Subscribes to the topic, and shows what is told there."""

    def __init__(self, stack: Stack) -> None:
        self._inbox = Inbox(stack, "notifications-shown")

    def run(self) -> None:
        with contextlib.suppress(BotoCoreError, ClientError):  # the emulator has ended
            while True:
                for event in self._inbox.receive(wait_s=10):
                    _show(_line, event)


class Errors:
    """Shows the traceback of each error in the Lambdas' log."""

    def __init__(self, stack: Stack) -> None:
        self._logs = stack.client("logs")
        self._group = stack.outputs["LogGroupName"]
        self._since = int(time.time() * 1000)
        self._seen: set[str] = set()

    def run(self) -> None:
        with contextlib.suppress(BotoCoreError, ClientError):  # the emulator has ended
            while True:
                self._look()
                time.sleep(1)

    def _look(self) -> None:
        # The emulator gives the oldest events alone, so many at most: it has to be asked for others.
        got = self._logs.filter_log_events(logGroupName=self._group, startTime=self._since)
        for event in got["events"]:
            self._since = max(self._since, event["timestamp"] - _LATE_MS)
            for line in event["message"].splitlines():
                if line not in self._seen:
                    self._seen.add(line)
                    _show(_error, line)


def _show(as_line: Callable[[Any], str], what: Any) -> None:
    """Print something; what cannot be shown as it should be is shown as it is."""
    try:
        line = as_line(what)
    except (KeyError, TypeError, ValueError):
        line = f"{what}"
    if line:
        print(line, flush=True)


def _error(line: str) -> str:
    """Return an error that a Lambda logged as text; nothing of what else is logged."""
    if not line.startswith("{"):
        return ""
    said = json.loads(line)
    if said.get("level") != "ERROR":
        return ""
    return f"error: {said.get('message')} {said.get('job_id', '')}\n{said.get('exception', '')}"


def _line(event: dict[str, Any]) -> str:
    job = event["data"]
    error = f": {job['error']['detail']}" if job["error"] else ""
    return f"notification  {job['ended']}  {job['operation']} {job['id']} {job['status']}{error}"
