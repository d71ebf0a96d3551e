"""The owners' secrets: which of them sign now, and how an owner changes theirs."""

import re
from typing import Annotated, Any

import msgspec

from nowlater.aws import records
from nowlater.aws.items import Item
from nowlater.instants import DAY_S, Instant, Kept, after, to_rfc3339
from nowlater.notifications import signing
from nowlater.problems import Problem
from nowlater.services import Services

#: For this long after a change, the secret before it signs as well.
OVERLAP_S = DAY_S
#: So many changes count within that time: a signature each is a longer header.
_MOST = 4

_HOST = re.compile(r"[a-z0-9._-]{1,253}")


class Changes(msgspec.Struct, frozen=True):
    """How often an owner changed its secrets, and when of late."""

    n: Annotated[int, msgspec.Meta(ge=0)]
    changed: tuple[Kept, ...]


def active(services: Services, owner: str, host: str) -> list[str]:
    """Return the secrets that sign for an owner's callbacks at a host, the current one first."""
    there = services.secret_counts.get(owner, lambda: _read(services, owner))
    return [secret for secret, _ in _active(services, there, owner, host)]


def shown(services: Services, owner: str, host: str) -> dict[str, Any]:
    """Return an owner's secret for a callback host, and those before it that still sign.

    Raises Problem `malformed-request` where this is no host.
    """
    host = host.lower()
    if not _HOST.fullmatch(host):
        detail = "?host is the host of a callback's URL, without port: hooks.example.com."
        raise Problem("malformed-request", detail, parameter="host")
    (current, _), *before = _active(services, _read(services, owner), owner, host)
    previous = [
        {"secret": secret, "until": until and to_rfc3339(until)} for secret, until in before
    ]
    return {"host": host, "secret": current, "previous": previous}


def rotate(services: Services, owner: str) -> dict[str, Any]:
    """Give an owner new secrets for all hosts; say until when those before sign as well."""
    now = services.clock()
    there = _read(services, owner)
    changed = [*_recent(there, now), now][-_MOST:]
    changes: Item = {"n": there.n + 1, "changed": changed}
    # Refused where another request just did it: then the owner has what was asked for.
    services.table.update_if(
        *_key(owner), changes, {}, "attribute_not_exists(PK) OR #n = :n", {"n": there.n}
    )
    return {"rotated": to_rfc3339(now), "previous_until": to_rfc3339(after(now, OVERLAP_S))}


def _active(
    services: Services, there: Changes, owner: str, host: str
) -> list[tuple[str, Instant | None]]:
    """Return the secrets that sign now, and until when (None: until it is changed)."""
    master, n = services.vault.master, there.n
    found: list[tuple[str, Instant | None]] = [(signing.secret(master, owner, host, n), None)]
    for before, changed in enumerate(reversed(_recent(there, services.clock())), 1):
        until = after(changed, OVERLAP_S)
        found.append((signing.secret(master, owner, host, n - before), until))
    return found


def _recent(there: Changes, now: Instant) -> list[Instant]:
    return [changed for changed in there.changed if after(changed, OVERLAP_S) > now]


def _read(services: Services, owner: str) -> Changes:
    item = services.table.get(*_key(owner)) or {"n": 0, "changed": []}
    return records.read(item, Changes, "The record of your webhook secrets")


def _key(owner: str) -> tuple[str, str]:
    return f"SECRET#{owner}", "SECRET"
