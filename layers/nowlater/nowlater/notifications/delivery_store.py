"""Deliveries in the table: each an item, found by its job, changed only where nobody else did."""

from collections.abc import Iterator
from typing import Any

import msgspec

from nowlater.aws import records
from nowlater.aws.items import Item
from nowlater.aws.records import Unreadable
from nowlater.aws.table import Table
from nowlater.instants import Instant, after
from nowlater.jobs import store
from nowlater.notifications import delivery
from nowlater.notifications.delivery import Delivery

#: Nobody else has tried it, asked for it again or erased it since it was read.
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
        """Return a delivery as it is now; None where nothing was tried yet. Raises Unreadable."""
        item = self._table.get(*_key(owner, job_id, number))
        return None if item is None else _from_item(item)

    def of_job(self, owner: str, job_id: str) -> list[Delivery]:
        """Return the deliveries of a job, the first first; eventually consistent. Raises Unreadable."""
        items = self._table.query(_key(owner, job_id, 1)[0])
        return [_from_item(item) for item in reversed(items)]

    def given_up(self) -> Iterator[Delivery]:
        """Yield each delivery that was given up, reading the whole table: for tools alone."""
        for item in self._table.scan(_PREFIX):
            try:
                there = _from_item(item)
            except Unreadable as fault:  # one of them must not keep the others
                records.log(fault)
                continue
            if there.state == "given-up":
                yield there

    def record(self, before: Delivery, changes: dict[str, Any]) -> bool:
        """Write what a try changed; return False where something else was written meanwhile.

        Then another message sends it: that of the other try, or of who asked for it again.
        """
        values = {"waiting": "waiting", "count": before.count, "since": before.since}
        whole: Item = msgspec.to_builtins(msgspec.structs.replace(before, **changes))
        news = {k: v for k, v in whole.items() if k not in ("owner", "job", "number")}
        return self._update(before, news, _UNCHANGED, values)

    def again(self, there: Delivery, body: str, now: Instant, look_at: Instant) -> bool:
        """Have a delivery sent now, with all its patience; return False where it was erased."""
        changes: Item = {"state": "waiting", "next_at": now, "since": now, "failed": 0}
        changes |= {"url": there.url, "event": there.event, "base": there.base, "body": body}
        changes |= {"media_type": there.media_type}
        changes |= {"ttl": delivery.ttl(now)} | store.due(there.job, look_at)
        values = {"erased": "erased", "count": there.count}
        keep_count = {"count": "if_not_exists(#count, :count)"}  # a try goes by it
        return self._update(there, changes, _NOT_ERASED, values, keep_count)

    def sent(self, there: Delivery) -> bool:
        """Note that the queue has a delivery again, unless something else happened to it."""
        return self._update(
            there, store.due(there.job, None), "#due_at = :due_at", {"due_at": there.due_at}
        )

    def erase(self, owner: str, job_id: str, now: Instant) -> None:
        """Have nothing sent any more of a job, and forget what was; also of what is on its way."""
        content = ("url", "event", "base", "body", "media_type", "tries", "next_at", "since")
        changes: Item = dict.fromkeys(content) | store.due(job_id, None)
        changes |= {"state": "erased", "ttl": after(now, delivery.ERASED_S) // 1000}
        items = self._table.query(_key(owner, job_id, 1)[0])  # unread: one may be unreadable
        numbers = {1} | {named_by(item)[2] for item in items}
        for number in sorted(numbers):
            there = Delivery(owner=owner, job=job_id, number=number)
            self._update(there, changes, _NOT_ERASED, {"erased": "erased"})

    def _update(
        self,
        there: Delivery,
        changes: Item,
        condition: str,
        values: Item,
        arithmetic: dict[str, str] | None = None,
    ) -> bool:
        key = _key(there.owner, there.job, there.number)
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
    what = f"The record of delivery {number} of the job {job_id}"
    named = {"owner": owner, "job": job_id, "number": number}
    there = records.read(item | named, Delivery, what)
    if there.state != "erased" and not there.url.startswith(("https://", "http://")):
        raise Unreadable(what, "its `url` is none")
    return there
