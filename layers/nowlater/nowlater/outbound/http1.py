"""One HTTP/1.1 exchange with a host chosen by a caller: a request and a reply, in bounded time and memory.

`http.client` is not used: it takes 103 for the final response and a truncated head for a complete one,
stops at a malformed header, and refuses more than 100 headers.
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
#: Bytes read of a reply: of its head, including any 1xx responses before it, and of its body.
MAX_HEAD, MAX_BODY = 32 * 1024, 64 * 1024

type Reader = io.BufferedReader[_Source]
type Kind = Literal["unresolved", "address-refused", "unreachable", "tls", "timed-out", "broken"]

_OWN_HEADERS = ("host", "user-agent", "accept-encoding", "connection", "content-length")
_REFUSED_HEADERS = (*_OWN_HEADERS, "transfer-encoding", "expect", "upgrade", "te", "trailer")
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_VALUE = re.compile(r"[ -~]*")
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-5][0-9]{2})(?: .*)?\r?\n")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,8})\s*(?:;.*)?\r?\n")

_NOT_HTTP = "The response is not HTTP/1."
_NO_RESPONSE = "The connection was closed without a response."


class Unsent(Exception):
    """No reply came; the sentence says why, for the owner of the URL, and `kind` is for the log.

    If `kind` is `timed-out` or `broken`, the receiver may still have received the request.
    """

    def __init__(self, kind: Kind, sentence: str, latency_ms: int) -> None:
        super().__init__(sentence)
        self.kind: Kind = kind
        self.sentence = sentence
        self.latency_ms = latency_ms


class TimeLimit:
    """The time limit of a whole exchange; `phase` names what is under way when it ends."""

    def __init__(self, total_s: float) -> None:
        self.phase = "starting"
        self._total_s = total_s
        self._began = time.monotonic()

    def remaining_s(self) -> float:
        """Return the remaining seconds, more than 0; raises TimeoutError if there are none."""
        remaining_s = self._began + self._total_s - time.monotonic()
        if remaining_s <= 0:
            raise TimeoutError
        return remaining_s

    def spent_ms(self) -> int:
        return round((time.monotonic() - self._began) * 1000)

    def timed_out(self) -> Unsent:
        sentence = f"The time limit of {self._total_s:g} s ended while {self.phase}."
        return self.unsent("timed-out", sentence)

    def unsent(self, kind: Kind, sentence: str) -> Unsent:
        return Unsent(kind, sentence, self.spent_ms())


def request(target: Target, body: bytes, headers: Headers) -> bytes:
    """Return the bytes of a POST; raises ValueError for parts that would change the request."""
    if not re.fullmatch(r"[!-~]+", target.path_and_query + target.authority):
        raise ValueError("a target must come from nowlater.outbound.targets.target")
    own_values = (target.authority, USER_AGENT, "identity", "close", str(len(body)))
    lines = [f"POST {target.path_and_query} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in zip(_OWN_HEADERS, own_values, strict=True)]
    for name, value in headers.items():
        is_valid = _NAME.fullmatch(name) and _VALUE.fullmatch(value)
        if not is_valid or name.lower() in _REFUSED_HEADERS:
            raise ValueError(f"the header {name!r} or its value must not be sent")
        lines.append(f"{name}: {value}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def exchange(sock: socket, message: bytes, limit: TimeLimit) -> Reply:
    """Send a request over a connection; return the reply. Raises Unsent and TimeoutError.

    A complete head is enough for a reply; its body may be truncated or never end.
    """
    _send(sock, message, limit)
    source = _Source(sock, limit)
    reader: Reader = io.BufferedReader(source)
    status, headers = _read_head_in_time(source, reader, limit)
    latency_ms, body = limit.spent_ms(), bytearray()
    source.max_bytes = MAX_BODY
    with suppress(OSError):
        for piece in _read_body(reader, headers) if status not in (204, 304) else ():
            body += piece[: MAX_BODY - len(body)]
    after_s = retry_after_s(headers.get("retry-after"), datetime.now(UTC))
    return Reply(status, latency_ms, len(body), after_s, excerpt(status, headers, bytes(body)))


class _Source(io.RawIOBase):
    """A socket's data, limited in time and to the next `max_bytes` bytes."""

    def __init__(self, sock: socket, limit: TimeLimit) -> None:
        self.max_bytes = MAX_HEAD
        self._sock, self._limit = sock, limit

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        if self.max_bytes <= 0:
            return 0
        self._sock.settimeout(self._limit.remaining_s())
        received = self._sock.recv_into(buffer[: self.max_bytes])
        self.max_bytes -= received
        return received


def _send(sock: socket, message: bytes, limit: TimeLimit) -> None:
    """Send a request, as far as the receiver reads it; raises TimeoutError."""
    limit.phase = "sending"
    rest = memoryview(message)
    try:
        while rest:
            sock.settimeout(limit.remaining_s())
            rest = rest[sock.send(rest[:MAX_BODY]) :]
    except TimeoutError:
        raise
    except OSError:
        pass  # a receiver may respond before it has read the whole request


def _read_head_in_time(source: _Source, reader: Reader, limit: TimeLimit) -> tuple[int, Headers]:
    """Return status and headers of the final response; raises Unsent and TimeoutError."""
    limit.phase = "waiting for the response"
    try:
        return _read_head(reader)
    except TimeoutError:
        raise
    except OSError as fault:
        sentence = f"The connection broke before a response came: {fault.strerror or fault}."
        raise limit.unsent("broken", sentence) from fault
    except ValueError as fault:
        too_long = "The head of the response has more than 32 KB."
        sentence = str(fault) if source.max_bytes else too_long
        raise limit.unsent("broken", sentence) from fault


def _read_head(reader: Reader) -> tuple[int, Headers]:
    """Return status and headers of the first final response (not 1xx); raises ValueError."""
    while True:
        line = reader.readline()
        match = _STATUS.fullmatch(line)
        if not match:
            raise ValueError(_NOT_HTTP if line else _NO_RESPONSE)
        headers: Headers = {}
        while (line := reader.readline()) not in (b"\r\n", b"\n"):
            if not line.endswith(b"\n"):
                raise ValueError("The head of the response is incomplete.")
            name, _, value = line.decode("latin-1").partition(":")
            headers.setdefault(name.strip().lower(), value.strip())
        if (status := int(match[1])) >= 200:
            return status, headers
        if status == 101:
            raise ValueError("The response switches the protocol, which was not requested.")


def _read_body(reader: Reader, headers: Headers) -> Iterator[bytes]:
    """Yield a body's pieces as they come (RFC 9112 §6.3), until it ends or is truncated."""
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
