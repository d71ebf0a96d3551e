"""API keys: `nl_ID_SECRET`; the table stores the id and the secret's SHA-256."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, get_args

import msgspec

from nowlater.access.caller import Scope
from nowlater.aws import records
from nowlater.aws.records import Unreadable
from nowlater.aws.table import Table
from nowlater.instants import Instant, StoredInstant

#: All scopes.
SCOPES: tuple[Scope, ...] = get_args(Scope.__value__)

#: Not `.` or `..`, which have a meaning of their own in an object's key.
OWNER = r"(?!\.\.?\Z)[A-Za-z0-9._@-]{1,64}"
_PREFIX = "APIKEY#"
_TOKEN = re.compile(r"nl_([0-9a-f]{12})_([A-Za-z0-9_-]{43})", re.ASCII)


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """An API key as stored."""

    id: str
    owner: Annotated[str, msgspec.Meta(pattern=rf"\A{OWNER}\Z")]
    scopes: tuple[str, ...]
    sha256: str
    created: StoredInstant
    expires: StoredInstant | None = None


@dataclass(frozen=True)
class Broken:
    """A key whose record cannot be read; it can still be revoked."""

    id: str
    fault: str


class Issued(NamedTuple):
    """A new key and its token, which is not stored."""

    key: Key
    token: str


def issue(
    table: Table,
    owner: str,
    *,
    now: Instant,
    scopes: tuple[str, ...] = SCOPES,
    expires: Instant | None = None,
) -> Issued:
    """Make a key; raises ValueError where the owner's name or a scope is not valid."""
    if not re.fullmatch(OWNER, owner):
        raise ValueError(f"{owner!r} cannot be an owner: use 1 to 64 of A-Z a-z 0-9 . _ @ -")
    if not scopes or set(scopes) - set(SCOPES):
        raise ValueError(f"scopes are some of {', '.join(SCOPES)}")
    secret = secrets.token_urlsafe(32)
    key = Key(
        id=secrets.token_hex(6),
        owner=owner,
        scopes=scopes,
        sha256=_sha256(secret),
        created=now,
        expires=expires,
    )
    item = msgspec.to_builtins(key)
    item |= {} if expires is None else {"ttl": expires // 1000}
    table.put_if(
        {"PK": f"{_PREFIX}{item.pop('id')}", "SK": "APIKEY"} | item, "attribute_not_exists(PK)", {}
    )
    return Issued(key, f"nl_{key.id}_{secret}")


def rotate(
    table: Table, old: Key, *, now: Instant, until: Instant, expires: Instant | None = None
) -> Issued:
    """Make a key for the same owner and scopes; the old one expires at `until`, if not before.

    Without `expires`, the new key has the lifetime that the old one had.
    """
    if expires is None and old.expires is not None:
        expires = now + old.expires - old.created
    issued = issue(table, old.owner, now=now, scopes=old.scopes, expires=expires)
    if old.expires is None or old.expires > until:
        changes = {"expires": until, "ttl": until // 1000}
        table.update_if(f"{_PREFIX}{old.id}", "APIKEY", changes, {}, "attribute_exists(PK)", {})
    return issued


def find(table: Table, token: str, now: Instant) -> Key | None:
    """Return the key of a token where it is valid now; raises Unreadable."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        return None
    item = table.get(f"{_PREFIX}{match[1]}", "APIKEY")
    key = None if item is None else _from_item(item)
    if key is None or not hmac.compare_digest(key.sha256.encode(), _sha256(match[2]).encode()):
        return None
    return None if key.expires is not None and key.expires <= now else key


def listed(table: Table) -> Iterator[Key | Broken]:
    """Yield all keys, unreadable ones included; none has its secret."""
    for item in table.scan(_PREFIX):
        try:
            yield _from_item(item)
        except Unreadable as fault:
            yield Broken(_id(item), str(fault))


def revoke(table: Table, key_id: str) -> None:
    """Delete a key; API Gateway may cache its authorization for five minutes more."""
    table.delete(f"{_PREFIX}{key_id}", "APIKEY")


def _from_item(item: dict[str, Any]) -> Key:
    key_id = _id(item)
    return records.read(item | {"id": key_id}, Key, f"The record of the key {key_id}")


def _id(item: dict[str, Any]) -> str:
    return str(item["PK"]).removeprefix(_PREFIX)


def _sha256(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
