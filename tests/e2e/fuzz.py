"""A check for Schemathesis, which loads this module itself: 5xx, but where it was asked for."""

from typing import Any

import schemathesis

#: What a request can bring on itself, by a deadline or a strict wait that is too short.
_ASKED_FOR = ("deadline-exceeded", "timed-out")


@schemathesis.check
def no_fault_of_the_server(_context: Any, response: Any, case: Any) -> None:
    """Fail on every 5xx, but for one of a request's own limits."""
    if response.status_code < 500:
        return
    is_ours = "application/problem+json" in response.headers.get("content-type", [""])[0]
    name = response.json()["type"].rpartition("/")[2] if is_ours else None
    assert name in _ASKED_FOR, f"{case.method} {case.path} → {response.status_code}: {name}"
