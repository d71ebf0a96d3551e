"""A proxy between a client and the API that does to answers what networks and gateways do."""

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import BinaryIO
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Fault:
    """What happens to one answer; each comes after the API has handled the request, or instead."""

    #: Send only so many bytes of it.
    cut_at: int | None = None
    #: Send it so many seconds later.
    delay_s: float = 0.0
    #: Send another one; the API does not get the request.
    status: int | None = None
    #: Send nothing, and close the connection; `cut_at` 0 does so after the API has got the request.
    is_lost: bool = False


NONE = Fault()
_BODY = b'{"message": "It is the proxy\'s."}'


@dataclass
class Proxy:
    """Applies a fault to each answer: the next one in `faults`, or what `choose` returns."""

    target: str
    choose: Callable[[bytes], Fault] = lambda request: NONE
    faults: list[Fault] = field(default_factory=list)
    #: The sizes of the whole answers, with their heads.
    sizes: list[int] = field(default_factory=list)

    def handle(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as reader:
            while head := _read_head(reader):
                length = _length(head)
                body = reader.read(length) if length else b""
                fault = self.faults.pop(0) if self.faults else self.choose(head)
                if fault.is_lost:
                    return
                answer = _answer(fault.status) if fault.status else self._forward(head, body)
                self.sizes.append(len(answer))
                threading.Event().wait(fault.delay_s)
                connection.sendall(answer[: fault.cut_at])
                if fault.cut_at is not None:
                    return

    def _forward(self, head: bytes, body: bytes) -> bytes:
        target = urlsplit(self.target)
        line, *lines = head.decode("latin-1").split("\r\n")
        method, path, _ = line.split(" ")
        headers = dict(one.split(": ", 1) for one in lines if one)
        upstream = http.client.HTTPConnection(target.hostname or "", target.port, timeout=60)
        try:
            upstream.request(method, path, body or None, headers)
            answer = upstream.getresponse()
            content = answer.read()
            kept = [
                f"{name}: {value}"
                for name, value in answer.getheaders()
                if name.lower() not in ("transfer-encoding", "connection", "content-length")
            ]
            kept.append(f"Content-Length: {len(content)}")
            first = f"HTTP/1.1 {answer.status} {answer.reason}"
            return "\r\n".join([first, *kept, "", ""]).encode("latin-1") + content
        except OSError:
            return _answer(502)
        finally:
            upstream.close()


def _answer(status: int) -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(_BODY)}"
    return f"{head}\r\n\r\n".encode() + _BODY


def _read_head(reader: BinaryIO) -> bytes:
    lines = []
    for line in iter(reader.readline, b""):
        if line == b"\r\n":
            return b"".join(lines)
        lines.append(line)
    return b""


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.partition(b":")[2])
    return 0


@contextmanager
def serving(proxy: Proxy) -> Iterator[str]:
    """Serve the proxy on a free port; yield its URL."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve(connection: socket.socket) -> None:
            with contextlib.suppress(OSError):  # the client has gone
                proxy.handle(connection)

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(5)
