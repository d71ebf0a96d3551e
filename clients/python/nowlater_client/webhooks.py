"""Verifies what nowlater sends: webhooks (Standard Webhooks) and messages of its SNS topic."""

from __future__ import annotations

import base64
import contextlib
import functools
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Union

import httpx

from nowlater_client import models
from nowlater_client.errors import NowlaterError, Unreachable
from nowlater_client.models import JobState, Secret

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

#: As frameworks have them.
Headers = Union["Mapping[str, Any]", "Iterable[tuple[Any, Any]]"]
_TOLERANCE_S = 300
_CONFIRMATION = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")
_SIGNED = {
    "Notification": ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": _CONFIRMATION,
    "UnsubscribeConfirmation": _CONFIRMATION,
}


class NotGenuine(NowlaterError):
    """The message was not signed by nowlater, or is too old."""

    advice = "Respond with 403, and ignore it."


@dataclass(frozen=True)
class Event:
    """A completion event. It can come more than once: handle each `id` once."""

    id: str
    type: str
    time: datetime
    job: JobState
    raw: dict[str, Any] = field(repr=False)


def verify(
    body: bytes | str,
    headers: Headers,
    secret: str | Secret | Iterable[str],
    *,
    clock: Callable[[], float] = time.time,
) -> Event:
    """Return the event of a webhook; raises NotGenuine unless its signature fits and it is new.

    `body` is the raw body, as it was received. `headers` are those of any framework: a mapping (also
    Django's `META`, or lists as values) or pairs, of text or bytes. `secret` is what `client.secret(host)` returns, or one or
    several of its secrets (`whsec_…`); ValueError if one cannot be a secret.
    """
    if not isinstance(body, (bytes, str)):
        raise TypeError("The body is to be the raw bytes that were received, not parsed JSON.")
    raw = body.encode() if isinstance(body, str) else body
    sent, keys = _sent(headers), _keys(secret)
    at = sent.get("webhook-timestamp", "")
    if not re.fullmatch(r"[0-9]{1,12}", at) or abs(clock() - int(at)) > _TOLERANCE_S:
        raise NotGenuine("The webhook has no timestamp of the last five minutes.")
    signed = f"{sent.get('webhook-id', '')}.{at}.".encode(errors="replace") + raw
    given = [part.partition(",") for part in sent.get("webhook-signature", "").split(" ")]
    for key in keys:
        wanted = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
        if any(
            v == "v1" and hmac.compare_digest(wanted, s.encode(errors="replace"))
            for v, _, s in given
        ):
            return _read(raw)
    raise NotGenuine("No signature of the webhook fits.")


def _sent(headers: Headers) -> dict[str, str]:
    """Return the webhook's headers by their names in lower case; of several, the last."""
    sent, pairs = dict[str, str](), headers.items() if hasattr(headers, "items") else headers
    if isinstance(pairs, (str, bytes)) or not isinstance(pairs, Iterable):
        raise TypeError(
            f"The headers are a mapping, or pairs of names and values: {headers!r:.80}."
        )
    for name, value in pairs:
        text = name.decode("latin-1") if isinstance(name, bytes) else str(name)
        known = text.lower().replace("_", "-").removeprefix("http-")
        if known.startswith("webhook-"):
            last = value[-1] if isinstance(value, (list, tuple)) and value else value
            last = last.decode("latin-1") if isinstance(last, bytes) else last
            if not isinstance(last, str):
                raise TypeError(f"The header {text} is no text, and no bytes: {last!r:.80}.")
            sent[known] = last
    return sent


def _keys(secret: str | Secret | Iterable[str]) -> list[bytes]:
    if isinstance(secret, Secret):
        secret = [secret.secret, *(one["secret"] for one in secret.previous)]
    if isinstance(secret, bytes) or not isinstance(secret, Iterable):
        raise TypeError(
            f"The secret is what client.secret(host) returns, not {type(secret).__name__}."
        )
    keys = []
    for one in [secret] if isinstance(secret, str) else secret:
        key = base64.b64decode(str(one).removeprefix("whsec_") + "==")
        if not isinstance(one, str) or not key:
            raise ValueError("A secret of webhooks is a text like whsec_…, and not empty.")
        keys.append(key)
    if not keys:
        raise ValueError("There is no secret: give those of client.secret(host).")
    return keys


