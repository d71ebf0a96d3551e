"""The OIDC issuer of a stack's JWTs: finds its public keys by discovery, and caches them."""

import urllib.request
from http.client import HTTPException
from typing import IO, Any
from urllib.parse import urlsplit

import msgspec

from nowlater.instants import Clock, Instant, seconds_until
from nowlater.log import logger

#: Keys older than this are fetched again, so that the issuer can withdraw a key.
_FRESH_S = 300
#: While the issuer does not respond, keys are trusted for so long.
_TRUSTED_S = 3600
#: The time between two fetches, so that tokens with an invented `kid` do not cause one each.
_FETCH_INTERVAL_S = 10
#: Two responses must fit into the 10 s that API Gateway gives an authorizer.
_TIMEOUT_S = 3
_MAX_BYTES = 256 * 1024
_LOOPBACK = ("localhost", "127.0.0.1")

type Key = dict[str, Any]


class IssuerUnavailable(Exception):
    """The issuer does not respond, or not validly: tokens cannot be verified now."""


class Issuer:
    """The issuer at a URL; its keys are cached."""

    def __init__(self, url: str, clock: Clock) -> None:
        self.url, self._clock = url, clock
        self._keys: dict[str, Key] = {}
        #: When it last responded, and when its keys were last requested.
        self._responded_at: Instant | None = None
        self._requested_at: Instant | None = None

    def key(self, kid: str) -> Key | None:
        """Return the issuer's public key of this id, if there is one; raises IssuerUnavailable."""
        if kid not in self._keys or _age_s(self._responded_at, self._clock()) >= _FRESH_S:
            self._refresh()
        is_current = self._responded_at is not None and self._responded_at == self._requested_at
        is_trusted = _age_s(self._responded_at, self._clock()) < _TRUSTED_S
        if not is_trusted or (kid not in self._keys and not is_current):
            raise IssuerUnavailable(f"{self.url} does not return its keys")
        return self._keys.get(kid)

    def _refresh(self) -> None:
        now = self._clock()
        if _age_s(self._requested_at, now) < _FETCH_INTERVAL_S:
            return
        self._requested_at = now
        try:
            self._keys = _fetch_keys(self.url)
        except (OSError, HTTPException, msgspec.MsgspecError, ValueError, RecursionError):
            logger.warning("jwt_issuer_unavailable", exc_info=True)
        else:
            self._responded_at = now


class _Discovery(msgspec.Struct):
    issuer: str
    jwks_uri: str


class _KeySet(msgspec.Struct):
    keys: list[Key]


def _fetch_keys(issuer: str) -> dict[str, Key]:
    """Return an issuer's keys by their ids (OpenID Connect Discovery 1.0, §4; RFC 7517, §5)."""
    url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
    discovery = msgspec.json.decode(fetch(url, issuer), type=_Discovery)
    if discovery.issuer != issuer:
        raise ValueError(f"{url} is of another issuer")
    keys = msgspec.json.decode(fetch(discovery.jwks_uri, issuer), type=_KeySet).keys
    return {key["kid"]: key for key in keys if isinstance(key.get("kid"), str)}


def fetch(url: str, issuer: str) -> bytes:
    """GET a URL of the operator's own issuer; raises OSError, HTTPException and ValueError."""
    parts = urlsplit(url)
    is_local = parts.hostname in _LOOPBACK and urlsplit(issuer).hostname in _LOOPBACK
    if parts.scheme != "https" and not (parts.scheme == "http" and is_local):
        raise ValueError(f"{url} is not https")
    opener = urllib.request.build_opener(_NoRedirects)
    with opener.open(url, timeout=_TIMEOUT_S) as response:
        body: bytes = response.read(_MAX_BYTES + 1)
    if len(body) > _MAX_BYTES:
        raise ValueError(f"{url} returns more than {_MAX_BYTES} bytes")
    return body


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirects: keys come from the issuer's own URL, by https."""

    def redirect_request(self, *_: IO[bytes] | object) -> None:
        return None


def _age_s(then: Instant | None, now: Instant) -> float:
    return float("inf") if then is None else seconds_until(now, then)
