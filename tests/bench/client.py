"""The Python client: what importing it costs, and 200 jobs against a program written by hand."""

import json
import os
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx

from nowlater_client import Client
from tests.e2e.served import ROOT, Served

ROUNDS = 15
MAX_OF_HTTPX, MAX_OF_BY_HAND = 1.3, 1.0
JOBS = 200

_IMPORT = "import time; t = time.perf_counter(); import {}; print(time.perf_counter() - t)"


def measure_import() -> bool:
    """Print the ratio to importing httpx, as a median of pairs, and tell whether it is kept."""
    names = ("nowlater_client", "httpx")
    pairs = [tuple(map(_import_s, names)) for _ in range(ROUNDS + 1)][1:]
    ratio = statistics.median(ours / httpx_s for ours, httpx_s in pairs)
    return _show("import nowlater_client / httpx", ratio, MAX_OF_HTTPX)


def measure_jobs(served: Served) -> bool:
    """Print the ratio to a program with a connection pool and a poll for each job."""
    access, texts = served.told(), [f"text {number}" for number in range(JOBS)]
    asked, counted = list[httpx.Request](), list[httpx.Request]()
    with httpx.Client(event_hooks={"request": [asked.append]}) as http:
        client = Client(access["url"], access["key"], http_client=http)
        client.call("text-stats", {"text": "warm"}, wait=10)
        pairs = []
        for _ in range(3):
            asked.clear()
            counted.clear()
            began = time.perf_counter()
            ours = list(client.map("text-stats", ({"text": text} for text in texts)))
            middle = time.perf_counter()
            by_hand = _by_hand(access["url"], access["key"], texts, counted)
            pairs.append((middle - began, time.perf_counter() - middle))
            assert ours == by_hand
    ratio = statistics.median(ours_s / by_hand_s for ours_s, by_hand_s in pairs)
    seconds = statistics.median(ours_s for ours_s, _ in pairs)
    print(f"map: {JOBS} jobs in {seconds:.1f} s, {len(asked)} requests; by hand: {len(counted)}")
    return _show("map / by hand", ratio, MAX_OF_BY_HAND)


def _by_hand(url: str, key: str, texts: list[str], counted: list[httpx.Request]) -> list[object]:
    """Submit and poll as users write it: 10 threads, each job read until it has ended."""
    headers = {"Authorization": f"Bearer {key}"}
    hooks = {"request": [counted.append]}
    with httpx.Client(headers=headers, timeout=60, event_hooks=hooks) as http:

        def run(text: str) -> object:
            job = http.post(f"{url}/async/text-stats", json={"input": {"text": text}}).json()
            while job["ended"] is None:
                time.sleep(1)
                job = http.get(job["links"]["self"]).json()
            return job["result"]

        with ThreadPoolExecutor(10) as threads:
            return list(threads.map(run, texts))


def _import_s(name: str) -> float:
    environment = os.environ | {"PYTHONPATH": str(ROOT / "clients" / "python")}
    done = subprocess.run(
        [sys.executable, "-c", _IMPORT.format(name)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return float(json.loads(done.stdout))


def _show(what: str, ratio: float, budget: float) -> bool:
    said = "" if ratio <= budget else "  NOT KEPT"
    print(f"{what:<48} {ratio:5.2f}  ≤ {budget}{said}", flush=True)
    return ratio <= budget
