"""An OIDC issuer of our own: a real HTTP server, keys that can change, and tokens of every kind.

Tokens are signed here by `cryptography` alone, so that what checks them is not what made them.
"""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

AUDIENCE = "https://api.example.com"


class SigningKey:
    """A key of the issuer, and how it signs."""

    def __init__(self, kid: str, alg: str = "RS256", bits: int = 2048) -> None:
        self.kid, self.alg = kid, alg
        self._rsa = rsa.generate_private_key(65537, bits) if alg[0] in "RP" else None
        curves = {"ES256": ec.SECP256R1(), "ES384": ec.SECP384R1(), "ES512": ec.SECP521R1()}
        self._ec = None if self._rsa else ec.generate_private_key(curves[alg])

    def sign(self, data: bytes) -> bytes:
        digest = {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}[self.alg[2:]]()
        if self._ec:
            size = (self._ec.key_size + 7) // 8
            r, s = utils.decode_dss_signature(self._ec.sign(data, ec.ECDSA(digest)))
            return r.to_bytes(size) + s.to_bytes(size)
        assert self._rsa
        pss = padding.PSS(padding.MGF1(digest), digest.digest_size)
        return self._rsa.sign(data, pss if self.alg[0] == "P" else padding.PKCS1v15(), digest)

    @property
    def pem(self) -> bytes:
        public = (self._rsa or self._ec).public_key()  # type: ignore[union-attr]
        kind = serialization.PublicFormat.SubjectPublicKeyInfo
        return public.public_bytes(serialization.Encoding.PEM, kind)

    @property
    def jwk(self) -> dict[str, Any]:
        """The public half (RFC 7517)."""
        said = {"kid": self.kid, "use": "sig", "alg": self.alg}
        if self._rsa:
            numbers = self._rsa.public_key().public_numbers()
            return said | {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}
        assert self._ec
        size, point = (self._ec.key_size + 7) // 8, self._ec.public_key().public_numbers()
        curve = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[self.alg]
        place = {"x": b64(point.x.to_bytes(size)), "y": b64(point.y.to_bytes(size))}
        return said | {"kty": "EC", "crv": curve} | place


class Issuer:
    """Serves its discovery and its keys on loopback; `asked` lists the paths that were asked for."""

    def __init__(self, *keys: SigningKey, host: str = "127.0.0.1") -> None:
        self.keys = list(keys) or [SigningKey("one")]
        self.asked: list[str] = []
        #: What it answers in the place of its own: a status and a body for each path.
        self.instead: dict[str, tuple[int, bytes, dict[str, str]]] = {}
        self._server = ThreadingHTTPServer((host, 0), _handler(self))
        self.url = f"http://{host}:{self._server.server_port}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str) -> tuple[int, bytes, dict[str, str]]:
        self.asked.append(path)
        documents: dict[str, Any] = {
            "/.well-known/openid-configuration": {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
            },
            "/keys": {"keys": [key.jwk for key in self.keys]},
        }
        if path in self.instead:
            return self.instead[path]
        return (
            (200, json.dumps(documents[path]).encode(), {}) if path in documents else (404, b"", {})
        )

    def claims(self, now_ms: int, **changes: Any) -> dict[str, Any]:
        """Return the claims of a good token, changed; None takes one away."""
        now = now_ms / 1000
        said = {"iss": self.url, "aud": AUDIENCE, "sub": "ann", "iat": now, "exp": now + 600}
        said |= {"scope": "openid invoke read manage"} | changes
        return {name: value for name, value in said.items() if value is not None}

    def token(self, now_ms: int, key: SigningKey | None = None, **changes: Any) -> str:
        """Return a token signed by a key of ours, or by another."""
        return signed(self.claims(now_ms, **changes), key or self.keys[0])


def signed(claims: Any, key: SigningKey, **head: Any) -> str:
    """Return a compact JWT of these claims, with the key's own header, changed; None takes away."""
    says = {"alg": key.alg, "kid": key.kid, "typ": "JWT"} | head
    return compact({k: v for k, v in says.items() if v is not None}, claims, key.sign)


def compact(head: Any, claims: Any, sign: Callable[[bytes], bytes]) -> str:
    """Return three parts: of anything, signed by anything."""
    data = ".".join(b64(_json(part)) for part in (head, claims))
    return f"{data}.{b64(sign(data.encode()))}"


def hs256(secret: bytes) -> Callable[[bytes], bytes]:
    """Return what signs with a secret, as HS256 does."""
    return lambda data: hmac.digest(secret, data, hashlib.sha256)


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _json(part: Any) -> bytes:
    return part if isinstance(part, bytes) else json.dumps(part).encode()


def _number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8))


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, headers = issuer.answer(self.path)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: its requests are in `asked`."""

    return Handler
