"""Jobs in the table: where each is, and every write of one, by the rules of `protocol.WRITES`."""

import base64
from dataclasses import dataclass
from typing import Any

import msgspec

from nowlater.aws import records
from nowlater.aws.items import Item
from nowlater.aws.records import Unreadable
from nowlater.aws.table import Table, Where
from nowlater.instants import Instant, after
from nowlater.jobs import ids, model, protocol
from nowlater.jobs.model import Job, Ref

#: The partitions of the `due` index: one alone, being hot, would throttle the table.
DUE_SHARDS = 8

_STATUSES = {status: status for status in model.UNFINISHED + model.ENDED}


@dataclass(frozen=True)
class Written:
    """How a write went: whether it was done, and the job as it is now (None: there is none)."""

    done: bool
    job: Job | None


@dataclass(frozen=True)
class Page:
    """Jobs of one shard, newest first; `reached` is the id that it was read to (None: to the end)."""

    jobs: list[Job]
    reached: str | None


class Store:
    """The jobs of all owners."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, new: Job) -> Job:
        """Record a job: from here on it is accepted. Return the one that was there, if one was."""
        there = self._table.put_unless(to_item(new), "attribute_not_exists(PK)", {})
        return new if there is None else from_item(there)

    def get(self, ref: Ref) -> Job | None:
        """Return a job as it is now."""
        item = self._table.get(*_key(ref))
        return None if item is None else from_item(item)

    def claim(self, ref: Ref, holder: str, now: Instant) -> Written:
        """Take a job for one attempt: its number is the token of all that the attempt writes.

        Raises Unreadable; then the job was let go of, and has as many tries left as before.
        """
        changes: Item = {
            "status": "running",
            "lease_holder": holder,
            "started": now,
            "updated": now,
        }
        changes |= {"not_before": None, "progress": None}
        arithmetic = {
            "attempt": "if_not_exists(#attempt, :zero) + :one",
            "attempts_left": "#attempts_left - :one",
            "lease_until": "#timeout_ms + :grace_end",
        }
        done, item = self._write(ref, "claim", now, changes, 0, arithmetic)
        try:
            return Written(done, None if item is None else from_item(item))
        except Unreadable:
            if done and item is not None:
                waits: Item = {"status": "queued", "lease_until": None, "lease_holder": None}
                waits |= {"updated": now, "attempts_left": item["attempts_left"] + 1}
                self._write(ref, "release", now, waits, item["attempt"], {})
            raise

    def write(
        self,
        ref: Ref,
        write: str,
        now: Instant,
        changes: dict[str, Any],
        *,
        token: int = 0,
        arithmetic: dict[str, str] | None = None,
    ) -> Written:
        """Change a job where the clauses of this write hold (`protocol.WRITES`)."""
        done, item = self._write(ref, write, now, changes, token, arithmetic or {})
        return Written(done, None if item is None else from_item(item))

    def _write(
        self,
        ref: Ref,
        write: str,
        now: Instant,
        changes: dict[str, Any],
        token: int,
        arithmetic: dict[str, str],
    ) -> tuple[bool, Item | None]:
        values: Item = {"now": now, "token": token, "zero": 0, "one": 1}
        values |= {"grace_end": after(now, protocol.LEASE_GRACE_S)} | _STATUSES
        condition = " AND ".join(clause.expression for clause in protocol.WRITES[write])
        return self._table.update_if(
            *_key(ref), changes, arithmetic, f"attribute_exists(PK) AND {condition}", values
        )

    def page(
        self, owner: str, shard: str, before: str | None, limit: int | None, where: Where | None
    ) -> Page:
        """Return an owner's jobs of one shard from before an id, as far as one call reads.

        That is up to 1 MB of records, and so many of them. Those that cannot be read are left out:
        they must not take the others with them.
        """
        items, reached = self._table.page(_pk(owner, shard), before, limit, where)
        return Page([j for j in map(_if_readable, items) if j is not None], reached)

    def newest(
        self, owner: str, shard: str, before: str | None, limit: int
    ) -> list[tuple[str, str]]:
        """Return ids and statuses of an owner's jobs of one shard, newest first, from before an id.

        A record that has no status, and so is none of a job, has an empty one; one whose `SK` is no
        job's id is left out.
        """
        pk, only = _pk(owner, shard), ("SK", "status")
        items = self._table.query(pk, before=before, limit=limit, only=only)
        return [(i["SK"], i.get("status", "")) for i in items if ids.is_id(i["SK"])]


def named_by(item: Item) -> Ref:
    """Return which job an item's keys name."""
    return Ref(item["PK"].split("#")[1], item["SK"])


def due(job_id: str, at: Instant | None) -> dict[str, int | None]:
    """Return the attributes that put a job into the `due` index, or (None) take it out."""
    return {"due_at": at, "due_shard": None if at is None else int(job_id[-1], 16) % DUE_SHARDS}


def to_item(new: Job) -> Item:
    """Return a job as an item of the table."""
    item: Item = msgspec.to_builtins(new)
    pk, sk = _key(Ref(item.pop("owner"), item.pop("id")))
    return {"PK": pk, "SK": sk} | item


def from_item(item: Item) -> Job:
    """Return the job that an item, or a record of the table's stream, holds; raises Unreadable."""
    ref, what = named_by(item), f"The record of the job {item['SK']}"
    kept = records.read(item | {"owner": ref.owner, "id": ref.id}, Job, what)
    try:
        _check(kept)
    except (ValueError, TypeError) as fault:
        raise Unreadable(what, fault) from fault
    return kept


def _check(kept: Job) -> None:
    """Raise ValueError or TypeError where a job could not be shown, whatever its types."""
    if not ids.is_id(kept.id):
        raise ValueError("its id is none that a job can have")
    if kept.error is not None:
        msgspec.convert(kept.error, _Error)
    if kept.progress is not None:
        msgspec.convert(kept.progress, _Progress)
    if kept.result is not None and kept.media_type is None:
        msgspec.json.decode(kept.result)
    elif kept.result is not None:
        base64.b64decode(kept.result, validate=True)


class _Error(msgspec.Struct):
    name: str
    detail: str


class _Progress(msgspec.Struct):
    fraction: float | None = None
    message: str = ""


def _if_readable(item: Item) -> Job | None:
    try:
        return from_item(item)
    except Unreadable as fault:
        records.log(fault)
        return None


def _key(ref: Ref) -> tuple[str, str]:
    return _pk(ref.owner, ids.shard_of(ref.id)), ref.id


def _pk(owner: str, shard: str) -> str:
    return f"JOB#{owner}#{shard}"
