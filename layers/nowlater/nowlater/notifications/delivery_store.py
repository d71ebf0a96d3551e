"""Deliveries in the table: one item each, under its job's key, written only if unchanged since read."""

from collections.abc import Iterator
from typing import Any

import msgspec

from nowlater.aws import records
from nowlater.aws.records import Unreadable
from nowlater.aws.table import Item, Table
from nowlater.instants import Instant, after
from nowlater.jobs import store
from nowlater.notifications import delivery
from nowlater.notifications.delivery import Delivery

#: No other attempt, resend or erasure has changed the delivery since it was read.
_UNCHANGED = (
    "attribute_not_exists(PK) OR (#state = :waiting AND #count = :count AND #since = :since)"
)
_NOT_ERASED = "attribute_not_exists(PK) OR #state <> :erased"
_PREFIX = "DELIVERY#"


class Deliveries:
    """The deliveries of all owners."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def get(self, owner: str, job_id: str, number: int) -> Delivery | None:
        """Return a delivery as it is now; None before its first attempt. Raises Unreadable."""
        item = self._table.get(*_key(owner, job_id, number))
        return None if item is None else _from_item(item)

    def of_job(self, owner: str, job_id: str) -> list[Delivery]:
        """Return the deliveries of a job by number; eventually consistent. Raises Unreadable."""
        items = self._table.query(_key(owner, job_id, 1)[0])
        return [_from_item(item) for item in reversed(items)]

    def given_up(self) -> Iterator[Delivery]:
        """Yield each delivery that was given up; reads the whole table, so only tools may call it."""
        for item in self._table.scan(_PREFIX):
            try:
                stored = _from_item(item)
            except Unreadable as fault:  # one item must not hide the others
                records.log(fault)
                continue
            if stored.state == "given-up":
                yield stored

    def record(self, before: Delivery, changes: dict[str, Any]) -> bool:
        """Write what an attempt changed; return False if the delivery was changed meanwhile.

        Then another message continues it: that of the other attempt, or of the resend.
        """
        values = {"waiting": "waiting", "count": before.count, "since": before.since}
        after_attempt: Item = msgspec.to_builtins(msgspec.structs.replace(before, **changes))
        attributes = {k: v for k, v in after_attempt.items() if k not in ("owner", "job", "number")}
        return self._update(before, attributes, _UNCHANGED, values)

    def again(self, before: Delivery, body: str, now: Instant, look_at: Instant) -> bool:
        """Restart a delivery, to be sent now and for three days; return False if it was erased.

        The sweep sends it at `look_at`, unless an attempt is made before that.
        """
        changes: Item = {"state": "waiting", "next_at": now, "since": now, "failed": 0}
        changes |= {"url": before.url, "event": before.event, "base": before.base, "body": body}
        changes |= {"media_type": before.media_type}
        changes |= {"ttl": delivery.ttl(now)} | store.due(before.job, look_at)
        values = {"erased": "erased", "count": before.count}
        keep_count = {"count": "if_not_exists(#count, :count)"}  # `_UNCHANGED` compares it
        return self._update(before, changes, _NOT_ERASED, values, keep_count)

    def sent(self, delivery: Delivery) -> bool:
        """Note that the queue has a delivery again; return False if it was changed meanwhile."""
        changes, values = store.due(delivery.job, None), {"due_at": delivery.due_at}
        return self._update(delivery, changes, "#due_at = :due_at", values)

    def erase(self, owner: str, job_id: str, now: Instant) -> None:
        """Erase the deliveries of a job; messages that are still in the queue send nothing."""
        content = ("url", "event", "base", "body", "media_type", "attempts", "next_at", "since")
        changes: Item = dict.fromkeys(content) | store.due(job_id, None)
        changes |= {"state": "erased", "ttl": after(now, delivery.TOMBSTONE_S) // 1000}
        items = self._table.query(_key(owner, job_id, 1)[0])  # keys alone: one may be unreadable
        numbers = {1} | {named_by(item)[2] for item in items}
        for number in sorted(numbers):
            tombstone = Delivery(owner=owner, job=job_id, number=number)
            self._update(tombstone, changes, _NOT_ERASED, {"erased": "erased"})

    def _update(
        self,
        delivery: Delivery,
        changes: Item,
        condition: str,
        values: Item,
        arithmetic: dict[str, str] | None = None,
    ) -> bool:
        key = _key(delivery.owner, delivery.job, delivery.number)
        return self._table.update_if(*key, changes, arithmetic or {}, condition, values)[0]


def is_key(item: Item) -> bool:
    """Tell whether an item of the `due` index is a delivery's."""
    return str(item["PK"]).startswith(_PREFIX)


def named_by(item: Item) -> tuple[str, str, int]:
    """Return owner, job and number of the delivery that an item's keys name."""
    _, owner, job_id = item["PK"].split("#")
    return owner, job_id, int(item["SK"])


def _key(owner: str, job_id: str, number: int) -> tuple[str, str]:
    return f"{_PREFIX}{owner}#{job_id}", f"{number:04d}"


def _from_item(item: Item) -> Delivery:
    """Return the delivery that an item holds; raises Unreadable."""
    owner, job_id, number = named_by(item)
    name = f"The record of delivery {number} of the job {job_id}"
    keys = {"owner": owner, "job": job_id, "number": number}
    stored = records.read(item | keys, Delivery, name)
    if stored.state != "erased" and not stored.url.startswith(("https://", "http://")):
        raise Unreadable(name, "its `url` is not a URL")
    return stored
