"""Traffic while Lambdas and callers are killed: afterwards nothing may be lost, and nothing be double."""

import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from tests import receiver as plays
from tests.e2e.client import ENDED, Client
from tests.e2e.logs import logged
from tests.e2e.served import ROOT, Served
from tests.receiver import Receiver
from tests.soak import audit, submitter
from tests.soak.inquest import Inquest, Trace
from tests.soak.ledger import Ledger
from tests.soak.listener import Listener

OPERATION = Path(__file__).with_name("witness.py")
CALLERS = 6
#: Messages of killed Lambdas are visible again this soon: the claim makes it safe, the wait short.
_VISIBILITY_S = 20
#: An attack goes on until it has killed and seen all that it must, at most so long.
_LONGEST_S = 300
_QUEUES = ("OnTimeQueue", "FlexibleQueue", "WebhookQueue")
#: Which Lambdas are killed, and with which weight.
_WEIGHTS = {
    "Work": 8,
    "Submit": 4,
    "Hybrid": 4,
    "Notify": 2,
    "SendWebhooks": 2,
    "Status": 1,
    "Sweep": 1,
}

#: What is killed first, because these deaths show most.
MUST_DIE = {"Work", "Submit", "Hybrid"}
#: A Lambda of this age has started: one that starts has nothing yet that could be lost.
_GROWN_S = 3


def quick_folder() -> "tempfile.TemporaryDirectory[str]":
    """Return a folder in memory, where there is one: each Lambda that starts unpacks its layers."""
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None)


