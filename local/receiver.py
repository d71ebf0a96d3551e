"""A receiver of webhooks for trying them out: shows each one, and checks its signature."""

import html
import json
import time
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local import emulator, follow
from local.terminal import Terminal
from local.webhook_signature import WebhookSecrets, find_fault

#: How many webhooks the page shows.
_SHOWN = 100
#: In bytes; nowlater's own webhooks are shorter.
_LONGEST = 2**20
#: How much of a longer one is read, so that its sender sees the response.
_LONGEST_READ = 100 * 2**20
_TEXT = "text/plain; charset=utf-8"
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<title>Webhooks received</title><style>body{{font:15px system-ui;margin:2rem;max-width:60rem}}
pre{{white-space:pre-wrap;background:#8881;padding:.5rem}}.wrong{{color:#b00020}}</style>
<h1>Webhooks received</h1><p>The last {count}, newest first: reload for newer ones. <code>curl {url}</code> returns JSON.</p>
{webhooks}</html>"""
_WEBHOOK = """<section><h2>{title}</h2><p class="{style}">{received} · {verdict}</p>
<details><summary>Headers and body</summary><pre>{details}</pre></details></section>"""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, receiver: "Receiver") -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", port), _Handler)


class Receiver:
    """An HTTP server on this machine: POST receives a webhook, GET shows those received."""

    def __init__(self, near: int, api: str, key: str, terminal: Terminal) -> None:
        """Listen on the port after `near`, or on another if that one is in use."""
        self._secrets, self._terminal = WebhookSecrets(api, key), terminal
        self._received: deque[dict[str, Any]] = deque(maxlen=_SHOWN)
        try:
            self._server = _Server(near + 1, self)
        except (OSError, OverflowError):
            self._server = _Server(emulator.free_port(), self)
        self.url = f"http://localhost:{self._server.server_port}/webhooks"

    def run(self) -> None:
        self._server.serve_forever()

    def receive(self, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Note and print a webhook; return the response's status, and what is wrong, "" if nothing."""
        parsed = _parse(body)
        title = follow.describe(parsed) or "an empty body"
        status, fault = self._check(headers, body)
        event = headers.get("webhook-id")
        count = 1 + sum(one["headers"].get("webhook-id") == event for one in list(self._received))
        verdict = _verdict(status, fault, count)
        received = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._received.appendleft(
            {
                "received": received,
                "title": title,
                "fault": fault or None,
                "verdict": verdict,
                "headers": dict(headers),
                "body": parsed,
            }
        )
        self._terminal.say(f"webhook: {title}\n  {verdict}")
        return status, fault

    def refuse(self, status: int, fault: str) -> None:
        """Print a request that is no webhook."""
        self._terminal.say(f"webhook: refused with {status}: {fault}")

    def _check(self, headers: Mapping[str, str], body: bytes) -> tuple[int, str]:
        """Check a webhook with the known secrets, and if it fits none, with those of now."""
        host = (headers.get("host") or "localhost").rpartition(":")[0] or "localhost"
        began = time.monotonic()
        try:
            for since in (0.0, began):
                secrets = self._secrets.of(host, since=since)
                if not (fault := find_fault(headers, body, secrets, time.time(), host)):
                    return 204, ""
        except (OSError, ValueError, KeyError) as error:
            return 503, f"the API did not give the secret for {host}: {error}"
        return 401, fault

    def page(self) -> bytes:
        """Return the webhooks as a page."""
        sections = [
            _WEBHOOK.format(
                title=html.escape(one["title"].partition("\n")[0]),
                style="wrong" if one["fault"] else "right",
                received=one["received"],
                verdict=html.escape(one["verdict"]),
                details=html.escape(json.dumps({k: one[k] for k in ("headers", "body")}, indent=2)),
            )
            for one in list(self._received)
        ]
        none = "<p>None yet: give a job <code>callback</code> with this page's URL.</p>"
        page = _PAGE.format(count=_SHOWN, url=self.url, webhooks="".join(sections) or none)
        return page.encode()

    def listed(self) -> bytes:
        """Return the webhooks as JSON."""
        return json.dumps({"webhooks": list(self._received)}).encode()


class _Handler(BaseHTTPRequestHandler):
    timeout = 30
    server: _Server

    def do_GET(self) -> None:
        receiver = self.server.receiver
        if "text/html" in self.headers.get("Accept", ""):
            self._respond(200, "text/html; charset=utf-8", receiver.page())
        else:
            self._respond(200, "application/json", receiver.listed())

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self.send_error(411, "it has no Content-Length")
        elif int(length) > _LONGEST:
            self._skip(min(int(length), _LONGEST_READ))
            self.send_error(413, f"its body has {length} bytes, and may have {_LONGEST}")
        else:
            body = self.rfile.read(int(length))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, fault = self.server.receiver.receive(headers, body)
            self._respond(status, _TEXT, f"{fault}\n".encode() if fault else b"")

    def send_error(self, code: int, message: str | None = None, _: str | None = None) -> None:
        """Refuse what is no webhook; Python calls this too, with 501 for a method."""
        status, fault = int(code), message or "it is no HTTP request"
        if status == 501:
            status, fault = 405, f"it is a {self.command}: send webhooks by POST"
        self.server.receiver.refuse(status, fault)
        self._respond(status, _TEXT, f"{fault}\n".encode())

    def log_message(self, *_: object) -> None:
        """Print nothing: the terminal has one line for each webhook."""

    def _skip(self, length: int) -> None:
        while length > 0 and (read := self.rfile.read(min(length, 2**16))):
            length -= len(read)

    def _respond(self, status: int, media_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        if status == 405:
            self.send_header("Allow", "GET, HEAD, POST")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _parse(body: bytes) -> Any:
    """Return a body's JSON; its text if it is none."""
    text = body.decode(errors="replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _verdict(status: int, fault: str, count: int) -> str:
    if fault:
        return f"refused with {status}: {fault}"
    if count > 1:
        return f"its signature is valid; its webhook-id came {count} times: handle it once"
    return "its signature is valid"
