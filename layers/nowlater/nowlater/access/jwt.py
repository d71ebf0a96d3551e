"""Verifies JWTs of the stack's issuer (RFC 7519, signed by RFC 7515)."""

import base64
import hashlib
from typing import Annotated, Any

import msgspec
from joserfc import jwk, jws
from joserfc.errors import JoseError

from nowlater.access.api_keys import SCOPES
from nowlater.access.jwks import Issuer
from nowlater.instants import Instant

#: The allowed signatures: asymmetric ones, whose private key only the issuer has.
ALGORITHMS = frozenset(
    f"{family}{bits}" for family in ("RS", "PS", "ES") for bits in (256, 384, 512)
)
#: The issuer's clock may be ahead of ours; that does not extend the validity of a token.
_CLOCK_SKEW_S = 30
#: The length in base64url of the modulus of an RSA key of 2048 bits (RFC 7518, §3.3).
_MIN_MODULUS = 342

#: Unknown headers are ignored (RFC 7515, §4), unless `crit` names them.
_REGISTRY = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
_REGISTRY.max_header_length = 4096  # some tokens contain their certificate


class Token(msgspec.Struct, frozen=True):
    """A valid token: its owner, its scopes, and the id of the key that signed it."""

    owner: str
    scopes: tuple[str, ...]
    kid: str


class _Header(msgspec.Struct):
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
    """Return a compact JWT's content where it is valid now, else None; raises IssuerUnavailable."""
    try:
        header = msgspec.json.decode(_decoded(token.partition(".")[0]), type=_Header)
        key = issuer.key(header.kid) if header.alg in ALGORITHMS else None
        if key is None or not _is_strong(key):
            return None
        signed = jws.deserialize_compact(token, jwk.import_key(key), registry=_REGISTRY)
        claims = msgspec.json.decode(signed.payload, type=_Claims)
        if not _is_valid(claims, issuer.url, audience, now):
            return None
        return Token(owner_of_subject(claims.iss, claims.sub), _scopes(claims), header.kid)
    # A malformed key raises KeyError or TypeError.
    except (JoseError, msgspec.MsgspecError, ValueError, KeyError, TypeError):
        return None


def owner_of_subject(issuer: str, subject: str) -> str:
    """Return the owner's name of an issuer's subject, in the form that all owners' names have."""
    return f"jwt-{hashlib.sha256(f'{issuer}\0{subject}'.encode()).hexdigest()[:40]}"


def _is_valid(claims: _Claims, issuer: str, audience: str, now: Instant) -> bool:
    audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    is_ours = claims.iss == issuer and audience in audiences
    return is_ours and claims.nbf - _CLOCK_SKEW_S <= now / 1000 < claims.exp


def _scopes(claims: _Claims) -> tuple[str, ...]:
    """Return the words of the claim `scope` (RFC 8693, §4.2) that are scopes of this API."""
    words = claims.scope.split(" ")
    return tuple(scope for scope in SCOPES if scope in words)


def _is_strong(key: dict[str, Any]) -> bool:
    return key["kty"] != "RSA" or len(key["n"]) >= _MIN_MODULUS


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
