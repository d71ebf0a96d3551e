"""A caller as a process of its own, which may be killed: what it asks for, it writes down before.

    python -m tests.soak.submitter URL KEY JOURNAL RECEIVER SEED SECONDS

Started again with the same journal, it first repeats each request whose answer it has not seen,
under the same idempotency key. With no seconds left, it does that and nothing else.
"""

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

import requests

from tests.e2e.client import ENDED, Client

#: Every job has it, so that those can be found of which no caller knows.
TAGS = {"soak": "yes"}
#: How long requests are repeated in the end, and the longest pause between two.
_PATIENCE_S, _PAUSE_S = 300, 0.4
#: Refusals that a repetition would not change.
_REFUSED = (409, 410, 422)


class Submitter:
    """One caller; `intents` are its requests by their key, `open` those without an answer."""

    def __init__(self, client: Client, journal: Path, receiver: str, chance: random.Random) -> None:
        self._client, self._receiver, self._chance = client, receiver, chance
        self._journal = journal.open("ab", buffering=0)
        self._open: dict[str, Any] = {}
        self._answered: dict[str, Any] = {}
        self._jobs: list[str] = []
        for line in read(journal):
            self._remember(line)

    def run(self, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        self._repeat(list(self._open.values()))
        while time.monotonic() < until_s:
            (act,) = self._chance.choices(
                (self._submit, self._replay, self._look, self._cancel, self._retry),
                (6, 1, 2, 1, 1),
            )
            act()
            time.sleep(self._chance.uniform(0, _PAUSE_S))
            if self._chance.random() < 0.3:
                self._repeat(list(self._open.values())[:1])
        if seconds <= 0:
            self._finish()

    def _finish(self) -> None:
        until_s = time.monotonic() + _PATIENCE_S
        while self._open and time.monotonic() < until_s:
            self._repeat(list(self._open.values()))
            time.sleep(_PAUSE_S)

    # ── what it does ──────────────────────────────────────────────────────────────────────────

    def _submit(self) -> None:
        chance = self._chance
        body: dict[str, Any] = {"input": self._given(), "tags": TAGS} | self._frame()
        if chance.random() < 0.5:
            ends = [["succeeded", "failed", "canceled"], ["succeeded"]]
            body["callback"] = {"url": self._receiver, "events": chance.choice(ends)}
        prefer = None
        if "start" not in body and chance.random() < 0.4:
            prefer = chance.choice(("wait=1", "wait=3", "respond-async", "wait=1, handling=strict"))
        path = f"/{'async' if prefer is None else 'hybrid'}/witness"
        self._ask({"path": path, "body": body, "prefer": prefer})

    def _given(self) -> dict[str, Any]:
        seconds = self._chance.choice((0, 0.1, 1, 2, 3))
        return {"seconds": seconds, "failures": self._chance.choice((0, 0, 0, 0, 1, 9))}

    def _frame(self) -> dict[str, Any]:
        within = {"deadline": {"within": 600}}
        soon = {"deadline": {"within": self._chance.choice((2, 5))}}  # may be missed
        start = {"start": {"after": self._chance.choice((1, 3))}}
        far = {"start": {"after": 3600}}
        return self._chance.choice(({}, {}, {}, within, within, soon, start, start | within, far))

    def _replay(self) -> None:
        """Send an answered request again."""
        if self._answered:
            self._send(self._chance.choice(list(self._answered.values())[-20:]))

    def _retry(self) -> None:
        if self._jobs:
            job = self._chance.choice(self._jobs[-20:])
            self._ask({"path": f"/jobs/{job}/retry", "body": None, "prefer": None})

    def _look(self) -> None:
        if self._jobs:
            answer = self._call("GET", f"/jobs/{self._chance.choice(self._jobs[-20:])}")
            if answer is not None and answer.status_code == 200:
                self._see(answer.json())

    def _cancel(self) -> None:
        if self._jobs:
            path = f"/jobs/{self._chance.choice(self._jobs[-10:])}/cancel"
            answer = self._call("POST", path)
            if answer is not None and answer.status_code == 200:
                self._write({"canceled": answer.json()})

    def _see(self, job: Any) -> None:
        if job["status"] in ENDED:
            self._write({"seen": job})

    # ── how it asks ───────────────────────────────────────────────────────────────────────────

    def _ask(self, what: dict[str, Any]) -> None:
        intent = {"key": f"{self._chance.getrandbits(64):016x}"} | what
        self._write({"intent": intent})
        self._send(intent)

    def _repeat(self, intents: list[dict[str, Any]]) -> None:
        for intent in intents:
            self._send(intent)

    def _send(self, intent: dict[str, Any]) -> None:
        """Send a request; write down what it was answered, if it was."""
        headers = {"Idempotency-Key": intent["key"]}
        headers |= {"Prefer": intent["prefer"]} if intent["prefer"] else {}
        answer = self._call("POST", intent["path"], json=intent["body"], headers=headers)
        if answer is None:
            return
        where = answer.headers.get("Content-Location") or answer.headers.get("Location")
        job = where.rpartition("/")[2] if where else None
        if job is None and answer.status_code not in _REFUSED:
            said = {"status": answer.status_code, "said": answer.text[:200]}
            self._write({"unanswered": intent["key"]} | said)
            return
        self._write({"answered": intent["key"], "status": answer.status_code, "job": job})

    def _call(self, method: str, path: str, **options: Any) -> requests.Response | None:
        try:
            return self._client.call(method, path, **options)
        except requests.RequestException as fault:
            self._write({"lost": path, "fault": type(fault).__name__})
            return None

    def _write(self, line: dict[str, Any]) -> None:
        self._journal.write(json.dumps(line).encode() + b"\n")
        self._remember(line)

    def _remember(self, line: dict[str, Any]) -> None:
        if "intent" in line:
            self._open[line["intent"]["key"]] = line["intent"]
        if "answered" in line and line["answered"] in self._open:
            intent = self._open.pop(line["answered"])
            if line["job"] is not None:
                self._answered[intent["key"]] = intent
                self._jobs.append(line["job"])


def read(journal: Path) -> list[dict[str, Any]]:
    """Return what a journal holds; the line that is being written is not read."""
    whole, _, _ = journal.read_text().rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]


def main() -> None:
    url, key, journal, receiver, seed, seconds = sys.argv[1:]
    chance = random.Random(seed)
    Submitter(Client(url, key), Path(journal), receiver, chance).run(float(seconds))


if __name__ == "__main__":
    main()
