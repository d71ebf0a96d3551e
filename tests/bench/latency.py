"""How long callers wait at each door of a warm local stack, and for the end of a job."""

import statistics
import time

from tests.e2e.client import Client
from tests.e2e.served import Served

ROUNDS = 40
TEXT = {"text": "To be, or not to be."}
#: Seconds from a job's acceptance to its end, as its caller sees it.
MAX_TO_END_S = 2.0


def measure(served: Served) -> bool:
    """Print the doors' median latencies, and tell whether they are in their budget."""
    client = Client(served.connection()["url"], served.connection()["key"])
    taken = [_round(client) for _ in range(ROUNDS + 3)][3:]
    client.close()
    sync, later, end, hybrid = (statistics.median(column) for column in zip(*taken, strict=True))
    budget = 2 * sync + 0.1
    print(f"\nlatency on the local stack, median of {ROUNDS} (ms)        budget")
    for what, seconds, most in (
        ("sync: answered", sync, None),
        ("async: accepted", later, None),
        ("async: accepted to ended", end, MAX_TO_END_S),
        ("hybrid: answered (2 × sync + 100)", hybrid, budget),
    ):
        print(f"{what:<48} {seconds * 1000:5.0f}{f'  ≤ {most * 1000:.0f}' if most else ''}")
    return hybrid <= budget and end <= MAX_TO_END_S


def _round(client: Client) -> tuple[float, float, float, float]:
    began = time.monotonic()
    sync = client.ask("sync", "text-stats", TEXT)
    answered = time.monotonic()
    job = client.submit("text-stats", TEXT)
    accepted = time.monotonic()
    client.ended(job)
    ended = time.monotonic()
    hybrid = client.ask("hybrid", "text-stats", TEXT)
    last = time.monotonic()
    assert (sync.status_code, hybrid.status_code) == (200, 200)
    return answered - began, accepted - answered, ended - accepted, last - ended
