"""Jobs for tests: each names only what matters to it."""

from typing import Any

from nowlater.jobs.model import Job

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
