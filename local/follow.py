"""Shows each completion event of a local stack."""

import contextlib
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.inbox import Inbox
from local.stack import Stack
from local.terminal import Terminal

#: How many characters are shown of an event of another form.
_LONGEST = 500


class Notifications:
    """Subscribes to the topic, and prints its events."""

    def __init__(self, stack: Stack, terminal: Terminal) -> None:
        self._inbox, self._terminal = Inbox(stack, "notifications-shown"), terminal

    def run(self) -> None:
        with contextlib.suppress(BotoCoreError, ClientError):  # the emulator was stopped
            while True:
                for event in self._inbox.receive(wait_s=10):
                    self._terminal.say(describe(event))


def describe(event: Any) -> str:
    """Return an event as a line, and its error as another; of one of another form the beginning."""
    try:
        job = event["data"]
        error = f"\n  {job['error']['detail']}" if job["error"] else ""
        return f"{job['operation']} {job['id']} {job['status']}{error}"
    except (KeyError, TypeError):
        text = f"{event}"
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} …"
