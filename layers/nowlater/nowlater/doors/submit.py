"""Accepts a job: all checks, then the key, then the message, then the record, which is the commit."""

from dataclasses import dataclass

import msgspec

from nowlater.access.caller import Caller
from nowlater.aws import payload_keys
from nowlater.doors import idempotency
from nowlater.doors.envelope import Envelope
from nowlater.doors.time_frame import Frame, frame
from nowlater.instants import LONGEST_POSTPONEMENT_S, Instant, to_rfc3339, whole_seconds_until
from nowlater.jobs import callback, commands, ids, protocol, store
from nowlater.jobs.estimate import forecast
from nowlater.jobs.model import Job, Ref
from nowlater.problems import Problem
from nowlater.runtime import catalogue, document
from nowlater.runtime.catalogue import Entry
from nowlater.services import Services

#: Inputs up to this many bytes are kept in the record: each write is billed for all of it.
INLINE_INPUT = 2 * 1024


@dataclass(frozen=True)
class JobRequest:
    """What a caller asks to be done later."""

    caller: Caller
    #: The door that the operation must be served at; None where an earlier job came through one.
    door: str | None
    operation: str
    envelope: Envelope
    key: str | None = None
    trace: str | None = None
    retry_of: str | None = None
    #: Whether it is given a worker at once: its message then only counts if that one dies.
    head_start: bool = False


@dataclass(frozen=True)
class Accepted:
    """The job that a request got; replayed where its key had named it before."""

    job: Job
    replayed: bool


def submit(services: Services, asked: JobRequest) -> Accepted:
    """Accept a request as a job, or find the job that its idempotency key names.

    Raises the Problems of the design's error table; then nothing was accepted.
    """
    now = services.clock()
    try:
        entry, times = _checked(services, asked, now)
    except Problem:
        if asked.key is None or (known := replay(services, _under_key(asked, asked.key))) is None:
            raise
        return known
    job_id = ids.new_id(now, services.settings.shards)
    if asked.key is not None:
        named = idempotency.reserve(services.table, _under_key(asked, asked.key), job_id, now)
        if named != job_id and (there := services.store.get(Ref(asked.caller.owner, named))):
            return Accepted(commands.shown(services, there), replayed=True)
        job_id = named  # ours, or one that a crash left without a record
    new = _accept(services, asked, entry, times, job_id, now)
    return Accepted(commands.shown(services, new), replayed=False)


def _checked(services: Services, asked: JobRequest, now: Instant) -> tuple[Entry, Frame]:
    """Return what a new job is made of; raises the Problems of a request that cannot be one."""
    entry = services.catalogue.get_served(asked.door, asked.operation)
    catalogue.validate_input(entry, asked.envelope.input, asked.caller.base)
    _check_callback(services, asked)
    times = _frame(services, asked, now)
    services.quotas.check(asked.caller.owner, now)
    _refuse_unachievable(services, asked, entry, times, now)
    _check_uploads(services, entry, asked)
    return entry, times


def _accept(
    services: Services, asked: JobRequest, entry: Entry, times: Frame, job_id: str, now: Instant
) -> Job:
    new = _job(services, asked, entry, times, job_id, now)
    text = msgspec.json.encode(asked.envelope.input)
    if len(text) <= INLINE_INPUT:
        new = msgspec.structs.replace(new, input=text.decode())
    else:
        key = payload_keys.input_key(new.owner, job_id)
        services.bucket.put(key, text, "application/json")
        new = msgspec.structs.replace(new, input_key=key)
    wait_s = whole_seconds_until(new.not_before or now, now)
    if asked.head_start:
        wait_s = min(new.timeout_ms // 1000 + protocol.LEASE_GRACE_S, LONGEST_POSTPONEMENT_S)
    if wait_s <= LONGEST_POSTPONEMENT_S:
        services.queues.send(new.lane, new.ref, wait_s)
    return services.store.put(new)


def _job(
    services: Services, asked: JobRequest, entry: Entry, times: Frame, job_id: str, now: Instant
) -> Job:
    timeout_s = min(entry.timeout, services.settings.longest_attempt_s)
    new = Job(
        owner=asked.caller.owner,
        id=job_id,
        operation=entry.name,
        lane="on-time" if times.has_deadline or asked.head_start else "flexible",
        has_deadline=times.has_deadline,
        status="queued" if times.start_at is None else "scheduled",
        base=asked.caller.base,
        created=now,
        updated=now,
        start_at=times.start_at,
        not_before=times.start_at,
        deadline=times.deadline,
        timeout_ms=int(timeout_s * 1000),
        retention_s=times.retention_s,
        attempts_left=entry.attempts,
        tags=asked.envelope.tags,
        retry_of=asked.retry_of,
        callback=asked.envelope.callback,
        trace=asked.trace,
    )
    look = protocol.due_at(new.has_deadline, new.not_before, new.deadline, now)
    return msgspec.structs.replace(new, **store.due(job_id, look))


def _frame(services: Services, asked: JobRequest, now: Instant) -> Frame:
    e = asked.envelope
    within_s = services.settings.flexible_within_s
    return frame(e.start, e.deadline, e.retention, now=now, flexible_within_s=within_s)


def _refuse_unachievable(
    services: Services, asked: JobRequest, entry: Entry, times: Frame, now: Instant
) -> None:
    """Raise Problem `deadline-unachievable` where the caller wants to know now, and it is so."""
    if asked.envelope.deadline is None or asked.envelope.deadline.otherwise != "refuse":
        return
    new = _job(services, asked, entry, times, ids.new_id(now), now)
    expected = forecast(services, new, is_sent=False)
    if expected is not None and expected.finish > times.deadline:
        earliest = to_rfc3339(expected.finish)
        raise Problem(
            "deadline-unachievable",
            f"The job would be done about {earliest}: half of {expected.runs} earlier runs took "
            f"{expected.p50_s:.2g} s, and {expected.waiting} jobs wait before it.",
            earliest=earliest,
            pointer="/deadline",
        )


def _under_key(asked: JobRequest, key: str) -> idempotency.Reservation:
    if asked.retry_of is not None:
        return idempotency.of_retry(asked.caller.owner, key, asked.retry_of)
    what = idempotency.fingerprint(asked.operation, asked.envelope)
    return idempotency.Reservation(asked.caller.owner, key, what)


def replay(services: Services, asked: idempotency.Reservation) -> Accepted | None:
    """Return the job that a request's key names, if it names one: it asks for nothing new.

    So nothing that is checked of a new job counts: no time that has passed since, no quota that is
    used up, no operation that is gone.
    """
    named = idempotency.named(services.table, asked, services.clock())
    there = named and services.store.get(Ref(asked.owner, named))
    return Accepted(commands.shown(services, there), replayed=True) if there else None


def _check_callback(services: Services, asked: JobRequest) -> None:
    if asked.envelope.callback is not None:
        own = callback.hosts_of((asked.caller.base,)) | {*asked.caller.hosts}
        callback.check(asked.envelope.callback, services.settings.callback_rules, own)


def _check_uploads(services: Services, entry: Entry, asked: JobRequest) -> None:
    if not entry.takes_documents:
        return
    for upload in document.uploads_in(asked.envelope.input):
        if not services.bucket.exists(payload_keys.upload_key(asked.caller.owner, upload)):
            raise catalogue.invalid_input(
                entry.name,
                asked.caller.base,
                pointer="",
                sentence=f"refers to the upload {upload}, which is not there: PUT it first",
            )