def _read(body: bytes | str) -> Event:
    try:
        return event(json.loads(body))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise NotGenuine("The message is signed, but no completion event of a job.") from error


def event(raw: dict[str, Any]) -> Event:
    """Return a completion event that is known to be genuine, such as one from an SQS queue."""
    job = JobState(raw["data"])
    return Event(raw["id"], raw["type"], models.read_time(raw["time"]), job, raw)


def verify_sns(
    message: Any, topic: str, fetch: Callable[[str], Certificate] | None = None
) -> Event | None:
    """Return the event of an SNS message for this topic; None for a confirmation of a subscription.

    Raises NotGenuine unless SNS signed it, with version 2; `fetch` returns the certificate at a URL, and
    by default asks SNS: Unreachable if that fails, so respond with 503, and SNS repeats the message.
    Needs `pip install nowlater-client[sns]`.
    """
    _import_cryptography()
    with contextlib.suppress(ValueError):
        message = json.loads(message) if isinstance(message, (bytes, str)) else message
    if not isinstance(message, dict) or message.get("Type") not in _SIGNED:
        raise NotGenuine("This is no signed message of SNS. Is its RawMessageDelivery on?")
    if message.get("TopicArn") != topic or message.get("SignatureVersion") != "2":
        raise NotGenuine("The message is of another topic, or its signature not of version 2.")
    url = str(message.get("SigningCertURL"))
    pattern = re.escape(sns_endpoint(topic)) + r"/SimpleNotificationService-[0-9A-Za-z]+\.pem"
    if not re.fullmatch(pattern, url):
        raise NotGenuine("The certificate is not at the host of SNS.")
    _check_signature(message, (fetch or _fetch)(url))
    return _read(message["Message"]) if message["Type"] == "Notification" else None


def sns_endpoint(topic: str) -> str:
    """Return the URL of SNS in a topic's region."""
    if not re.fullmatch(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d+:.+", topic):
        raise ValueError(
            f"The topic is an ARN, like arn:aws:sns:eu-central-1:123456789012:jobs: {topic!r}."
        )
    _, partition, _, region, *_ = topic.split(":")
    return f"https://sns.{region}.amazonaws.com" + (".cn" if partition == "aws-cn" else "")


def _check_signature(message: dict[str, Any], signer: Certificate) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from cryptography.hazmat.primitives.hashes import SHA256

    now, key = datetime.now(timezone.utc), signer.public_key()
    is_valid = signer.not_valid_before_utc <= now <= signer.not_valid_after_utc
    if not is_valid or not isinstance(key, RSAPublicKey):
        raise NotGenuine("The certificate is not valid now, or not of this kind.")
    names = [name for name in _SIGNED[message["Type"]] if name in message]
    signed = "".join(f"{name}\n{message[name]}\n" for name in names)
    try:
        signature = base64.b64decode(message["Signature"])
        key.verify(signature, signed.encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, KeyError, TypeError, ValueError) as error:
        raise NotGenuine("The signature is not this message's.") from error


@functools.lru_cache(maxsize=8)
def _fetch(url: str) -> Certificate:
    """Return the certificate at a URL of SNS; TLS proves the host."""
    from cryptography.x509 import load_pem_x509_certificate

    try:
        response = httpx.get(url, timeout=5).raise_for_status()
        return load_pem_x509_certificate(response.content)
    except (httpx.HTTPError, ValueError) as error:
        raise Unreachable(f"The certificate at {url} could not be read: {error}.") from error


def _import_cryptography() -> None:
    try:
        import cryptography  # noqa: F401
    except ImportError as error:
        text = "Messages of SNS need a package more: pip install 'nowlater-client[sns]'."
        raise ImportError(text) from error
