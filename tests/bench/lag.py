"""How long after a job's end its notification and its webhook arrive, alone and in a burst."""

import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from local.inbox import Inbox
from tests.e2e.client import Client
from tests.e2e.served import Served
from tests.receiver import Receiver

ALONE, BURST = 20, 1000
#: Seconds until the last of a burst must have arrived.
MAX_S = 300


def measure(served: Served) -> bool:
    """Print the median lags, and tell whether everything arrived."""
    client = Client(served.told()["url"], served.told()["key"])
    with Receiver() as receiver, Subscriber(served) as subscriber:
        alone = [one for _ in range(ALONE) for one in _told(client, receiver, subscriber, 1)]
        burst = _told(client, receiver, subscriber, BURST)
    client.close()
    print("\nlag from the end to its arrival, median (ms)       SNS  webhook")
    for what, lags in ((f"one job at a time, {ALONE} times", alone), (f"{BURST} at once", burst)):
        sns, webhook = (statistics.median(column) * 1000 for column in zip(*lags, strict=True))
        print(f"{what:<48} {sns:5.0f}    {webhook:5.0f}")
    print(f"of {BURST} ends at once, {len(burst)} notifications and webhooks arrived")
    return len(burst) == BURST


class Subscriber:
    """Notes when each job's event arrives."""

    def __init__(self, served: Served) -> None:
        self._inbox, self._ended = Inbox(served.stack(), "lag"), threading.Event()
        self.arrivals: dict[str, float] = {}
        self._thread = threading.Thread(target=self._receive, daemon=True)

    def __enter__(self) -> "Subscriber":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(30)
        self._inbox.close()

    def _receive(self) -> None:
        while not self._ended.is_set():
            for event in self._inbox.receive(1):
                self.arrivals.setdefault(event["subject"], time.time())


def _told(
    client: Client, receiver: Receiver, subscriber: Subscriber, count: int
) -> list[tuple[float, float]]:
    """Have jobs end; return how long after its end each one's SNS message and webhook arrived."""

    def submit(n: int) -> str:
        made = client.submit("text-stats", {"text": str(n)}, callback={"url": receiver.url()})
        return str(made["id"])

    with ThreadPoolExecutor(min(count, 8)) as clients:
        ids = list(clients.map(submit, range(count)))
    until = time.monotonic() + MAX_S
    while time.monotonic() < until:
        called = {r.headers["webhook-id"].partition("/")[0]: r.at for r in list(receiver.requests)}
        arrived = [i for i in ids if i in called and i in subscriber.arrivals]
        if len(arrived) == count:
            break
        time.sleep(0.02)
    lags = []
    for job_id in arrived:
        ended = datetime.fromisoformat(client.get(f"/jobs/{job_id}").json()["ended"]).timestamp()
        lags.append((subscriber.arrivals[job_id] - ended, called[job_id] - ended))
    return lags
