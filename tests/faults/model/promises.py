"""What must be true of every step: the guarantees (design §8) in terms of one job."""

import json

from nowlater.doors.submit import Accepted
from nowlater.instants import Instant
from nowlater.jobs import attempts, view
from nowlater.jobs.model import Job
from tests.faults.model.code import Call, Done
from tests.faults.model.world import Actor, Facts, State


class Broken(Exception):
    """A promise was broken; its text says which."""


def written(call: Call, who: str, facts: Facts, old: Job, new: Job, now: Instant) -> None:
    """Check a write that was done."""
    if old.is_ended and not _is_same(old, new):
        raise Broken(f"G2 an ended job changes: it {old.status}, then {call.what}")
    before, after = view.effective_at(old, now), view.effective_at(new, now)
    if before.is_ended and not _is_same(before, after):
        raise Broken(f"G2 readers saw another end: {_said(before)}, then {_said(after)}")
    if new.is_ended and not old.is_ended and call.what != "expire" and now >= old.deadline:
        raise Broken(f"G1 after its deadline, a job ends otherwise: {call.what}")
    if call.what in ("claim", "reclaim"):
        _claimed(facts, old, now)
    if not new.erased and [a.number for a in attempts.of(new)] != [*range(1, new.attempt + 1)]:
        raise Broken(f"G3 an attempt is not recorded: {call.what}")
    if call.what in ("progress", "finish", "release") and who != old.lease_holder and old != new:
        raise Broken(f"G3 an attempt that has lost the job writes it: {call.what}")
    if new.status == "succeeded" and not new.erased and new.result != str(new.attempt):
        raise Broken("G3 the result is not the claim winner's")
    if call.what == "exhaust" and is_held(old, now):
        raise Broken("G8 a dead letter ends a job whose worker is at work on it")
    if call.what == "exhaust" and old.status == "running" and facts.let_go:
        raise Broken("G8 a job is given up whose attempt was not cut short")


def _claimed(facts: Facts, old: Job, now: Instant) -> None:
    if facts.canceled:
        raise Broken("G5 a run starts after an acknowledged cancel")
    if now < max(old.start_at or 0, old.not_before or 0):
        raise Broken("G5 a run starts before its time")
    if now >= old.deadline:
        raise Broken("G5 a run starts after its deadline")
    if is_held(old, now):
        raise Broken("G3 two attempts hold a job at once")
    if old.attempts_left <= 0:
        raise Broken("G8 a job is tried more often than it may be")
    if old.status == "running" and facts.let_go:
        raise Broken("G8 a job is run again although no attempt failed or died")


def recorded(state: State, new: Job) -> None:
    """Check that a job may be recorded."""
    if state.facts.existed:
        raise Broken("G2 a job that is gone comes back")
    if state.key is None or json.loads(state.key)["job"] != new.id:
        raise Broken("G10 a job is recorded that its key does not name")


def refused(call: Call, who: str, old: Job, now: Instant) -> None:
    """Check that a claim was refused for a reason."""
    if call.what == "claim":
        is_free = old.status in ("scheduled", "queued") and now >= (old.not_before or 0)
    else:
        is_free = old.status == "running" and not is_held(old, now)
    if is_free and old.attempts_left > 0 and now < old.deadline and old.lease_holder != who:
        raise Broken("G8 a job that waits for a run is refused to a worker")


def operates(state: State, attempt: int) -> None:
    if attempt in state.facts.ran:
        raise Broken("G8 one attempt runs twice")


def returned(state: State, actor: Actor, done: Done, record: Job | None) -> None:
    """Check what a caller is answered."""
    if isinstance(done.returned, Accepted):
        if record is None and not state.facts.existed:
            raise Broken("G8 a request is accepted, and no job recorded")
        if record is not None and record.id != done.returned.job.id:
            raise Broken("G4 two jobs under one key")
    is_canceled = actor.program.who == "cancel" and done.raised is None
    if is_canceled and record is not None and record.status != "canceled":
        raise Broken("G5 a cancel is acknowledged, and the job not canceled")


def kept(actor: Actor, record: str | None) -> None:
    """Check that a message is kept for a reason: it must not be where its job could go no further."""
    if actor.over == (record,) and not actor.failed:
        raise Broken("G8 a message is kept that has nothing to wait for")


def goes_on(state: State, record: Job | None, now: Instant) -> None:
    """Check that something will still run or end the job."""
    if record is None or record.is_ended or state.messages:
        return
    if any(actor.program.who not in ("cancel", "erase") for actor in state.actors):
        return
    if record.due_at is None:
        raise Broken("G1 nothing will ever run or end the job")
    if now < record.deadline <= record.due_at:
        raise Broken("G8 nothing will run the job before its deadline")


def is_held(job: Job, now: Instant) -> bool:
    """Tell whether an attempt may be at work on a job."""
    return job.status == "running" and (job.lease_until or 0) >= now


def _is_same(one: Job, other: Job) -> bool:
    """Tell whether two ends are the same, but that one may have been erased."""
    same = one.status == other.status and one.ended == other.ended
    if other.erased or not same:
        return same and (not one.erased or other.result is other.error is None)
    return (one.result, one.error, one.erased) == (other.result, other.error, other.erased)


def _said(job: Job) -> str:
    name = "" if job.error is None else f" ({job.error.get('type') or job.error})"
    return f"{job.status}{name}"
