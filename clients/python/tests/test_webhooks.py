"""Webhooks and SNS messages are accepted if they are genuine, and only then."""

import base64
import io
import json
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.parser import Parser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from standardwebhooks import Webhook

from nowlater_client import Unreachable, webhooks
from nowlater_client.webhooks import NotGenuine, verify, verify_sns

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(32)).decode()
TIME = "2026-11-24T19:18:49.571Z"
JOB = {"id": "j", "operation": "echo", "status": "failed", "created": TIME, "tags": {}}
EVENT = {"id": "j/failed", "type": "nowlater.job.failed", "time": TIME, "data": JOB}
BODY = json.dumps(EVENT)
TOPIC = "arn:aws:sns:eu-central-1:123456789012:nowlater"


def headers(secret: str = SECRET, later_s: float = 0) -> dict[str, str]:
    at = datetime.now(UTC) + timedelta(seconds=later_s)
    return {
        "Webhook-Id": "j/failed",
        "Webhook-Timestamp": f"{int(at.timestamp())}",
        "Webhook-Signature": Webhook(secret).sign("j/failed", at, BODY),
    }


def test_what_the_standard_s_library_signs_is_genuine() -> None:
    event = verify(BODY.encode(), headers(), SECRET)

    assert (event.id, event.job.status, event.raw) == ("j/failed", "failed", EVENT)


def test_after_a_rotation_one_of_several_secrets_and_signatures_is_enough() -> None:
    sent = headers()
    sent["Webhook-Signature"] = "v1,AAAA v2,x " + sent["Webhook-Signature"]

    assert verify(BODY, sent, [OTHER, SECRET]).id == "j/failed"


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        (BODY + " ", headers()),
        (BODY, headers(OTHER)),
        (BODY, headers(later_s=-86_400)),
        (BODY, headers(later_s=86_400)),
        (BODY, headers() | {"Webhook-Id": "other/failed"}),
        (BODY, headers() | {"Webhook-Signature": ""}),
        (BODY, headers() | {"Webhook-Timestamp": "soon"}),
        (BODY, {}),
    ],
    ids=["changed", "other secret", "old", "future", "other id", "unsigned", "no time", "nothing"],
)
def test_anything_else_is_not(body: str, sent: dict[str, str]) -> None:
    with pytest.raises(NotGenuine):
        verify(body, sent, SECRET)


