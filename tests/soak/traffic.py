"""The callers: each does one thing after another, at random, as fast as all together may."""

import random
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import requests

from tests.e2e.client import Client
from tests.soak import frames
from tests.soak.ledger import Keyed, Ledger

CALLERS = 16
#: Every job of the run has it, so that those can be found of which no caller knows.
TAGS = {"soak": "yes"}
PREFERENCES = (None, "wait=1", "wait=5", "respond-async", "wait=1, handling=strict")


class Traffic:
    """Callers that share a rate, a bound and a ledger."""

    def __init__(self, url: str, key: str, ledger: Ledger, rate: float, most: int) -> None:
        self._url, self._key, self._ledger = url, key, ledger
        self._pause_s, self._left = 1 / rate, most
        self._next_s, self._lock = time.monotonic(), threading.Lock()
        self.client = Client(url, key)

    def run(self, until_s: float) -> None:
        """Send until an instant of `time.monotonic`, or until the bound; tell how far it is."""
        with ThreadPoolExecutor(CALLERS) as pool:
            callers = [pool.submit(self._caller, until_s) for _ in range(CALLERS)]
            while wait(callers, timeout=30).not_done:
                sent, accepted = self._ledger.answers.total(), len(self._ledger.jobs)
                left_s = max(0, until_s - time.monotonic())
                print(f"{sent} requests, {accepted} jobs, {left_s:.0f} s left", flush=True)
        for caller in callers:
            caller.result()

    def _caller(self, until_s: float) -> None:
        client = Client(self._url, self._key)
        caller = Caller(client, self._ledger)
        while self._may_send(until_s):
            try:
                caller.act()
            except requests.Timeout:
                self._ledger.lose()
            except Exception as fault:
                self._ledger.complain(f"a caller did not understand: {fault!r}")
        client.close()

    def _may_send(self, until_s: float) -> bool:
        """Wait for this caller's turn; tell whether there is one."""
        with self._lock:
            turn_s = max(self._next_s, time.monotonic())
            self._next_s, self._left = turn_s + self._pause_s, self._left - 1
            if turn_s > until_s or self._left < 0:
                return False
        time.sleep(max(0.0, turn_s - time.monotonic()))
        return True


class Caller:
    """One caller, and the things that it does."""

    def __init__(self, client: Client, ledger: Ledger) -> None:
        self._client, self._ledger = client, ledger
        weights = {
            self.ask_now: 2,
            self.ask_for_later: 6,
            self.ask_and_wait: 4,
            self.ask_with_a_key: 2,
            self.repeat: 2,
            self.look: 4,
            self.cancel: 2,
            self.retry: 1,
            self.erase: 1,
            self.list: 1,
        }
        self._acts, self._weights = list(weights), list(weights.values())

    def act(self) -> None:
        (act,) = random.choices(self._acts, self._weights)
        act()

    def ask_now(self) -> None:
        operation, given = frames.work()
        answer = self._client.ask("sync", operation, given)
        self._took("sync", answer, (200, 422, 500, 503))

    def ask_for_later(self) -> None:
        operation, given = frames.work()
        frame = frames.frame()
        refused = (422,) if frames.may_be_refused(frame) else ()
        answer = self._client.ask("async", operation, given, tags=TAGS, **frame)
        if self._took("async", answer, (202, *refused)) and answer.status_code == 202:
            self._ledger.see(answer.json())

    def ask_and_wait(self) -> None:
        operation, given = frames.work()
        prefer = random.choice(PREFERENCES)
        headers = {} if prefer is None else {"Prefer": prefer}
        answer = self._client.ask("hybrid", operation, given, tags=TAGS, headers=headers)
        # The last ones are those of a failed job, of one canceled by another caller, and of `strict`.
        if self._took("hybrid", answer, (200, 202, 422, 500, 409, 504)):
            self._ledger.accept(answer.headers["Content-Location"].rpartition("/")[2])

    def ask_with_a_key(self) -> None:
        """Send a request twice, as who has lost the answer does."""
        operation, given = frames.work()
        body, key = {"input": given, "tags": TAGS} | frames.frame(), secrets.token_hex(8)
        refused = (422,) if frames.may_be_refused(body) else ()
        for _ in range(2):
            answer = self._keyed(operation, body, key)  # 410: another caller was quick to erase it
            self._took("async with a key", answer, (202, 410, *refused))
            if answer.status_code == 202:
                self._ledger.see(answer.json())
                self._ledger.remember(Keyed(key, operation, body, answer.json()["id"]))

    def repeat(self) -> None:
        """Send an earlier request again, or another one with its key."""
        if (known := self._ledger.any_keyed()) is None:
            return
        if random.random() < 0.2:
            answer = self._keyed(known.operation, known.body | {"retention": 9000}, known.key)
            self._took("another body with a key", answer, (422,))
            return
        answer = self._keyed(known.operation, known.body, known.key)
        if not self._took("replay", answer, (202, 410)) or answer.status_code == 410:
            return
        if answer.json()["id"] != known.job or "Idempotency-Replayed" not in answer.headers:
            self._ledger.complain(f"the key of {known.job} named {answer.json()['id']}")
        self._ledger.see(answer.json())

    def _keyed(self, operation: str, body: dict[str, Any], key: str) -> requests.Response:
        headers = {"Idempotency-Key": key}
        return self._client.call("POST", f"/async/{operation}", json=body, headers=headers)

    def look(self) -> None:
        if (known := self._ledger.any_job()) is None:
            return
        wait = {"Prefer": "wait=2"} if random.random() < 0.3 else {}
        part = random.choice(("", "", "/result", "/events"))
        answer = self._client.get(f"/jobs/{known.id}{part}", headers=wait)
        gone = (410,) if known.erased else ()
        good = {"": (200,), "/result": (200, 202, 303, 409), "/events": (200,)}[part]
        self._took(f"GET job{part}", answer, good + gone)
        if part == "" and answer.status_code == 200:
            self._ledger.see(answer.json())

    def cancel(self) -> None:
        if (known := self._ledger.any_job()) is None:
            return
        answer = self._client.call("POST", f"/jobs/{known.id}/cancel")
        gone = (410,) if known.erased else ()
        if self._took("cancel", answer, (200, 409, *gone)) and answer.status_code == 200:
            self._ledger.see(answer.json())

    def retry(self) -> None:
        if (known := self._ledger.any_job()) is None:
            return
        answer = self._client.call("POST", f"/jobs/{known.id}/retry")
        gone = (410,) if known.erased else ()
        if self._took("retry", answer, (202, 409, *gone)) and answer.status_code == 202:
            self._ledger.see(answer.json())

    def erase(self) -> None:
        """Erase a job whose end was seen: the end of an erased job cannot be read any more."""
        if (known := self._ledger.any_ended()) is None:
            return
        # Known before, so that no other caller wonders that it is gone.
        self._ledger.erase(known.id)
        answer = self._client.call("DELETE", f"/jobs/{known.id}")
        self._took("erase", answer, (204, 410))

    def list(self) -> None:
        query = random.choice(("status=succeeded", "operation=sleep", "tag=soak:yes", "limit=100"))
        self._took("list", self._client.get(f"/jobs?{query}"), (200,))

    def _took(self, what: str, answer: requests.Response, good: tuple[int, ...]) -> bool:
        """Count an answer; tell whether its status is expected."""
        self._ledger.answered(what, answer.status_code)
        if answer.status_code in good:
            return True
        self._ledger.complain(f"{what}: {answer.status_code} {answer.text[:300]}")
        return False
