"""One HTTP/1.1 exchange with a stranger: a request out, a reply in, in bounded time and memory.

`http.client` would do, were it not that it takes a head that breaks off for a whole one, waits
through any number of 100s, and counts its time-out anew with each byte.
"""

import io
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from socket import socket
from typing import Literal

from nowlater.outbound.reply import Headers, Reply, excerpt, retry_after_s
from nowlater.outbound.targets import Target

USER_AGENT = "nowlater-webhooks/1"
#: Bytes read of a reply: its head, with those of any 1xx before it, and its body.
MAX_HEAD, MAX_BODY = 32 * 1024, 64 * 1024

type Reader = io.BufferedReader[_Source]
type Kind = Literal["unresolved", "address-refused", "unreachable", "tls", "timed-out", "broken"]

_OURS = ("host", "user-agent", "accept-encoding", "connection", "content-length")
_NOT_SENT = (*_OURS, "transfer-encoding", "expect", "upgrade", "te", "trailer")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[ -~]*")
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: .*)?\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})\s*(?:;.*)?\r?\n")

_NO_HTTP = "The answer is not HTTP/1."
_NO_ANSWER = "The connection was closed without an answer."


class Unsent(Exception):
    """No reply came; the sentence tells the owner of the URL why, and `kind` tells the log.

    A receiver may have got the request all the same, if `kind` is `timed-out` or `broken`.
    """

    def __init__(self, kind: Kind, sentence: str, latency_ms: int) -> None:
        super().__init__(sentence)
        self.kind: Kind = kind
        self.sentence = sentence
        self.latency_ms = latency_ms


class TimeLimit:
    """The one time limit of all that is done; `doing` says on what it is being spent."""

    def __init__(self, total_s: float) -> None:
        self.doing = "starting"
        self._total_s = total_s
        self._began = time.monotonic()

    def left_s(self) -> float:
        """Return what is left, which is more than nothing; raises TimeoutError."""
        left = self._began + self._total_s - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def spent_ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)

    def is_up(self) -> Unsent:
        return self.unsent("timed-out", f"The {self._total_s:g} s were up while {self.doing}.")

    def unsent(self, kind: Kind, sentence: str) -> Unsent:
        return Unsent(kind, sentence, self.spent_ms())


def request(target: Target, body: bytes, headers: Headers) -> bytes:
    """Return a POST as it goes over the wire; raises ValueError for what would change its meaning."""
    if not re.fullmatch(r"[!-~]+", target.path_and_query + target.authority):
        raise ValueError("a target is made by nowlater.addresses.target")
    ours = (target.authority, USER_AGENT, "identity", "close", str(len(body)))
    lines = [f"POST {target.path_and_query} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in zip(_OURS, ours, strict=True)]
    for name, value in headers.items():
        if not _NAME.fullmatch(name) or not _VALUE.fullmatch(value) or name.lower() in _NOT_SENT:
            raise ValueError(f"{name!r} is no header to send, or its value is none")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def exchange(sock: socket, message: bytes, limit: TimeLimit) -> Reply:
    """Send a request over a connection, and return the reply; raises Unsent, TimeoutError.

    Once the head is there, the reply counts, however its body ends or does not end.
    """
    limit.doing = "sending"
    try:
        _send(sock, message, limit)
    except TimeoutError:
        raise
    except OSError:
        pass  # who does not want it all may have answered already
    limit.doing = "waiting for the answer"
    source = _Source(sock, limit)
    reader: Reader = io.BufferedReader(source)
    try:
        status, headers = _head(reader)
    except TimeoutError:
        raise
    except OSError as fault:
        sentence = f"The connection broke before an answer came: {fault.strerror or fault}."
        raise limit.unsent("broken", sentence) from fault
    except ValueError as fault:
        too_long = "The head of the answer has more than 32 KB."
        sentence = str(fault) if source.most else too_long
        raise limit.unsent("broken", sentence) from fault
    latency_ms, body = limit.spent_ms(), bytearray()
    source.most = MAX_BODY
    with suppress(OSError):
        for piece in _body(reader, headers) if status not in (204, 304) else ():
            body += piece[: MAX_BODY - len(body)]
    after_s = retry_after_s(headers.get("retry-after"), datetime.now(UTC))
    return Reply(status, latency_ms, len(body), after_s, excerpt(status, headers, bytes(body)))


class _Source(io.RawIOBase):
    """What a socket gives until the limit, and at most `most` bytes of it."""

    def __init__(self, sock: socket, limit: TimeLimit) -> None:
        self.most = MAX_HEAD
        self._sock, self._limit = sock, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self.most <= 0:
            return 0
        self._sock.settimeout(self._limit.left_s())
        got = self._sock.recv_into(buffer[: self.most])
        self.most -= got
        return got


def _send(sock: socket, message: bytes, limit: TimeLimit) -> None:
    rest = memoryview(message)
    while rest:
        sock.settimeout(limit.left_s())
        rest = rest[sock.send(rest[:MAX_BODY]) :]


def _head(reader: Reader) -> tuple[int, Headers]:
    """Return status and headers of the first reply that is a final one; raises ValueError."""
    while True:
        line = reader.readline()
        found = _STATUS.fullmatch(line)
        if not found:
            raise ValueError(_NO_HTTP if line else _NO_ANSWER)
        headers: Headers = {}
        while (line := reader.readline()) not in (b"\r\n", b"\n"):
            if not line.endswith(b"\n"):
                raise ValueError("The answer breaks off in its head.")
            name, _, value = line.decode("latin-1").partition(":")
            headers.setdefault(name.strip().lower(), value.strip())
        if (status := int(found[1])) >= 200:
            return status, headers
        if status == 101:
            raise ValueError("The answer changes the protocol, which nobody asked for.")


def _body(reader: Reader, headers: Headers) -> Iterator[bytes]:
    """Yield a body's pieces as they come (RFC 9112 §6.3), until it ends or breaks off."""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while (size := _CHUNK.fullmatch(reader.readline())) and int(size[1], 16):
            yield from _pieces(reader, int(size[1], 16))
            reader.readline()
    else:
        length = re.fullmatch("[0-9]{1,12}", headers.get("content-length", ""))
        yield from _pieces(reader, int(length[0]) if length else MAX_BODY)


def _pieces(reader: Reader, size: int) -> Iterator[bytes]:
    while size and (piece := reader.read1(min(size, 4096))):
        size -= len(piece)
        yield piece
