"""The owners' webhook secrets: those that sign now, and their rotation."""

import re
from typing import Annotated, Any, NamedTuple

import msgspec

from nowlater.aws import records
from nowlater.aws.table import Item
from nowlater.instants import DAY_S, Instant, StoredInstant, after, to_rfc3339
from nowlater.notifications import signing
from nowlater.problems import Problem
from nowlater.services import Services

#: For this long after a rotation, the previous secret signs as well.
OVERLAP_S = DAY_S
#: The rotations within that time that count: each adds a signature to the header.
_MAX_ROTATIONS = 4

_HOST = re.compile(r"[a-z0-9._-]{1,253}")


class Changes(msgspec.Struct, frozen=True):
    """The number of an owner's rotations (`n`), and the instants of the latest."""

    n: Annotated[int, msgspec.Meta(ge=0)]
    changed: tuple[StoredInstant, ...]


class _Secret(NamedTuple):
    """A secret that signs now, and until when (None: until the next rotation)."""

    secret: str
    until: Instant | None


def active(services: Services, owner: str, host: str) -> list[str]:
    """Return the secrets that sign an owner's webhooks to a host, the current one first."""
    changes = services.secret_counts.get(owner, lambda: _read(services, owner))
    return [active.secret for active in _active(services, changes, owner, host)]


def describe(services: Services, owner: str, host: str) -> dict[str, Any]:
    """Return an owner's secret for a callback host, and the previous ones that still sign.

    Raises Problem `malformed-request` if `host` is not a host.
    """
    host = host.lower()
    if not _HOST.fullmatch(host):
        detail = (
            "?host must be the host of a callback's URL, without a port, such as hooks.example.com."
        )
        raise Problem("malformed-request", detail, parameter="host")
    current, *earlier = _active(services, _read(services, owner), owner, host)
    previous = [
        {"secret": secret, "until": until and to_rfc3339(until)} for secret, until in earlier
    ]
    return {"host": host, "secret": current.secret, "previous": previous}


def rotate(services: Services, owner: str) -> dict[str, Any]:
    """Rotate an owner's secrets for all hosts; return until when the previous ones sign as well."""
    now = services.clock()
    before = _read(services, owner)
    changed = [*_recent(before, now), now][-_MAX_ROTATIONS:]
    attributes: Item = {"n": before.n + 1, "changed": changed}
    # Refused if another request has just rotated them: then the owner has new secrets already.
    services.table.update_if(
        *_key(owner), attributes, {}, "attribute_not_exists(PK) OR #n = :n", {"n": before.n}
    )
    return {"rotated": to_rfc3339(now), "previous_until": to_rfc3339(after(now, OVERLAP_S))}


def _active(services: Services, changes: Changes, owner: str, host: str) -> list[_Secret]:
    """Return the secrets that sign now, the current one first."""
    master, n = services.master_secret.value, changes.n
    secrets = [_Secret(signing.secret(master, owner, host, n), None)]
    for age, changed in enumerate(reversed(_recent(changes, services.clock())), 1):
        until = after(changed, OVERLAP_S)
        secrets.append(_Secret(signing.secret(master, owner, host, n - age), until))
    return secrets


def _recent(changes: Changes, now: Instant) -> list[Instant]:
    return [changed for changed in changes.changed if after(changed, OVERLAP_S) > now]


def _read(services: Services, owner: str) -> Changes:
    item = services.table.get(*_key(owner)) or {"n": 0, "changed": []}
    return records.read(item, Changes, "The record of your webhook secrets")


def _key(owner: str) -> tuple[str, str]:
    return f"SECRET#{owner}", "SECRET"
