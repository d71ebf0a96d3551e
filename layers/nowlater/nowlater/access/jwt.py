"""JWTs of the stack's issuer (RFC 7519, signed by RFC 7515): who shows one, and what they may do."""

import base64
import hashlib
from typing import Annotated, Any

import msgspec
from joserfc import jwk, jws
from joserfc.errors import JoseError

from nowlater.access.api_keys import SCOPES
from nowlater.access.jwks import Issuer
from nowlater.instants import Instant

#: What a token may be signed with: keys of which the issuer publishes one half alone.
ALGORITHMS = frozenset(
    f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)
)
#: The issuer's clock may be ahead of ours; a token is not good for longer because of it.
_AHEAD_S = 30
#: Characters that the modulus of an RSA key of 2048 bits has in base64url (RFC 7518, §3.3).
_SHORTEST_MODULUS = 342

#: Headers that we do not know are ignored (RFC 7515, §4), unless `crit` names them.
_REGISTRY = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
_REGISTRY.max_header_length = 4096  # some carry their certificate along


class Token(msgspec.Struct, frozen=True):
    """A good token: whose it is, what it allows, and the key that it was signed with."""

    owner: str
    scopes: tuple[str, ...]
    kid: str


class _Head(msgspec.Struct):
    alg: str
    kid: str


class _Claims(msgspec.Struct):
    iss: str
    sub: Annotated[str, msgspec.Meta(min_length=1)]
    aud: str | list[str]
    exp: float
    nbf: float = 0
    scope: str = ""


def verify(issuer: Issuer, audience: str, token: str, now: Instant) -> Token | None:
    """Return what a compact JWT says, if it is good now; raises IssuerSilent if nobody can tell."""
    try:
        head = msgspec.json.decode(_decoded(token.partition(".")[0]), type=_Head)
        key = issuer.key(head.kid) if head.alg in ALGORITHMS else None
        if key is None or not _is_strong(key):
            return None
        signed = jws.deserialize_compact(token, jwk.import_key(key), registry=_REGISTRY)
        claims = msgspec.json.decode(signed.payload, type=_Claims)
        if not _is_good(claims, issuer.url, audience, now):
            return None
        return Token(owner(claims.iss, claims.sub), _scopes(claims), head.kid)
    # The last two are what a key that is none ends in.
    except (JoseError, msgspec.MsgspecError, ValueError, KeyError, TypeError):
        return None


def owner(issuer: str, subject: str) -> str:
    """Return the owner that an issuer's subject is: a name of the form that all owners have."""
    return f"jwt-{hashlib.sha256(f'{issuer}\0{subject}'.encode()).hexdigest()[:40]}"


def _is_good(claims: _Claims, issuer: str, audience: str, now: Instant) -> bool:
    audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    is_ours = claims.iss == issuer and audience in audiences
    return is_ours and claims.nbf - _AHEAD_S <= now / 1000 < claims.exp


def _scopes(claims: _Claims) -> tuple[str, ...]:
    """Return those words of the claim `scope` (RFC 8693, §4.2) that are ours."""
    said = claims.scope.split(" ")
    return tuple(scope for scope in SCOPES if scope in said)


def _is_strong(key: dict[str, Any]) -> bool:
    return key["kty"] != "RSA" or len(key["n"]) >= _SHORTEST_MODULUS


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
