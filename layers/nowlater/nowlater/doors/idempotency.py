"""Idempotency keys: one job for all requests of an owner with the same key (Stripe's rules)."""

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec

from nowlater.aws import records
from nowlater.aws.records import Unreadable
from nowlater.aws.table import Item, Table
from nowlater.instants import Instant, StoredInstant, after
from nowlater.jobs import model
from nowlater.jobs.protocol import KEY_LIFE_S
from nowlater.problems import Problem


@dataclass(frozen=True)
class Reservation:
    """A key and the fingerprint of its request; the same request has the same fingerprint."""

    owner: str
    key: str
    fingerprint: str

    @property
    def pk(self) -> str:
        return f"KEY#{self.owner}#{hashlib.sha256(self.key.encode()).hexdigest()}"


class _KeyRecord(msgspec.Struct, frozen=True):
    """The stored record of a key."""

    job: str
    fingerprint: str
    expires: StoredInstant


def fingerprint(*parts: Any) -> str:
    """Return a digest of a request's content, independent of how its JSON was written."""
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def retry_reservation(owner: str, key: str, job_id: str) -> Reservation:
    """Return the reservation of a retry; it does not depend on the retried job's record."""
    return Reservation(owner, key, fingerprint("retry", job_id))


def reserve(table: Table, reservation: Reservation, job_id: str, now: Instant) -> str:
    """Reserve the key for this job; return the id of the job that holds the key now.

    That is another job where the key was reserved before. Raises Problem `idempotency-key-reused`
    where that was another request, and Unreadable.
    """
    expires = after(now, KEY_LIFE_S)
    item: Item = {
        "PK": reservation.pk,
        "SK": "KEY",
        "job": job_id,
        "fingerprint": reservation.fingerprint,
    }
    item |= {"expires": expires, "ttl": expires // 1000 + 1}
    is_free = "attribute_not_exists(PK) OR #expires <= :now"
    stored = table.put_if(item, is_free, {"now": now})
    return job_id if stored is None else _same_job(_read(stored), reservation)


def find_job(table: Table, reservation: Reservation, now: Instant) -> str | None:
    """Return the id of the job that holds the key, if there is one; raises as `reserve` does."""
    item = table.get(reservation.pk, "KEY")
    record = None if item is None else _read(item)
    return None if record is None or record.expires <= now else _same_job(record, reservation)


def _read(item: Item) -> _KeyRecord:
    what = "The record of this Idempotency-Key"
    record = records.read(item, _KeyRecord, what)
    if not model.is_id(record.job):
        raise Unreadable(what, "its `job` is no id")
    return record


def _same_job(record: _KeyRecord, reservation: Reservation) -> str:
    """Return the record's job; raises Problem where its request was another one."""
    if record.fingerprint != reservation.fingerprint:
        raise Problem(
            "idempotency-key-reused",
            "This Idempotency-Key came with another request in the last 24 hours, whose job is "
            f"{record.job}; use a new key.",
        )
    return record.job
