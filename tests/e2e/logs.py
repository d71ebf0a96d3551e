"""All that a local stack has logged, and what must never be in it."""

import re
from collections.abc import Iterator
from typing import Any

from tests.e2e.served import Served

#: The emulator gives so many of the oldest events, and no token for those that follow.
_PAGE = 10_000
#: So many lines are shown with a failure; these are Lambda's own.
_SHOWN, _PLATFORM = 60, ("START ", "END ", "REPORT ")
#: Keys, tokens, webhook secrets and signatures of any owner.
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
    """Return the last lines that were logged since an instant, and write them to a file that they name."""
    files = [served.output, served.folder / ".local" / "emulator.log"]
    try:
        events = sorted(_events(served, round(since * 1000)), key=lambda e: int(e["timestamp"]))
    except Exception as fault:  # whatever it is, it is no failure of its own
        last = _last([line for file in files for line in file.read_text().splitlines()])
        return f"The stack does not answer: {fault!r}\n\n{last}\n\nAll of it: {files}"
    written = served.folder / "lambdas.log"
    written.write_text("\n".join(event["message"] for event in events))
    lines = [e["message"] for e in events if not e["message"].startswith(_PLATFORM)]
    return f"{_last(lines)}\n\nAll of it: {', '.join(map(str, [written, *files]))}"


def _last(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines[-_SHOWN:])


def leaks(text: str) -> dict[str, list[str]]:
    """Return what of `NEVER` is in a log."""
    found = {name: re.findall(pattern, text) for name, pattern in NEVER.items()}
    return {name: hits[:3] for name, hits in found.items() if hits}


def _events(served: Served, since: int = 0) -> Iterator[dict[str, Any]]:
    """Yield the events of all log groups since an instant, in milliseconds."""
    logs = served.client("logs")
    for group in logs.get_paginator("describe_log_groups").paginate().search("logGroups[]"):
        start, page = since, _PAGE
        while page == _PAGE:
            got = logs.filter_log_events(logGroupName=group["logGroupName"], startTime=start)
            yield from got["events"]
            page = len(got["events"])
            start = got["events"][-1]["timestamp"] if page else start
