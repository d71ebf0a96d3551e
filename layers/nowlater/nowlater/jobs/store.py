"""Jobs in the table: their keys, and every write of a job, by the rules of `protocol.WRITES`."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from nowlater.aws import records
from nowlater.aws.records import Unreadable
from nowlater.aws.table import Item, Span, Table, Where
from nowlater.instants import Instant, after
from nowlater.jobs import attempts, model, protocol
from nowlater.jobs.model import Job, Ref
from nowlater.jobs.protocol import Write

#: The partitions of the `due` index: a single hot one would throttle the table.
DUE_SHARDS = 8

#: The attributes without which a record is unreadable.
_REQUIRED = (
    *("PK", "SK", "operation", "lane", "status", "base", "created", "updated", "deadline"),
    *("timeout_ms", "retention_s", "attempts_left"),
)

_STATUSES = {status: status for status in model.UNFINISHED + model.ENDED}


@dataclass(frozen=True)
class Written:
    """The result of a write: whether it was done, and the job as it is now (None: no such job)."""

    done: bool
    job: Job | None


@dataclass(frozen=True)
class Page:
    """Jobs of one shard, newest first; `reached` is the last id read (None: the shard's end)."""

    jobs: list[Job]
    reached: str | None


class JobStatus(NamedTuple):
    """The id of a job, and its status; empty where the record has none."""

    id: str
    status: str


class Store:
    """The jobs of all owners."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def put(self, new: Job) -> Job:
        """Record a job, which accepts it; return it, or the job already recorded under this id."""
        stored = self._table.put_if(to_item(new), "attribute_not_exists(PK)", {})
        return new if stored is None else from_item(stored)

    def get(self, ref: Ref) -> Job | None:
        """Return a job as it is now (None: no such job); raises Unreadable."""
        item = self._table.get(*_key(ref))
        return None if item is None else from_item(item)

    def claim(self, ref: Ref, holder: str, now: Instant) -> Written:
        """Start an attempt at a waiting job; the attempt's number is the token of its writes.

        Raises Unreadable, after it has released the job with as many attempts left as before.
        """
        return self._claim(ref, "claim", holder, now, {})

    def reclaim(self, abandoned: Job, holder: str, now: Instant) -> Written:
        """Start an attempt at a job whose attempt died, as `claim`, and record that one."""
        cut_short = attempts.ended(abandoned, "cut-short", abandoned.lease_until or now)
        return self._claim(abandoned.ref, "reclaim", holder, now, {"attempts": cut_short})

    def _claim(self, ref: Ref, write: Write, holder: str, now: Instant, more: Item) -> Written:
        changes: Item = {
            "status": "running",
            "lease_holder": holder,
            "started": now,
            "updated": now,
        }
        changes |= {"not_before": None, "progress": None} | more
        arithmetic = {
            "attempt": "if_not_exists(#attempt, :zero) + :one",
            "attempts_left": "#attempts_left - :one",
            "lease_until": "#timeout_ms + :grace_end",
        }
        done, item = self._write(ref, write, now, changes, 0, arithmetic)
        try:
            return Written(done, None if item is None else from_item(item))
        except Unreadable:
            if done and item is not None:
                queued: Item = {"status": "queued", "lease_until": None, "lease_holder": None}
                queued |= {"updated": now, "attempts_left": item["attempts_left"] + 1}
                self._write(ref, "release", now, queued, item["attempt"], {})
            raise

    def write(
        self,
        ref: Ref,
        write: Write,
        now: Instant,
        changes: dict[str, Any],
        *,
        token: int = 0,
        arithmetic: dict[str, str] | None = None,
    ) -> Written:
        """Change a job if the clauses of this write hold (`protocol.WRITES`); raises Unreadable."""
        done, item = self._write(ref, write, now, changes, token, arithmetic or {})
        return Written(done, None if item is None else from_item(item))

    def _write(
        self,
        ref: Ref,
        write: Write,
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
        self,
        owner: str,
        shard: str,
        span: Span,
        limit: int | None,
        where: Where | None,
        only: Sequence[str] = (),
    ) -> Page:
        """Return an owner's jobs of one shard within a span of ids, as far as one call reads.

        That is up to `limit` records, and up to 1 MB of them. Unreadable ones are logged and
        skipped, so that they do not hide the others. `only` names the attributes that are wanted
        beside those that every record has; empty means all.
        """
        attributes = (*_REQUIRED, *only) if only else ()
        items, reached = self._table.page(_pk(owner, shard), span, limit, where, attributes)
        return Page([j for j in map(_if_readable, items) if j is not None], reached)

    def newest(self, owner: str, shard: str, before: str | None, limit: int) -> list[JobStatus]:
        """Return up to `limit` of an owner's jobs of one shard, newest first, from before an id.

        Eventually consistent; items whose `SK` is no job id are skipped.
        """
        pk, attributes = _pk(owner, shard), ("SK", "status")
        items = self._table.query(pk, before=before, limit=limit, only=attributes)
        return [JobStatus(i["SK"], i.get("status", "")) for i in items if model.is_id(i["SK"])]


def named_by(item: Item) -> Ref:
    """Return the job that an item's keys name."""
    return Ref(item["PK"].split("#")[1], item["SK"])


def due(job_id: str, at: Instant | None) -> dict[str, int | None]:
    """Return the attributes that add a job to the `due` index, or (None) remove it."""
    return {"due_at": at, "due_shard": None if at is None else int(job_id[-1], 16) % DUE_SHARDS}


def to_item(new: Job) -> Item:
    """Return a job as an item of the table."""
    item: Item = msgspec.to_builtins(new)
    pk, sk = _key(Ref(item.pop("owner"), item.pop("id")))
    return {"PK": pk, "SK": sk} | item


def from_item(item: Item) -> Job:
    """Return the job of an item of the table, or of a stream record's image; raises Unreadable."""
    ref, name = named_by(item), f"The record of the job {item['SK']}"
    job = records.read(item | {"owner": ref.owner, "id": ref.id}, Job, name)
    try:
        _validate(job)
    except (ValueError, TypeError) as fault:
        raise Unreadable(name, fault) from fault
    return job


def _validate(job: Job) -> None:
    """Raise ValueError or TypeError if a job of the right types cannot be represented."""
    if not model.is_id(job.id):
        raise ValueError("its id does not have the form of a job id")
    if job.error is not None:
        msgspec.convert(job.error, _Error)
    if job.progress is not None:
        msgspec.convert(job.progress, _Progress)
    if job.result is not None and job.media_type is None:
        msgspec.json.decode(job.result)
    elif job.result is not None:
        base64.b64decode(job.result, validate=True)


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
    return _pk(ref.owner, model.shard_of(ref.id)), ref.id


def _pk(owner: str, shard: str) -> str:
    return f"JOB#{owner}#{shard}"
