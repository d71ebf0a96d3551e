"""How long callers wait at each door of a warm local stack."""

import statistics
import tempfile
import time
from pathlib import Path

from tests.e2e.client import Client
from tests.e2e.served import Served

ROUNDS = 40
TEXT = {"text": "To be, or not to be."}


def measure() -> bool:
    """Print the doors' median latencies, and tell whether they are in their budget."""
    with tempfile.TemporaryDirectory() as folder, Served(Path(folder)) as served:
        client = Client(served.told()["url"], served.told()["key"])
        for door in ("sync", "async", "hybrid"):
            client.ask(door, "text-stats", TEXT)
        taken = [
            {door: _seconds(client, door) for door in ("sync", "async", "hybrid")}
            for _ in range(ROUNDS)
        ]
        client.close()
    sync, later, hybrid = (
        statistics.median(t[door] for t in taken) for door in ("sync", "async", "hybrid")
    )
    budget = 2 * sync + 0.1
    print(f"\nlatency on the local stack, median of {ROUNDS}: sync {sync * 1000:.0f} ms, ", end="")
    print(f"async {later * 1000:.0f} ms, hybrid {hybrid * 1000:.0f} ms", end="")
    print(f" (budget of hybrid: 2 × sync + 100 ms = {budget * 1000:.0f} ms)")
    return hybrid <= budget


def _seconds(client: Client, door: str) -> float:
    began = time.monotonic()
    answer = client.ask(door, "text-stats", TEXT)
    assert answer.status_code in (200, 202), answer.text
    return time.monotonic() - began
