"""All that a local stack has logged, and what must never be in it."""

import re
from collections.abc import Iterator
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tests.e2e.served import Served

#: The emulator gives so many of the oldest events, and no token for those that follow.
_PAGE = 10_000
#: So many lines are shown with a failure; these are Lambda's own.
_SHOWN, _PLATFORM = 60, ("START ", "END ", "REPORT ")
#: Keys, tokens, webhook secrets and signatures, whoever's they are.
NEVER = {
    "an API key": r"nl_[0-9a-f]{12}_[\w-]{43}",
    "a token": r"\beyJ[\w-]{10,}\.[\w-]+",
    "credentials": r"(?i)\b(?:bearer|basic) +[\w-]",
    "a webhook's secret": r"whsec_[\w+/=]{8}",
    "a webhook's signature": r"\bv1,[\w+/]{40}",
    "a presigned URL": r"(?i)x-amz-(?:signature|credential|security-token)=",
}


def logged(served: Served) -> str:
    """Return what the Lambdas, the API and the emulator itself have logged."""
    events = [event["message"] for event in _events(served)]
    return "\n".join([*events, (served.folder / ".local" / "emulator.log").read_text()])


def story(served: Served, since: float) -> str:
    """Return the last lines that were logged since an instant, and write all to a file that they name."""
    try:
        events = sorted(_events(served), key=lambda event: event["timestamp"])
    except (BotoCoreError, ClientError) as fault:
        return f"It does not answer: {fault}\n\n{_last(served.output.read_text().splitlines())}"
    whole = served.folder / "lambdas.log"
    whole.write_text("\n".join(event["message"] for event in events))
    late = [
        event["message"]
        for event in events
        if event["timestamp"] >= since * 1000 and not event["message"].startswith(_PLATFORM)
    ]
    files = f"{whole}, {served.output} and {served.folder / '.local' / 'emulator.log'}"
    return f"{_last(late)}\n\nAll of it: {files}"


def _last(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines[-_SHOWN:])


def leaks(text: str) -> dict[str, list[str]]:
    """Return what of `NEVER` is in a log."""
    found = {name: re.findall(pattern, text) for name, pattern in NEVER.items()}
    return {name: hits[:3] for name, hits in found.items() if hits}


def _events(served: Served) -> Iterator[dict[str, Any]]:
    """Yield the events of all log groups."""
    logs = served.client("logs")
    for group in logs.get_paginator("describe_log_groups").paginate().search("logGroups[]"):
        since, page = 0, _PAGE
        while page == _PAGE:
            got = logs.filter_log_events(logGroupName=group["logGroupName"], startTime=since)
            yield from got["events"]
            page = len(got["events"])
            since = got["events"][-1]["timestamp"] if page else since
