"""Checks ended jobs against the callers' journals, the traces of runs and the webhooks that came."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from tests.soak.ledger import Ledger


@dataclass(frozen=True)
class Trace:
    """A run of the operation `witness` that began, or was over; `at` in milliseconds, `pid` its process."""

    what: Literal["began", "over"]
    job: str
    attempt: int
    at: int
    pid: int = 0


class Inquest:
    """The callers' journals, read into a ledger, and what follows from them."""

    def __init__(self, lines: Iterable[dict[str, Any]], ledger: Ledger) -> None:
        self._ledger = ledger
        self._intents: dict[str, dict[str, Any]] = {}
        #: By its key, the jobs that a request was answered with.
        self._named: defaultdict[str, set[str]] = defaultdict(set)
        self._answered: set[str] = set()
        self._canceled: list[Any] = []
        for line in lines:
            self._read(line)

    def _read(self, line: dict[str, Any]) -> None:
        match line:
            case {"intent": intent}:
                self._intents[intent["key"]] = intent
            case {"answered": key, "status": status, "job": job}:
                self._ledger.answered(_route(self._intents[key]), status)
                self._answered.add(key)
                if job is not None:
                    self._ledger.accept(job)
                    self._named[key].add(job)
            case {"unanswered": key, "status": status}:
                self._ledger.answered(f"{_route(self._intents[key])}, cut off", status)
            case {"lost": _}:
                self._ledger.answered("no answer", 0)
            case {"seen": job}:
                self._ledger.see(job)
            case {"canceled": job}:
                self._canceled.append(job)
                self._ledger.see(job)

    def violations(self, traces: list[Trace], called: Iterable[str]) -> Iterator[str]:
        """Yield what breaks a guarantee; `called` are the ids of the webhooks that came."""
        jobs = {known.id: known.end for known in self._ledger.jobs.values() if known.end}
        yield from self._keys()
        yield from self._canceled_and_run(traces)
        yield from _misrun(jobs, traces)
        for job in jobs.values():
            yield from _mistimed(job, [trace for trace in traces if trace.job == job["id"]])
        yield from self._miscalled(jobs, set(called))

    def _keys(self) -> Iterator[str]:
        for key in self._intents.keys() - self._answered:
            yield f"the request {self._intents[key]} was never answered"
        for key, named in self._named.items():
            if len(named) > 1:
                yield f"the key {key} named {named}"
        several = Counter(job for named in self._named.values() for job in named)
        yield from (f"{count} keys name {job}" for job, count in several.items() if count > 1)

    def _canceled_and_run(self, traces: list[Trace]) -> Iterator[str]:
        last = {(trace.job, trace.attempt) for trace in traces}
        for job in self._canceled:
            if later := [n for job_id, n in last if job_id == job["id"] and n > job["attempt"]]:
                yield f"canceled at its attempt {job['attempt']}, it ran as {later}: {job}"

    def _miscalled(self, jobs: dict[str, Any], called: set[str]) -> Iterator[str]:
        wanted = {
            f"{job}/{jobs[job]['status']}"
            for key, named in self._named.items()
            for job in named & jobs.keys()
            if jobs[job]["status"] in self._events(self._intents[key])
        }
        yield from (f"{event} was not sent to its callback" for event in wanted - called)
        yield from (f"{event} was sent, and not asked for" for event in called - wanted)

    def _events(self, intent: dict[str, Any]) -> list[str]:
        """Return the ends that a request's callback is called for; a retry has the callback of its job."""
        if intent["body"] is not None:
            return list(intent["body"].get("callback", {}).get("events", []))
        before = intent["path"].split("/")[2]
        (key,) = [key for key, named in self._named.items() if before in named]
        return self._events(self._intents[key])


def _route(intent: dict[str, Any]) -> str:
    return "retry" if intent["body"] is None else str(intent["path"].split("/")[1])


def _misrun(jobs: dict[str, Any], traces: list[Trace]) -> Iterator[str]:
    """Compare the runs with what the jobs say of their attempts."""
    counts = Counter((trace.what, trace.job, trace.attempt) for trace in traces)
    for (what, job_id, attempt), count in counts.items():
        if count > 1:
            yield f"attempt {attempt} of {job_id} {what} {count} times"
        if attempt > jobs.get(job_id, {"attempt": 0})["attempt"]:
            yield f"{job_id} has run as attempt {attempt}: {jobs.get(job_id)}"
    for job in jobs.values():
        if job["status"] == "succeeded":
            is_its_own = job["result"] == {"attempt": job["attempt"]}
            if not is_its_own or not counts["over", job["id"], job["attempt"]]:
                yield f"the result is not that of the last attempt: {job}"


def _mistimed(job: Any, traces: list[Trace]) -> Iterator[str]:
    """Tell which runs began before the start, after the end of the promise, or beside another."""
    over = {trace.attempt: trace.at for trace in traces if trace.what == "over"}
    for trace in traces:
        if trace.what == "began" and job["start_at"] and trace.at < _ms(job["start_at"]):
            yield f"{trace} before its start: {job}"
        if trace.what == "began" and any(n < trace.attempt and trace.at < over[n] for n in over):
            yield f"{trace} while another ran: {traces}"
    if job["started"] and _ms(job["started"]) >= _ms(job["deadline"]):
        yield f"started after its deadline: {job}"
    if job["status"] == "succeeded" and _ms(job["ended"]) > _ms(job["deadline"]):
        yield f"succeeded after its deadline: {job}"


def _ms(time: str) -> int:
    return round(datetime.fromisoformat(time).timestamp() * 1000)
