"""Submits a job: all checks, then the key, then the message, then the record, which commits it."""

from dataclasses import dataclass

import msgspec

from nowlater.access.caller import Caller
from nowlater.aws import payload_keys
from nowlater.doors import idempotency
from nowlater.doors.envelope import Envelope
from nowlater.doors.time_frame import Frame, resolve_frame
from nowlater.instants import LONGEST_POSTPONEMENT_S, Instant, to_rfc3339, whole_seconds_until
from nowlater.jobs import callback, commands, model, protocol, store
from nowlater.jobs.estimate import forecast
from nowlater.jobs.model import Job, Ref
from nowlater.problems import Problem
from nowlater.runtime import catalogue, document
from nowlater.runtime.catalogue import Entry
from nowlater.services import Services

#: Inputs up to this many bytes are stored in the record: each write is billed for the whole record.
INLINE_INPUT = 2 * 1024


@dataclass(frozen=True)
class JobRequest:
    """A caller's request for a job."""

    caller: Caller
    #: The door that must serve the operation; None for a retry, whose first job had a door.
    door: str | None
    operation: str
    envelope: Envelope
    key: str | None = None
    trace: str | None = None
    retry_of: str | None = None
    #: Whether a worker is invoked at once: the message then matters only if that worker dies.
    runs_at_once: bool = False


@dataclass(frozen=True)
class Accepted:
    """The job of a request; `replayed` where its idempotency key belonged to that job already."""

    job: Job
    replayed: bool


def submit(services: Services, request: JobRequest) -> Accepted:
    """Accept a request as a new job, or find the job that its idempotency key belongs to.

    Raises the Problems of the route (`api.routes`); then no job was accepted.
    """
    now = services.clock()
    reservation = None if request.key is None else _reservation(request, request.key)
    try:
        entry, times = _check_request(services, request, now)
    except Problem:
        if reservation is None or (replayed := find_replayed(services, reservation)) is None:
            raise
        return replayed
    job_id = model.new_id(now, services.settings.shards)
    if reservation is not None:
        reserved_id = idempotency.reserve(services.table, reservation, job_id, now)
        stored = None
        if reserved_id != job_id:
            stored = services.store.get(Ref(request.caller.owner, reserved_id))
        if stored is not None:
            return Accepted(commands.visible(services, stored), replayed=True)
        job_id = reserved_id  # the new id, or that of a submit that crashed before its record
    job = _accept(services, request, entry, times, job_id, now)
    return Accepted(job, replayed=False)


def _check_request(services: Services, request: JobRequest, now: Instant) -> tuple[Entry, Frame]:
    """Return the operation and the time frame of a new job; raises the Problems of the request."""
    entry = services.catalogue.get_served(request.door, request.operation)
    catalogue.validate_input(entry, request.envelope.input, request.caller.base)
    _check_callback(services, request)
    times = _resolve_frame(services, request, now)
    services.job_quota.check(request.caller.owner, now)
    _refuse_unachievable(services, request, entry, times, now)
    _check_uploads(services, entry, request)
    return entry, times


def _accept(
    services: Services, request: JobRequest, entry: Entry, times: Frame, job_id: str, now: Instant
) -> Job:
    new = _job(services, request, entry, times, job_id, now)
    text = msgspec.json.encode(request.envelope.input)
    if len(text) <= INLINE_INPUT:
        new = msgspec.structs.replace(new, input=text.decode())
    else:
        key = payload_keys.input_key(new.owner, job_id)
        services.bucket.put(key, text, "application/json")
        new = msgspec.structs.replace(new, input_key=key)
    delay_s = whole_seconds_until(new.not_before or now, now)
    if request.runs_at_once:
        delay_s = min(new.timeout_ms // 1000 + protocol.LEASE_GRACE_S, LONGEST_POSTPONEMENT_S)
    if delay_s <= LONGEST_POSTPONEMENT_S:
        services.queues.send(new.lane, new.ref, delay_s)
    return services.store.put(new)


def _job(
    services: Services, request: JobRequest, entry: Entry, times: Frame, job_id: str, now: Instant
) -> Job:
    timeout_s = catalogue.attempt_timeout_s(entry.timeout, services.settings.work_timeout_s)
    new = Job(
        owner=request.caller.owner,
        id=job_id,
        operation=entry.name,
        lane="on-time" if times.has_deadline or request.runs_at_once else "flexible",
        has_deadline=times.has_deadline,
        status="queued" if times.start_at is None else "scheduled",
        base=request.caller.base,
        created=now,
        updated=now,
        start_at=times.start_at,
        not_before=times.start_at,
        deadline=times.deadline,
        timeout_ms=int(timeout_s * 1000),
        retention_s=times.retention_s,
        attempts_left=entry.attempts,
        tags=request.envelope.tags,
        retry_of=request.retry_of,
        callback=request.envelope.callback,
        trace=request.trace,
    )
    due_at = protocol.due_at(new.has_deadline, new.not_before, new.deadline, now)
    return msgspec.structs.replace(new, **store.due(job_id, due_at))


def _resolve_frame(services: Services, request: JobRequest, now: Instant) -> Frame:
    e = request.envelope
    within_s = services.settings.flexible_within_s
    return resolve_frame(e.start, e.deadline, e.retention, now=now, flexible_within_s=within_s)


def _refuse_unachievable(
    services: Services, request: JobRequest, entry: Entry, times: Frame, now: Instant
) -> None:
    """Raise Problem `deadline-unachievable` where the deadline says so and is too early."""
    if request.envelope.deadline is None or request.envelope.deadline.otherwise != "refuse":
        return
    new = _job(services, request, entry, times, model.new_id(now), now)
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


def _reservation(request: JobRequest, key: str) -> idempotency.Reservation:
    if request.retry_of is not None:
        return idempotency.retry_reservation(request.caller.owner, key, request.retry_of)
    fingerprint = idempotency.fingerprint(request.operation, request.envelope)
    return idempotency.Reservation(request.caller.owner, key, fingerprint)


def find_replayed(services: Services, reservation: idempotency.Reservation) -> Accepted | None:
    """Return the job that an idempotency key belongs to, if there is one.

    A replay is no new job: the checks of new jobs (times, quotas, the operation) do not apply.
    """
    job_id = idempotency.find_job(services.table, reservation, services.clock())
    job = job_id and services.store.get(Ref(reservation.owner, job_id))
    return Accepted(commands.visible(services, job), replayed=True) if job else None


def _check_callback(services: Services, request: JobRequest) -> None:
    if request.envelope.callback is not None:
        own_hosts = callback.hosts_of((request.caller.base,)) | {*request.caller.hosts}
        callback.check(request.envelope.callback, services.settings.callback_rules, own_hosts)


def _check_uploads(services: Services, entry: Entry, request: JobRequest) -> None:
    if not entry.takes_documents:
        return
    for upload in document.uploads_in(request.envelope.input):
        if not services.bucket.exists(payload_keys.upload_key(request.caller.owner, upload)):
            raise catalogue.invalid_input(
                entry.name,
                request.caller.base,
                pointer="",
                sentence=f"refers to the upload {upload}, which does not exist: "
                "PUT its content first",
            )
