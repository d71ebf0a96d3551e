"""Checks webhooks' signatures, with secrets that it asks of the local stack as a receiver's owner would."""

import hmac
import json
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from nowlater.notifications import signing

#: How old a webhook may be, in seconds, as Standard Webhooks' libraries have it.
_MAX_AGE_S = 300
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class _Known:
    secrets: list[str]
    #: When they were asked for, by `time.monotonic`.
    asked: float


class WebhookSecrets:
    """The secrets of each host, remembered: many webhooks that come at once ask once."""

    def __init__(self, api: str, key: str) -> None:
        self._api, self._key = api, key
        self._known: dict[str, _Known] = {}
        self._lock = threading.Lock()

    def of(self, host: str, *, since: float = 0) -> list[str]:
        """Return a host's secrets, asked for at `since` (of `time.monotonic`) or later.

        Raises OSError, ValueError or KeyError if the API does not give them.
        """
        with self._lock:
            known = self._known.get(host)
            if known is None or known.asked < since:
                asked = time.monotonic()
                known = self._known[host] = _Known(self._ask(host), asked)
            return known.secrets

    def _ask(self, host: str) -> list[str]:
        url = f"{self._api}/webhooks/secret?{urllib.parse.urlencode({'host': host})}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self._key}"})  # noqa: S310
        with _OPENER.open(request, timeout=10) as response:
            shown = json.load(response)
        return [shown["secret"], *(previous["secret"] for previous in shown["previous"])]


def find_fault(
    headers: Mapping[str, str], body: bytes, secrets: list[str], now: float, host: str
) -> str:
    """Return what is wrong with a webhook's signature, as Standard Webhooks defines it; "" if nothing."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    if missing := [name for name in names if not headers.get(name)]:
        return f"it has no header {' and no header '.join(missing)}: nowlater did not send it so"
    event, sent, signatures = (headers[name] for name in names)
    if not (sent.isascii() and sent.isdigit()):
        return f"webhook-timestamp is {sent!r}, and must be seconds since 1970"
    if abs(age_s := now - int(sent)) > _MAX_AGE_S:
        when = f"{age_s:.0f} s ago" if age_s > 0 else f"{-age_s:.0f} s in the future"
        return f"webhook-timestamp says that it was signed {when}: more than {_MAX_AGE_S} s are a replay, or a wrong clock"
    signed = f"{event}.{sent}.".encode() + body
    expected = {signing.signature(signed, secret) for secret in secrets}
    given = signatures.split()
    if not any(signature.startswith("v1,") for signature in given):
        return "webhook-signature has no signature of version v1: v1,BASE64"
    if any(hmac.compare_digest(a.encode(), b.encode()) for a in given for b in expected):
        return ""
    return (
        f"no signature fits this body with your secret for {host}: it was changed on its way, or "
        "signed with another secret (each host and each owner has its own)"
    )
