"""What SNS does to a message, with a key and a certificate of the tests' own."""

import base64
import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
_HASHES = {"1": hashes.SHA1(), "2": hashes.SHA256()}


class Signer:
    """A key, and a certificate for it that is valid for so many days on both sides of today."""

    def __init__(self, name: str = "sns.amazonaws.com", begins: int = -1, ends: int = 1) -> None:
        self._key = generate_private_key(65537, 2048)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        here = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        now = datetime.now(UTC)
        self.certificate = (
            x509.CertificateBuilder(subject, subject, self._key.public_key())
            .serial_number(1)
            .not_valid_before(now + begins * DAY)
            .not_valid_after(now + ends * DAY)
            .add_extension(x509.SubjectAlternativeName(here), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self._key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    def signed(self, message: dict[str, Any]) -> dict[str, Any]:
        """Return a message with the signature of its SignatureVersion.

        The names and their order are those of SNS's documentation, "Verifying the signatures of
        Amazon SNS messages".
        """
        if message["Type"] == "Notification":
            names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
        else:
            names = ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn"]
            names.append("Type")
        lines = [line for name in names if name in message for line in (name, message[name])]
        signature = self._key.sign(
            ("\n".join(lines) + "\n").encode(), PKCS1v15(), _HASHES[message["SignatureVersion"]]
        )
        return message | {"Signature": base64.b64encode(signature).decode()}