@pytest.fixture(scope="module")
def signer() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(signer: rsa.RSAPrivateKey, days: int = 1) -> x509.Certificate:
    name = x509.Name([])
    builder = x509.CertificateBuilder(name, name, signer.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(datetime.now(UTC) - timedelta(days=10)).not_valid_after(
        datetime.now(UTC) + timedelta(days=days)
    )
    return builder.sign(signer, SHA256())


def message(signer: rsa.RSAPrivateKey, **changes: Any) -> dict[str, Any]:
    host = "https://sns.eu-central-1.amazonaws.com"
    made = {
        "Type": "Notification",
        "MessageId": "1",
        "TopicArn": TOPIC,
        "Message": BODY,
        "Timestamp": TIME,
        "SignatureVersion": "2",
        "SigningCertURL": f"{host}/SimpleNotificationService-0a1b.pem",
    }
    names = ("Message", "MessageId", "Timestamp", "TopicArn", "Type")
    signed = "".join(f"{name}\n{made[name]}\n" for name in names).encode()
    made["Signature"] = base64.b64encode(signer.sign(signed, padding.PKCS1v15(), SHA256())).decode()
    return made | changes


def test_an_sns_message_is_genuine(signer: rsa.RSAPrivateKey) -> None:
    asked: list[str] = []

    def fetch(url: str) -> x509.Certificate:
        asked.append(url)
        return certificate(signer)

    event = verify_sns(message(signer), TOPIC, fetch)

    assert event is not None
    assert event.job.id == "j"
    assert asked == ["https://sns.eu-central-1.amazonaws.com/SimpleNotificationService-0a1b.pem"]


@pytest.mark.parametrize(
    "changes",
    [
        {"Message": BODY + " "},
        {"TopicArn": TOPIC + "2"},
        {"SignatureVersion": "1"},
        {"Signature": "x"},
        {"Type": "Other"},
        {"SigningCertURL": "https://sns.eu-central-1.amazonaws.com.evil.example/S.pem"},
        {"SigningCertURL": "http://sns.eu-central-1.amazonaws.com/SimpleNotificationService-1.pem"},
    ],
    ids=lambda changes: " ".join(changes),
)
def test_a_changed_sns_message_is_not(signer: rsa.RSAPrivateKey, changes: dict[str, str]) -> None:
    with pytest.raises(NotGenuine):
        verify_sns(message(signer, **changes), TOPIC, lambda url: certificate(signer))


def test_a_genuine_message_of_another_topic_is_not(signer: rsa.RSAPrivateKey) -> None:
    with pytest.raises(NotGenuine, match="another topic"):
        verify_sns(message(signer), f"{TOPIC}-2", lambda url: certificate(signer))


def test_an_expired_certificate_signs_nothing(signer: rsa.RSAPrivateKey) -> None:
    with pytest.raises(NotGenuine):
        verify_sns(message(signer), TOPIC, lambda url: certificate(signer, days=-1))


@pytest.mark.parametrize("secret", ["", "whsec_", [], [SECRET, ""], [SECRET, "whsec_"]])
def test_an_empty_secret_is_refused(secret: Any) -> None:
    with pytest.raises(ValueError, match=r"(?i)secret"):
        verify(BODY, headers(), secret)


@pytest.mark.parametrize(
    "changes",
    [
        {"webhook-timestamp": "9" * 5000},
        {"webhook-timestamp": "nan"},
        {"webhook-signature": "v1,\udcff"},
        {"webhook-id": "\udcff"},
        {"webhook-signature": ""},
    ],
    ids=["digits", "no number", "surrogate", "surrogate in the id", "none"],
)
def test_whatever_an_attacker_sends_is_not_genuine(changes: dict[str, str]) -> None:
    with pytest.raises(NotGenuine):
        verify(BODY, headers() | changes, SECRET)


@pytest.mark.parametrize("body", ["{}", "[]", "no JSON", '{"data": 1, "time": 2}'])
def test_a_signed_body_that_is_no_event_is_not_genuine(body: str) -> None:
    at = datetime.now(UTC)
    signature = Webhook(SECRET).sign("m", at, body)
    sent = {"webhook-id": "m", "webhook-timestamp": f"{int(at.timestamp())}"}
    with pytest.raises(NotGenuine, match="no completion event"):
        verify(body, sent | {"webhook-signature": signature}, SECRET)


def test_parsed_json_is_no_body() -> None:
    with pytest.raises(TypeError, match="raw bytes"):
        verify(json.loads(BODY), headers(), SECRET)


def pairs(sent: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in sent.items()]


FORMS: dict[str, Callable[[dict[str, str]], Any]] = {
    "names in lower case": lambda sent: {name.lower(): value for name, value in sent.items()},
    "names in upper case": lambda sent: {name.upper(): value for name, value in sent.items()},
    "Django's META": lambda sent: {
        "wsgi.input": io.BytesIO(),
        **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in sent.items()},
    },
    "pairs of ASGI": pairs,
    "pairs of WSGI": lambda sent: [*sent.items()],
    "bytes": lambda sent: dict(pairs(sent)),
    "multiValueHeaders": lambda sent: {name: ["other", value] for name, value in sent.items()},
    "twice": lambda sent: [("webhook-id", "other"), ("webhook-signature", ""), *sent.items()],
    "httpx": httpx.Headers,
    "email": lambda sent: Parser().parsestr("".join(f"{n}: {v}\n" for n, v in sent.items())),
}


@pytest.mark.parametrize("form", FORMS)
def test_headers_are_taken_as_frameworks_have_them(form: str) -> None:
    assert verify(BODY, FORMS[form](headers()), SECRET).id == "j/failed"


@pytest.mark.parametrize(
    "wrong", [None, 5, "webhook-id: 1", b"", {"Webhook-Id": 5}, {"webhook-id": []}]
)
def test_headers_of_another_type_are_named(wrong: Any) -> None:
    with pytest.raises(TypeError, match="header"):
        verify(BODY, wrong, SECRET)


@pytest.mark.parametrize("secret", [None, b"whsec_AAAA", 5])
def test_a_secret_of_another_type_is_named(secret: Any) -> None:
    with pytest.raises(TypeError, match=r"client\.secret\(host\)"):
        verify(BODY, headers(), secret)


class Broken(BaseHTTPRequestHandler):
    """Serves what is no certificate, under each path but one."""

    def do_GET(self) -> None:
        self.send_response(404 if self.path == "/missing" else 200)
        self.end_headers()
        self.wfile.write(b"no certificate")

    def log_message(self, *_: object) -> None:
        pass


@pytest.mark.parametrize("path", ["/missing", "/text", "no listener"])
def test_a_certificate_that_cannot_be_read_says_nothing_about_the_message(
    signer: rsa.RSAPrivateKey, path: str
) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Broken) as http:
        url = f"http://127.0.0.1:{http.server_port}{path}"
        thread = threading.Thread(target=http.serve_forever, args=(0.05,))
        thread.start()
        url = url if path.startswith("/") else "http://127.0.0.1:9/"
        with pytest.raises(Unreachable, match="could not be read") as caught:
            verify_sns(message(signer), TOPIC, lambda _: webhooks._fetch(url))
        http.shutdown()
        thread.join()

    assert not isinstance(caught.value, NotGenuine)


def test_what_a_raw_delivery_lacks_is_said() -> None:
    with pytest.raises(NotGenuine, match="RawMessageDelivery"):
        verify_sns(BODY, TOPIC)


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(ImportError, match=r"pip install 'nowlater-client\[sns\]'"):
        verify_sns(BODY, TOPIC)
