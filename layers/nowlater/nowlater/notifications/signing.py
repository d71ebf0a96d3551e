"""Signs webhooks as Standard Webhooks defines it (standardwebhooks.com, symmetric, `v1`)."""

import base64
import hmac
from collections.abc import Iterable

import msgspec

from nowlater.instants import Instant


def secret(master: bytes, owner: str, host: str, n: int) -> str:
    """Return the secret of an owner for a callback host: `whsec_` and 32 bytes in base64.

    It is HMAC-SHA256(master, JSON [owner, host, n]), so it is not stored; `n` is the number of the
    owner's rotations.
    """
    message = msgspec.json.encode([owner, host, n])
    return "whsec_" + base64.b64encode(hmac.digest(master, message, "sha256")).decode()


def headers(event_id: str, at: Instant, body: bytes, secrets: Iterable[str]) -> dict[str, str]:
    """Return the headers that sign a body sent at an instant, one signature for each secret."""
    seconds = str(at // 1000)
    signed = f"{event_id}.{seconds}.".encode() + body
    return {
        "webhook-id": event_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(signature(signed, each) for each in secrets),
    }


def signature(signed: bytes, secret: str) -> str:
    """Return the signature, `v1,` and base64, of `{id}.{timestamp}.{body}` with a `whsec_` secret."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
