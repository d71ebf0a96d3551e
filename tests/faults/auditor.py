"""Checks each guarantee (docs/guarantees.md) in a run, while it goes on and when all is quiet.

It reads the table and its stream, the queues, the topic, what callbacks got and what callers
were answered. Of the faults it knows only by how much they may have delayed things.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nowlater.aws import payload_keys
from nowlater.instants import from_rfc3339
from nowlater.jobs.attempts import MAX_ATTEMPTS
from tests.faults.caller import Asked, Caller
from tests.faults.cloud import Cloud
from tests.faults.memory import Change

ENDED = ("succeeded", "failed", "canceled")
#: Beyond its deadline a promised job may end so much later, and any other.
_PROMISED_S, _FLEXIBLE_S = 120, 900 + 330
#: What each fault beyond the first can add to that: a sweep, or a worker's visibility time-out.
_FAULT_S = 340
#: So long after its end at the least a callback is tried: three days, less the longest wait.
_PATIENT_S = (3 * 24 - 11) * 3600


@dataclass
class Story:
    """One job: its records in the stream, and the request that it comes from."""

    id: str
    changes: list[Change]
    asked: Asked | None

    @cached_property
    def claims(self) -> list[Change]:
        return [c for c in self.changes if _attempt(c.new) > _attempt(c.old)]

    @cached_property
    def ends(self) -> list[Change]:
        return [c for c in self.changes if _is_ended(c.new) and not _is_ended(c.old)]

    @property
    def now(self) -> dict[str, Any]:
        """The record, as it was last."""
        return next(c.new for c in reversed(self.changes) if c.new is not None)


class Auditor:
    """Finds what breaks a guarantee."""

    def __init__(self, cloud: Cloud, caller: Caller, faults: int) -> None:
        self._cloud, self._caller, self._faults = cloud, caller, faults
        #: How far the time of an event may be from the clock of the Lambda that caused it.
        self._skew_ms = 1000 * (cloud.plan.skew_s + cloud.plan.held_s)
        by_trace = {asked.trace: asked for asked in caller.asked}
        changes = defaultdict[str, list[Change]](list)
        for change in cloud.memory.changes:
            item = change.new or change.old or {}
            if item["PK"].startswith("JOB#"):
                changes[item["SK"]].append(change)
        self.stories = [Story(i, c, by_trace.get(_trace(c))) for i, c in changes.items()]

    def violations(self, *, while_it_runs: bool = False) -> list[str]:
        """Return a sentence for each violation; some can only be seen when all is quiet."""
        found = list(self._cloud.violations)
        #: Objects go before the record says so: between the two it is no loss.
        self._going = self._caller.erasing if while_it_runs else set[str]()
        for story in self.stories:
            found += [f"{what} (job {story.id})" for what in self._always(story)]
            if not while_it_runs:
                found += [f"{what} (job {story.id})" for what in self._in_the_end(story)]
        found += self._keys()
        return found if while_it_runs else found + list(self._remaining()) + list(self._requests())

    # ── each job, at any time ─────────────────────────────────────────────────────────────────

    def _always(self, story: Story) -> Iterator[str]:
        if len(story.ends) > 1:
            yield "G1: it ended twice"
        for end in story.ends[:1]:
            yield from self._unchanged(story, end)
            yield from self._in_time(end.new or {})
            yield from self._winner(story, end)
            yield from self._not_at_work(end)
        for claim in story.claims:
            yield from self._in_frame(claim)
        yield from self._attempts(story)
        shown = {
            (t.seen["status"], t.seen["ended"]) for t in self._caller.shown if t.job == story.id
        }
        ends = {(status, _instant(ended)) for status, ended in shown if status in ENDED}
        if len(ends) > 1 or (story.ends and ends - {(story.now["status"], story.now["ended"])}):
            yield f"G2: readers were shown {ends}"

    def _unchanged(self, story: Story, end: Change) -> Iterator[str]:
        after = [c for c in story.changes if c.number > end.number]
        news = [c.new for c in after if c.new is not None]
        if any(new != end.new and not new.get("erased") for new in news):
            yield "G2: it was written after its end"
        if any(_facts(new) != _facts(end.new) for new in news):
            yield "G2: its end has changed"
        if any(c.old is None for c in after):
            yield "G2: it came back"
        if [c for c in story.claims if c.number > end.number]:
            yield "G2: it was started after its end"

    def _attempts(self, story: Story) -> Iterator[str]:
        images = [c.new for c in story.changes if c.new is not None]
        if any(("lease_until" in i) != (i["status"] == "running") for i in images):
            yield "G3: it has a lease and does not run, or runs without one"
        if any("due_at" in i and i["status"] in ENDED for i in images):
            yield "G2: it has ended, and the sweep is to look at it"
        said = {
            (f"attempt {_attempt(i)}", i["progress"].get("message"))
            for i in images
            if "progress" in i
        }
        if any(own != message for own, message in said):
            yield "G3: it shows the progress of another attempt"
        if any(i.get("erased") and i["status"] not in ENDED for i in images):
            yield "G2: it was erased before its end"
        unseen = set(self._cloud.plan.kinds) <= {"reset-once", "twice", "unheard"}
        if unseen and any((c.old or {})["status"] == "running" for c in story.claims):
            yield "G3: it was started again although its attempt was well"
        if any(not _is_complete(i) for i in images if not i.get("erased")):
            yield "G3: an attempt is not recorded"
        if any(i["attempts_left"] < 0 for i in images):
            yield "G3: it was tried more often than its operation may be"
        runs = [run for run in self._cloud.runs if run.job == story.id]
        by = story.now["deadline"] + 1000 * self._cloud.plan.skew_s
        if any(run.at >= by for run in runs):
            yield "G5: its operation ran after its deadline"
        numbers = [run.attempt for run in runs]
        if len(numbers) > len(set(numbers)) or set(numbers) - {
            _attempt(c.new) for c in story.claims
        }:
            yield f"G3: its attempts ran as {numbers}, which are not its claims"

    def _in_time(self, ended: dict[str, Any]) -> Iterator[str]:
        """By the clock of the Lambda that ended it, to the millisecond."""
        name = ended.get("error", {}).get("name")
        if name == "deadline-exceeded":
            if ended["ended"] != ended["deadline"]:
                yield "G1: it missed its deadline at another time"
        elif ended["ended"] >= ended["deadline"]:
            yield f"G5: it {ended['status']} after its deadline, and not by that"

    def _not_at_work(self, end: Change) -> Iterator[str]:
        old, new = end.old or {}, end.new or {}
        leased = old.get("status") == "running" and old["lease_until"] > end.at + self._skew_ms
        if leased and new.get("error", {}).get("name") == "attempts-exhausted":
            yield "G1: it was given up while an attempt was at work on it"

    def _winner(self, story: Story, end: Change) -> Iterator[str]:
        item = end.new or {}
        if item["status"] != "succeeded":
            return
        text = item.get("result")
        if text is None:
            data = self._cloud.memory.objects.get(item["result_key"], (None, ""))[0]
            text = data.decode() if data else None
        if text is None:
            if not story.now.get("erased") and story.id not in self._going:
                yield "G3: its result is lost"
        elif json.loads(text).get("attempt") != _attempt(item):
            yield "G3: its result is that of another attempt"

    def _in_frame(self, claim: Change) -> Iterator[str]:
        item = claim.new or {}
        canceled = self._caller.canceled.get(item["SK"])
        if canceled is not None and claim.at > canceled:
            yield "G5: it was started after a cancel that was acknowledged"
        if not item.get("start_at", 0) <= item["started"] < item["deadline"]:
            yield "G5: it was started out of its time frame, by the worker's own clock"
        if claim.at < item.get("start_at", 0) - self._skew_ms:
            yield "G5: it was started before its time"
        if claim.at >= item["deadline"] + self._skew_ms:
            yield "G5: it was started after its deadline"

    # ── each job, when all is quiet ───────────────────────────────────────────────────────────

    def _in_the_end(self, story: Story) -> Iterator[str]:
        if not story.ends:
            yield f"G1: it has not ended: {story.now['status']}"
            return
        item, end = story.ends[0].new or {}, story.ends[0]
        late_s = (end.at - item["deadline"]) / 1000
        bound_s = _PROMISED_S if item.get("has_deadline") else _FLEXIBLE_S
        if late_s > bound_s + _FAULT_S * max(0, self._faults - 1) + self._cloud.plan.late_s:
            yield f"G1: it ended {late_s:g} s after its deadline"
        if story.id in self._caller.canceled and item["status"] != "canceled":
            yield f"G10: its cancel was acknowledged, and it {item['status']}"
        yield from self._notified(story, f"{story.id}/{item['status']}")
        if story.id in self._caller.erased:
            yield from self._erased(story)

    def _notified(self, story: Story, event: str) -> Iterator[str]:
        published = [json.loads(body) for _, body in self._cloud.memory.published]
        of_it = [said for said in published if said["subject"] == story.id]
        if not of_it:
            yield "G6: its end was not published"
        if any(said["id"] != event for said in of_it):
            yield "G6: another end than its own was published"
        own = (story.ends[0].new or {}) if story.ends else {}
        facts = (own["status"], own["ended"], own.get("error", {}).get("name"))
        if any(_event_facts(said["data"]) != facts for said in of_it):
            yield "G6: its end was published with other facts"
        got = [i for _, i, _ in self._cloud.received if i.startswith(story.id)]
        if set(got) - {event}:
            yield f"G6: its callback got {set(got)}"
        delivery = self._cloud.memory.items.get((f"DELIVERY#acme#{story.id}", "0001"), {})
        wants = story.asked is not None and story.asked.callback
        if wants and event not in self._cloud.taken and not self._is_over(delivery):
            yield "G6: its callback got nothing"

    def _is_over(self, delivery: dict[str, Any]) -> bool:
        """Tell whether a delivery that was not taken may be over."""
        if delivery.get("state") != "given-up":
            return delivery.get("state") == "erased"
        last = delivery.get("attempts", [{}])[-1]
        was_patient = last.get("at", 0) - delivery["since"] > 1000 * _PATIENT_S
        return last.get("status") == 410 or was_patient or self._cloud.has_dead_letters

    def _erased(self, story: Story) -> Iterator[str]:
        at = self._caller.erased[story.id]
        content = {"input", "input_key", "result", "result_key", "error", "callback"}
        if content & set(story.now) or not story.now.get("erased"):
            yield "G2: it was erased, and has content"
        if [key for key in self._cloud.memory.objects if story.id in key]:
            yield "G2: it was erased, and has objects"
        if [t for t, i, _ in self._cloud.received if i.startswith(story.id) and t > at + 60_000]:
            yield "G2: it was erased, and its webhook sent"

    # ── all of it ─────────────────────────────────────────────────────────────────────────────

    def _keys(self) -> Iterator[str]:
        jobs = defaultdict[str, set[str]](set)
        for asked in self._caller.asked:
            if asked.key is not None:
                jobs[asked.key] |= {job for _, job in asked.accepted}
                jobs[asked.key] |= {s.id for s in self.stories if s.asked is asked}
        for key, found in jobs.items():
            if len(found) > 1:
                yield f"G4: the key {key} has the jobs {sorted(found)}"

    def _remaining(self) -> Iterator[str]:
        for message in self._cloud.memory.messages:
            yield f"G8: a message remains in {message.queue}: {message.body[:100]}"
        for item in self._cloud.memory.items.values():
            if "due_at" in item:
                yield f"G8: the sweep is to look at {item['PK']} {item['SK']} for ever"
        for key in self._cloud.memory.objects:
            if key.startswith(payload_keys.UNPUBLISHED):
                yield f"G6: {key} was not published"
        letters = payload_keys.dead_letter_key("")
        kept = {d for key, (d, _) in self._cloud.memory.objects.items() if key.startswith(letters)}
        for body in self._cloud.unreadable:
            if body.encode() not in kept:
                yield f"G8: an unreadable message is not kept: {body}"

    def _requests(self) -> Iterator[str]:
        known = {story.id for story in self.stories}
        for asked in self._caller.asked:
            for _, job in asked.accepted:
                if job not in known:
                    yield f"G8: the job {job} was accepted, and is nowhere"
            own = [story for story in self.stories if story.asked is asked]
            if len(own) > 1:
                yield f"G10: one request has {len(own)} jobs"
            definite = not asked.accepted and all(s and s < 500 for s in asked.refused)
            if own and definite:
                yield f"G10: a request that was refused ({asked.refused}) has a job"
        for story in self.stories:
            if story.asked is None:
                yield f"G10: the job {story.id} was not asked for"


def _trace(changes: list[Change]) -> str:
    return str((changes[0].new or {}).get("trace"))


def _is_complete(item: dict[str, Any]) -> bool:
    """Tell whether an item has all attempts before the current one, or that too where none runs."""
    numbers = [attempt["number"] for attempt in item.get("attempts", [])]
    ended = {"running": [_attempt(item) - 1], "queued": [_attempt(item)]}
    counts = ended.get(item["status"], [_attempt(item) - 1, _attempt(item)])
    return numbers in [
        [*range(max(1, count - MAX_ATTEMPTS + 1), count + 1)] if count > 0 else []
        for count in counts
    ]


def _attempt(item: dict[str, Any] | None) -> int:
    return int((item or {}).get("attempt", 0))


def _is_ended(item: dict[str, Any] | None) -> bool:
    return (item or {}).get("status") in ENDED


def _facts(item: dict[str, Any] | None) -> Any:
    """Return what must not change of an end."""
    names = ("status", "ended", "expires", "attempt")
    return {name: (item or {}).get(name) for name in names}


def _event_facts(data: dict[str, Any]) -> Any:
    """Return of a job in an event what must be that of its record."""
    problem = data["error"] and data["error"]["type"].rpartition("/")[2]
    return data["status"], _instant(data["ended"]), problem


def _instant(text: str | None) -> int | None:
    return None if text is None else from_rfc3339(text)
