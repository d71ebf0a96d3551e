"""How the receiver of docs/notifications.md fetches the certificate of a signature: over TLS that is checked."""

import http.server
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import snippets
from tests.e2e.served import environment
from tests.signer import Signer

FETCH = "import sys, sns_signature; print(sns_signature.fetch(sys.argv[1]).serial_number)"


class _Pem(http.server.BaseHTTPRequestHandler):
    """Answers with a certificate."""

    pem = Signer().pem

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.pem)))
        self.end_headers()
        self.wfile.write(self.pem)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A host's certificate and key, and the snippets."""
    made = tmp_path_factory.mktemp("tls")
    host = Signer("localhost")
    (made / "host.pem").write_bytes(host.pem)
    (made / "key.pem").write_bytes(host.key_pem)
    snippets.write("notifications.md", made)
    return made


@pytest.fixture(scope="module")
def port(folder: Path) -> Iterator[int]:
    """Where a certificate is served over TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "host.pem", folder / "key.pem")
    with http.server.ThreadingHTTPServer(("", 0), _Pem) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def fetched(folder: Path, url: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", FETCH, url],
        cwd=folder,
        env=environment() | {"NO_PROXY": "*"} | more,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_certificate_is_fetched_from_a_host_that_is_trusted(folder: Path, port: int) -> None:
    done = fetched(folder, f"https://localhost:{port}/", SSL_CERT_FILE="host.pem")

    assert (done.returncode, done.stdout) == (0, "1\n"), done.stderr


def test_it_is_not_fetched_from_one_that_nobody_vouches_for(folder: Path, port: int) -> None:
    done = fetched(folder, f"https://localhost:{port}/")

    assert "CERTIFICATE_VERIFY_FAILED" in done.stderr


def test_it_is_not_fetched_from_one_of_another_name(folder: Path, port: int) -> None:
    done = fetched(folder, f"https://127.0.0.2:{port}/", SSL_CERT_FILE="host.pem")

    assert "not valid for '127.0.0.2'" in done.stderr
