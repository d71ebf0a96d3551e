"""Authenticates a caller by an API key or, where the stack has an issuer, by a JWT."""

import re
from typing import TYPE_CHECKING

import msgspec

from nowlater.access import api_keys

if TYPE_CHECKING:
    from nowlater.services import Services

#: Three parts in base64url (RFC 7515, §7.1); API keys contain no points.
_JWT = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+){2}", re.ASCII)
#: API Gateway accepts headers of 10 KB in all.
_MAX_JWT = 8192


class Access(msgspec.Struct, frozen=True):
    """The caller, its scopes, and the id of the key that proves them: ours, or the issuer's."""

    owner: str
    scopes: tuple[str, ...]
    key: str


def authenticate(services: "Services", authorization: str) -> Access | None:
    """Return the access of an `Authorization: Bearer` header (RFC 6750), or None if it is not valid.

    Raises IssuerUnavailable for a JWT that cannot be verified now; API keys do not need the issuer.
    """
    scheme, _, token = authorization.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer":
        return None
    if "." not in token:
        key = api_keys.find(services.table, token, services.clock())
        return None if key is None else Access(key.owner, key.scopes, key.id)
    if not services.settings.jwt_issuer or len(token) > _MAX_JWT or not _JWT.fullmatch(token):
        return None
    from nowlater.access import jwt  # imported only for JWTs: 0.2 s

    verified = jwt.verify(services.issuer, services.settings.jwt_audience, token, services.clock())
    return None if verified is None else Access(verified.owner, verified.scopes, verified.kid)
