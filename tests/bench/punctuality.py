"""How late jobs start that are to start later, and how far the progress that is seen is behind."""

import statistics
import time
from datetime import UTC, datetime
from typing import Any

from tests.e2e.client import Client
from tests.e2e.served import Served

JOBS = 10
#: Seconds from a start that was asked for to the start, on a warm Lambda.
MAX_LATE_S = 1.5
#: Progress is reported at most once a second, in steps of a quarter of one, and seen within a second.
MAX_BEHIND_S = 1 + 0.25 + 1
RUN_S = 4


def measure(served: Served) -> bool:
    """Print both, and tell whether they are in their budget."""
    client = Client(served.told()["url"], served.told()["key"])
    client.ended(client.submit("echo", {"value": 1}, deadline={"within": 600}))
    late_s = statistics.median(_late_s(client) for _ in range(JOBS))
    behind_s = max(_behind_s(client))
    client.close()
    print("\npunctuality on the local stack (s)                     budget")
    print(f"{f'start after its time, median of {JOBS}':<48} {late_s:5.2f}  ≤ {MAX_LATE_S:g}")
    print(f"{'progress behind the run, at most':<48} {behind_s:5.2f}  ≤ {MAX_BEHIND_S:g}")
    return late_s <= MAX_LATE_S and behind_s <= MAX_BEHIND_S


def _late_s(client: Client) -> float:
    soon = {"start": {"after": 2}, "deadline": {"within": 600}}
    job = client.ended(client.submit("echo", {"value": 1}, **soon))
    return (_instant(job["started"]) - _instant(job["start_at"])).total_seconds()


def _behind_s(client: Client) -> list[float]:
    """Return by how much progress was behind the time that the run had taken, at each look."""
    job, behind_s = client.submit("sleep", {"seconds": RUN_S}, deadline={"within": 600}), [0.0]
    while (seen := client.see(job))["status"] != "succeeded":
        if seen["status"] == "running":
            ran_s = (datetime.now(UTC) - _instant(seen["started"])).total_seconds()
            behind_s.append(min(ran_s, RUN_S) - RUN_S * _fraction(seen))
        time.sleep(0.1)
    return behind_s


def _fraction(job: Any) -> float:
    return float((job["progress"] or {}).get("fraction") or 0)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