class Deaths:
    """A stack, its callers, and what kills them; `violations` are the guarantees that were broken."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.killed: Counter[str] = Counter()
        self.violations: list[str] = []
        self.traces: list[Trace] = []
        self.ledger = Ledger()
        #: How many runs were killed; what the stack has logged, where something was violated.
        self.cut_short, self.log = 0, ""
        self._folder, self._seed, self._chance = folder, seed, random.Random(seed)
        self._journals = [folder / f"journal-{n}" for n in range(CALLERS)]
        for journal in self._journals:
            journal.touch()
        self._answers = random.Random(seed)

    def run(self, seconds: float) -> None:
        """Serve, send and kill for so long; then wait until all is quiet, check, and print."""
        print(f"again: python -m tests.soak --kill --seconds {seconds:g} --seed {self._seed}")
        (self._folder / "stack").mkdir()
        with Served(self._folder / "stack", operations=[OPERATION]) as served:
            access, stack = served.told(), served.stack()
            for name in _QUEUES:
                stack.client("sqs").set_queue_attributes(
                    QueueUrl=stack.ids[name], Attributes={"VisibilityTimeout": str(_VISIBILITY_S)}
                )
            with Receiver([self._answer]) as receiver, Listener(stack) as listener:
                self._call = (access["url"], access["key"], receiver.url())
                try:
                    self._attack(served, seconds)
                    self._have_last_word()
                except BaseException:
                    self.log = logged(served)
                    raise
                lines = [line for journal in self._journals for line in submitter.read(journal)]
                inquest = Inquest(lines, self.ledger)
                client = Client(access["url"], access["key"])
                violations = audit.settle(stack, client, self.ledger, listener, served.sweep)
                self.traces = list(_traces(served))
                self.cut_short = _cut_short(self.traces)
                called = [request.headers["webhook-id"] for request in list(receiver.requests)]
                print(audit.summary(self.ledger, listener))
                print(self._tally(len(called)), flush=True)
                self.violations = [*violations, *inquest.violations(self.traces, called)]
                self.log = logged(served) if self.violations else ""

    # ── what happens ──────────────────────────────────────────────────────────────────────────

    def _attack(self, served: Served, seconds: float) -> None:
        until_s = time.monotonic() + seconds
        latest_s = until_s + _LONGEST_S
        callers = {journal: self._caller(journal, _LONGEST_S) for journal in self._journals}
        try:
            while (left_s := latest_s - time.monotonic()) > 0:
                if time.monotonic() > until_s and self._has_seen_all(served):
                    break
                time.sleep(self._chance.uniform(0.2, 1.4))
                if self._chance.random() < 0.25:
                    journal = self._chance.choice(self._journals)
                    callers[journal].kill()
                    callers[journal].wait()
                    callers[journal] = self._caller(journal, max(0.01, left_s))
                    self.killed["a caller"] += 1
                else:
                    self._kill_a_lambda(served)
        finally:
            for caller in callers.values():
                caller.kill()
                caller.wait()

    def _has_seen_all(self, served: Served) -> bool:
        """Tell whether all that must die was killed, and jobs have ended in each way."""
        return (
            self.killed.keys() >= MUST_DIE | {"a caller"}
            and _has_cut_short(served)
            and all(self._has_ended(status) for status in ENDED)
        )

    def _has_ended(self, status: str) -> bool:
        url, key, _ = self._call
        client = Client(url, key)
        answer = client.get(f"/jobs?status={status}&limit=1")
        client.close()
        return answer.status_code == 200 and answer.json()["jobs"] != []

    def _caller(self, journal: Path, seconds: float) -> "subprocess.Popen[bytes]":
        url, key, receiver = self._call
        seed = f"{self._seed}/{journal.name}/{self.killed.total()}"
        arguments = [url, key, str(journal), receiver, seed, str(seconds)]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.soak.submitter", *arguments], cwd=ROOT
        )

    def _kill_a_lambda(self, served: Served) -> None:
        alive = [(name, pid) for name, pid in sorted(_lambdas(served)) if name in _WEIGHTS]
        if not alive:
            return
        alive = [one for one in alive if one[0] in MUST_DIE - self.killed.keys()] or alive
        weights = [_WEIGHTS[name] for name, _ in alive]
        ((name, pid),) = self._chance.choices(alive, weights)
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            self.killed[name] += 1

    def _have_last_word(self) -> None:
        """Let each caller repeat what it has no answer to, now that nothing is killed."""
        callers = [self._caller(journal, 0) for journal in self._journals]
        for caller in callers:
            assert caller.wait(600) == 0

    def _answer(self, connection: socket.socket, closing: threading.Event) -> None:
        """Take most webhooks; some have to be sent again."""
        play = plays.ok if self._answers.random() < 0.8 else plays.busy("5", 503)
        play(connection, closing)

    def _tally(self, called: int) -> str:
        killed = ", ".join(f"{name}: {n}" for name, n in sorted(self.killed.items()))
        return (
            f"{self.killed.total()} processes killed ({killed});\n"
            f"{len(self.traces)} traces of runs, {self.cut_short} of them cut short; "
            f"{called} webhooks came"
        )


def _cut_short(traces: list[Trace]) -> int:
    """Return how many runs began and were never over."""
    runs = {
        what: {(t.job, t.attempt) for t in traces if t.what == what} for what in ("began", "over")
    }
    return len(runs["began"] - runs["over"])


def _has_cut_short(served: Served) -> bool:
    """Tell whether a run is not over whose process is gone; one that is slow may be over yet."""
    began = [t for t in _traces(served) if t.what == "began" and not _is_alive(t.pid)]
    return _cut_short([*began, *(t for t in _traces(served) if t.what == "over")]) > 0


def _is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def _traces(served: Served) -> Iterator[Trace]:
    """Yield what the operation wrote down of its runs."""
    runs = served.folder / ".local" / "tmp" / "runs"
    for line in runs.read_text().splitlines() if runs.exists() else ():
        what, job, attempt, at, pid = line.split()
        yield Trace(what, job, int(attempt), int(at), int(pid))  # type: ignore[arg-type]


def _lambdas(served: Served) -> Iterator[tuple[str, int]]:
    """Yield name and process of each Lambda of this stack that has run for a while in its emulator."""
    command = ["ps", "-wweo", "pid=,ppid=,etimes=,args="]
    listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    every = {int(words[0]): words[1:] for words in _words(listed)}
    emulators = {pid for pid, words in every.items() if "local.serve" in words}
    for pid, args in served.processes():
        name = re.search(r"/ministack-lambda-nowlater-([A-Za-z]+)-", args)
        parent, age_s, *_ = every.get(pid, ("0", "0"))
        if name and int(parent) in emulators and int(age_s) >= _GROWN_S:
            yield name[1], pid


def _words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines()]
