"""Says who calls: whose API key or, where the stack has an issuer, whose JWT a request shows."""

import re
from typing import TYPE_CHECKING

import msgspec

from nowlater.access import api_keys

if TYPE_CHECKING:
    from nowlater.services import Services

#: Three parts in base64url (RFC 7515, §7.1): a key has no points.
_JWT = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2}", re.ASCII)
#: API Gateway takes headers of 10 KB in all.
_LONGEST_JWT = 8192


class Access(msgspec.Struct, frozen=True):
    """Who calls, what they may do, and the id of the key that says so: ours, or the issuer's."""

    owner: str
    scopes: tuple[str, ...]
    key: str


def access(services: "Services", authorization: str) -> Access | None:
    """Return what an `Authorization: Bearer` header (RFC 6750) gives access to, if it is good.

    Raises IssuerSilent for a JWT that cannot be checked: keys do not depend on the issuer.
    """
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer":
        return None
    if "." not in token:
        key = api_keys.find(services.table, token, services.clock())
        return None if key is None else Access(key.owner, key.scopes, key.id)
    if not services.settings.jwt_issuer or len(token) > _LONGEST_JWT or not _JWT.fullmatch(token):
        return None
    from nowlater.access import jwt  # 0.2 s, for those who show one

    shown = jwt.verify(services.issuer, services.settings.jwt_audience, token, services.clock())
    return None if shown is None else Access(shown.owner, shown.scopes, shown.kid)
