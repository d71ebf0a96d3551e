"""The OIDC issuer of a stack's JWTs: its keys, found by discovery and remembered for a while."""

import urllib.request
from http.client import HTTPException
from typing import IO, Any
from urllib.parse import urlsplit

import msgspec

from nowlater.instants import Clock, Instant, seconds_until
from nowlater.log import logger

#: Keys that were read so long ago are read again: so the issuer takes a key back.
_FRESH_S = 300
#: Where the issuer does not answer, keys are trusted for so long.
_TRUSTED_S = 3600
#: Between two questions, whoever asks: a made-up `kid` must not cost one each.
_PAUSE_S = 10
#: Two answers have to fit into the 10 s that API Gateway gives an authorizer.
_TIMEOUT_S = 3
_MAX_BYTES = 256 * 1024
_LOOPBACK = ("localhost", "127.0.0.1")

type Key = dict[str, Any]


class IssuerSilent(Exception):
    """The issuer does not answer, or not as it should: whether a token is good cannot be told."""


class Issuer:
    """The issuer at a URL; what it said is asked for anew only so often."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.url, self._clock = url, clock
        self._keys: dict[str, Key] = {}
        #: When it last answered, and when it was last asked.
        self._read: Instant | None = None
        self._asked: Instant | None = None

    def key(self, kid: str) -> Key | None:
        """Return the issuer's public key of this id; raises IssuerSilent where it cannot tell."""
        if kid not in self._keys or _age_s(self._read, self._clock()) >= _FRESH_S:
            self._ask()
        has_answered = self._read is not None and self._read == self._asked
        trusted = _age_s(self._read, self._clock()) < _TRUSTED_S
        if not trusted or (kid not in self._keys and not has_answered):
            raise IssuerSilent(f"{self.url} does not say what its keys are")
        return self._keys.get(kid)

    def _ask(self) -> None:
        now = self._clock()
        if _age_s(self._asked, now) < _PAUSE_S:
            return
        self._asked = now
        try:
            self._keys = _keys(self.url)
        except (OSError, HTTPException, msgspec.MsgspecError, ValueError, RecursionError):
            logger.warning("jwt_issuer_unavailable", exc_info=True)
        else:
            self._read = now


class _Discovery(msgspec.Struct):
    issuer: str
    jwks_uri: str


class _KeySet(msgspec.Struct):
    keys: list[Key]


def _keys(issuer: str) -> dict[str, Key]:
    """Return an issuer's keys by their ids (OpenID Connect Discovery 1.0, §4; RFC 7517, §5)."""
    place = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    told = msgspec.json.decode(fetched(place, issuer), type=_Discovery)
    if told.issuer != issuer:
        raise ValueError(f"{place} is of another issuer")
    keys = msgspec.json.decode(fetched(told.jwks_uri, issuer), type=_KeySet).keys
    return {key["kid"]: key for key in keys if isinstance(key.get("kid"), str)}


def fetched(url: str, issuer: str) -> bytes:
    """GET a URL of the operator's own issuer; raises OSError, HTTPException and ValueError."""
    at, home = urlsplit(url), urlsplit(issuer)
    is_local = at.hostname in _LOOPBACK and home.hostname in _LOOPBACK
    if at.scheme != "https" and not (at.scheme == "http" and is_local):
        raise ValueError(f"{url} is not https")
    opener = urllib.request.build_opener(_NoRedirects)
    with opener.open(url, timeout=_TIMEOUT_S) as answer:
        body: bytes = answer.read(_MAX_BYTES + 1)
    if len(body) > _MAX_BYTES:
        raise ValueError(f"{url} answers with more than {_MAX_BYTES} bytes")
    return body


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A key comes from where the issuer said, by https, and not from where that leads."""

    def redirect_request(self, *_: IO[bytes] | object) -> None:
        return None


def _age_s(then: Instant | None, now: Instant) -> float:
    return float("inf") if then is None else seconds_until(now, then)
