"""Prints what happens in a local stack: each notification, and each error that a Lambda logs."""

import contextlib
import json
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.inbox import Inbox
from local.stack import Stack

#: A slow Lambda's log lines can arrive after newer lines of other Lambdas, by this much.
_LATE_MS = 5000


class Notifications:
    """Subscribes to the topic, and prints its events."""

    def __init__(self, stack: Stack) -> None:
        self._inbox = Inbox(stack, "notifications-shown")

    def run(self) -> None:
        with contextlib.suppress(BotoCoreError, ClientError):  # the emulator was stopped
            while True:
                for event in self._inbox.receive(wait_s=10):
                    _show(_format_event, event)


class Errors:
    """Prints the traceback of each error in the Lambdas' log."""

    def __init__(self, stack: Stack) -> None:
        self._logs = stack.client("logs")
        self._group = stack.outputs["LogGroupName"]
        self._since = int(time.time() * 1000)
        self._seen: set[str] = set()

    def run(self) -> None:
        with contextlib.suppress(BotoCoreError, ClientError):  # the emulator was stopped
            while True:
                self._show_new_lines()
                time.sleep(1)

    def _show_new_lines(self) -> None:
        # The emulator returns only the oldest events, up to a limit: newer ones need a later start.
        page = self._logs.filter_log_events(logGroupName=self._group, startTime=self._since)
        for event in page["events"]:
            self._since = max(self._since, event["timestamp"] - _LATE_MS)
            for line in event["message"].splitlines():
                if line not in self._seen:
                    self._seen.add(line)
                    _show(_format_error, line)


def _show(format_: Callable[[Any], str], value: Any) -> None:
    """Print a formatted value, or the value itself if it cannot be formatted."""
    try:
        line = format_(value)
    except (KeyError, TypeError, ValueError):
        line = f"{value}"
    if line:
        print(line, flush=True)


def _format_error(line: str) -> str:
    """Return an error in a log line as text; "" for any other line."""
    if not line.startswith("{"):
        return ""
    fields = json.loads(line)
    if fields.get("level") != "ERROR":
        return ""
    job_id, traceback = fields.get("job_id", ""), fields.get("exception", "")
    return f"error: {fields.get('message')} {job_id}\n{traceback}"


def _format_event(event: dict[str, Any]) -> str:
    job = event["data"]
    error = f": {job['error']['detail']}" if job["error"] else ""
    return f"notification  {job['ended']}  {job['operation']} {job['id']} {job['status']}{error}"
