"""A receiver of webhooks over real sockets, which answers byte by byte as a test says."""

import gzip
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

#: No behaviour goes on for longer, even if the receiver is not closed.
MAX_S = 30


@dataclass(frozen=True)
class Received:
    """A request as it came; the names of its headers in small letters."""

    at: float
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


#: Answers over a connection; the event says that the receiver closes.
type Behaviour = Callable[[socket.socket, threading.Event], None]


def raw(*pieces: bytes, pause_s: float = 0) -> Behaviour:
    """Answers with these bytes, pausing between pieces, and closes."""

    def play(connection: socket.socket, closing: threading.Event) -> None:
        for piece in pieces:
            connection.sendall(piece)
            closing.wait(pause_s)

    return play


def answer(status: int, body: bytes = b"", **headers: str) -> Behaviour:
    """Answers with a status, headers (`_` for `-`) and a body; answer(200) is the empty one."""
    lines = [f"HTTP/1.1 {status} Status", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return raw("\r\n".join([*lines, "", ""]).encode() + body)


def forever(start: bytes, repeated: bytes, pause_s: float = 0) -> Behaviour:
    """Answers with a start, and then with the same bytes again and again."""

    def play(connection: socket.socket, closing: threading.Event) -> None:
        end = time.monotonic() + MAX_S
        connection.sendall(start)
        while not closing.wait(pause_s) and time.monotonic() < end:
            connection.sendall(repeated)

    return play


def hang(connection: socket.socket, closing: threading.Event) -> None:
    """Says nothing, and keeps the connection."""
    closing.wait(MAX_S)


def reset(connection: socket.socket, closing: threading.Event) -> None:
    """Tears the connection down."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


OK_HEAD = b"HTTP/1.1 200 OK\r\n"
BODY_HEAD = OK_HEAD + b"Content-Type: text/plain\r\n\r\n"

ok = answer(200, b"thank you", Content_Type="text/plain")
empty = answer(200)
gone = answer(410)
half_a_head = raw(OK_HEAD + b"Content-Type: text/pl")
slow_loris = forever(OK_HEAD, b"X-Drip: drop\r\n", pause_s=0.05)
endless_head = forever(OK_HEAD, b"X-Flood: " + b"x" * 1000 + b"\r\n")
endless_line = forever(OK_HEAD + b"X-Flood: ", b"x" * 1000)
endless_continue = forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n")
slow_continue = forever(b"", b"HTTP/1.1 100 Continue\r\n\r\n", pause_s=0.05)
endless_body = forever(BODY_HEAD, b"x" * 65536)
dripping_body = forever(BODY_HEAD, b"drip ", pause_s=0.05)
endless_chunks = forever(
    OK_HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1;" + b"x" * 99 + b"\r\nx\r\n"
)
large = answer(200, b"x" * 10_000_000, Content_Type="text/plain")
bomb = answer(
    200, gzip.compress(bytes(10_000_000)), Content_Type="text/plain", Content_Encoding="gzip"
)


def redirect(to: str, status: int = 301) -> Behaviour:
    """Answers that the resource is elsewhere."""
    return answer(status, Location=to)


def busy(after: str, status: int = 429) -> Behaviour:
    """Answers that it wants no request for a while."""
    return answer(status, Retry_After=after)


@dataclass
class Receiver:
    """Listens on a loopback address until closed, and plays its behaviours, the last for ever.

    With `reads=False` it answers at once, whatever comes. `connections` counts those that were
    made, `requests` are those that were understood.
    """

    plays: list[Behaviour] = field(default_factory=lambda: [ok])
    host: str = "127.0.0.1"
    port: int = 0
    tls: ssl.SSLContext | None = None
    reads: bool = True
    connections: int = 0
    requests: list[Received] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._closing = threading.Event()
        self._changed = threading.Condition()
        self._listener = socket.create_server((self.host, self.port), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def url(self, path: str = "/hook", host: str | None = None) -> str:
        """Return a URL of this receiver, by another name of its host if need be."""
        return f"{'https' if self.tls else 'http'}://{host or self.host}:{self.port}{path}"

    def wait(self, count: int, within_s: float = 10) -> list[Received]:
        """Return the requests once so many have come; raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.requests) >= count, within_s):
                raise TimeoutError(f"{len(self.requests)} of {count} requests came")
            return list(self.requests)

    def close(self) -> None:
        self._closing.set()
        # A thread that accepts is woken by a connection, not by a close.
        with suppress(OSError), socket.create_connection((self.host, self.port), timeout=1):
            pass
        self._accepting.join(timeout=5)
        self._listener.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def _accept(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            if self._closing.is_set():
                connection.close()
                return
            with self._changed:
                play = self.plays.pop(0) if len(self.plays) > 1 else self.plays[0]
                self.connections += 1
            threading.Thread(target=self._serve, args=(connection, play), daemon=True).start()

    def _serve(self, connection: socket.socket, play: Behaviour) -> None:
        connection.settimeout(MAX_S)
        with suppress(OSError, ValueError), connection:
            if self.tls:
                connection = self.tls.wrap_socket(connection, server_side=True)
            with connection:
                if self.reads:
                    received = _received(connection)
                    with self._changed:
                        self.requests.append(received)
                        self._changed.notify_all()
                play(connection, self._closing)


def _received(connection: socket.socket) -> Received:
    """Return the request that comes over a connection; raises ValueError where it breaks off."""
    stream = connection.makefile("rb")
    method, path, _ = stream.readline().decode().split(" ")
    headers = {}
    while line := stream.readline().decode().strip():
        name, _, value = line.partition(":")
        headers[name.lower()] = value.strip()
    body = stream.read(int(headers.get("content-length", 0)))
    return Received(time.time(), method, path, headers, body)
