"""Idempotency keys: one job for all requests of an owner that show the same key (Stripe's rules)."""

import hashlib
from dataclasses import dataclass
from typing import Any

import msgspec

from nowlater.aws import records
from nowlater.aws.items import Item
from nowlater.aws.records import Unreadable
from nowlater.aws.table import Table
from nowlater.instants import Instant, Kept, after
from nowlater.jobs import ids
from nowlater.jobs.protocol import KEY_LIFE_S
from nowlater.problems import Problem


@dataclass(frozen=True)
class Reservation:
    """A request under a key; equal fingerprints are the same request."""

    owner: str
    key: str
    fingerprint: str

    @property
    def pk(self) -> str:
        return f"KEY#{self.owner}#{hashlib.sha256(self.key.encode()).hexdigest()}"


class _Named(msgspec.Struct, frozen=True):
    """What is kept of a key."""

    job: str
    fingerprint: str
    expires: Kept


def fingerprint(*parts: Any) -> str:
    """Return a digest of what a request asks for, however its JSON was written."""
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def of_retry(owner: str, key: str, job_id: str) -> Reservation:
    """Return the request for a job again: the same also once that job is no longer kept."""
    return Reservation(owner, key, fingerprint("retry", job_id))


def reserve(table: Table, asked: Reservation, job_id: str, now: Instant) -> str:
    """Let the key name this job, or return the job that it already names.

    Raises Problem `idempotency-key-reused` where that was another request, and Unreadable.
    """
    expires = after(now, KEY_LIFE_S)
    item: Item = {"PK": asked.pk, "SK": "KEY", "job": job_id, "fingerprint": asked.fingerprint}
    item |= {"expires": expires, "ttl": expires // 1000 + 1}
    unless = "attribute_not_exists(PK) OR #expires <= :now"
    there = table.put_unless(item, unless, {"now": now})
    return job_id if there is None else _same(_read(there), asked)


def named(table: Table, asked: Reservation, now: Instant) -> str | None:
    """Return the job that the key names, if it names one; raises as `reserve` does."""
    item = table.get(asked.pk, "KEY")
    there = None if item is None else _read(item)
    return None if there is None or there.expires <= now else _same(there, asked)


def _read(item: Item) -> _Named:
    what = "The record of this Idempotency-Key"
    there = records.read(item, _Named, what)
    if not ids.is_id(there.job):
        raise Unreadable(what, "its `job` is no id")
    return there


def _same(there: _Named, asked: Reservation) -> str:
    if there.fingerprint != asked.fingerprint:
        raise Problem(
            "idempotency-key-reused",
            "This Idempotency-Key came with another request in the last 24 hours; use a new one.",
        )
    return there.job
