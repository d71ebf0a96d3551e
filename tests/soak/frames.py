"""What is asked for, and when: at random, and over within a minute or canceled in the end."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

#: A start that is further ahead than a message can be delayed: the record alone holds it.
FAR_S = 3600


def work() -> tuple[str, dict[str, Any]]:
    """Return an operation and its input."""
    seconds = round(random.uniform(0, 3), 1)
    return random.choice(
        [
            ("echo", {"value": random.random()}),
            ("echo", {"value": "x" * random.choice((10, 3_000, 30_000))}),
            ("text-stats", {"text": "To be, or not to be. " * random.randrange(100)}),
            ("sleep", {"seconds": seconds}),
            ("sleep", {"seconds": seconds}),
            ("fail", {"kind": "error"}),
            ("fail", {"kind": "refused", "after": seconds}),
            ("flaky", {"failures": random.randrange(4)}),
        ]
    )


def frame() -> dict[str, Any]:
    """Return when it may start and has to be done, as members of a request."""
    some_s = round(random.uniform(1, 10), 1)
    enough = {"within": random.choice((60, 600, 86400))}
    by = {"at": _in_s(some_s + 90)}
    return random.choice(
        [
            {},
            {},
            {"deadline": enough},
            {"deadline": enough},
            {"deadline": by},
            {"deadline": {"within": some_s / 2}},  # may be missed
            {"deadline": {"within": some_s, "or": "refuse"}},
            {"start": {"after": some_s}},
            {"start": {"at": _in_s(some_s)}, "deadline": by},
            {"start": {"after": some_s}, "deadline": {"within": some_s + 1}},
            {"start": {"after": FAR_S}},
            {"retention": 7200},
        ]
    )


def may_be_refused(frame: dict[str, Any]) -> bool:
    """Tell whether its times may be impossible by the time that the API checks them."""
    return "at" in frame.get("start", {}) or "or" in frame.get("deadline", {})


def _in_s(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()
