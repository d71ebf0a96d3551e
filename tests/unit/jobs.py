"""Jobs for tests: each names only what matters to it."""

from typing import Any

from hypothesis import strategies as st

from nowlater.jobs.model import ENDED, UNFINISHED, Job
from tests import expressions

#: 2026-03-01T12:00:00Z
NOW = 1_772_366_400_000
HOUR = 3_600_000
ID = "019ca957-3c00-7abc-8def-0123456789ab"


def job(**changes: Any) -> Job:
    """Return a queued job, accepted a moment ago, with a deadline in an hour."""
    usual: dict[str, Any] = {
        "owner": "acme",
        "id": ID,
        "operation": "text-stats",
        "lane": "on-time",
        "status": "queued",
        "base": "https://api.example.com",
        "created": NOW,
        "updated": NOW,
        "deadline": NOW + HOUR,
        "has_deadline": True,
        "timeout_ms": 20_000,
        "retention_s": 86_400,
        "attempts_left": 3,
    }
    return Job(**usual | changes)


INSTANTS = st.sampled_from([NOW - HOUR, NOW - 1, NOW, NOW + 1, NOW + HOUR])
TOKENS = st.integers(0, 3)


@st.composite
def jobs(draw: st.DrawFn) -> Job:
    """Draw a job in a state that one can be in, with its times around now."""
    status = draw(st.sampled_from(UNFINISHED + ENDED))
    changes: dict[str, Any] = {
        "status": status,
        "deadline": draw(INSTANTS),
        "attempts_left": draw(st.integers(0, 2)),
        "attempt": draw(st.integers(1 if status == "running" else 0, 3)),
        "due_at": draw(st.none() | INSTANTS),
    }
    if status in ("scheduled", "queued"):
        changes["not_before"] = draw(INSTANTS if status == "scheduled" else st.none() | INSTANTS)
    if status == "running":
        changes |= {"lease_until": draw(INSTANTS), "lease_holder": "a request"}
    if status in ENDED:
        changes |= {"ended": NOW - HOUR, "expires": draw(INSTANTS)}
    return job(**changes)


def is_met(expression: str, item: dict[str, Any], token: int) -> bool:
    """Evaluate a condition of a write as DynamoDB does."""
    values = {"now": NOW, "token": token, "zero": 0} | {s: s for s in UNFINISHED + ENDED}
    names = expressions.own_names(expression)
    return expressions.holds(expression, item, names, {f":{k}": v for k, v in values.items()})
