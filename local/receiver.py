"""A receiver of webhooks for trying them out: shows each one, and checks its signature."""

import base64
import hmac
import html
import json
import time
import urllib.parse
import urllib.request
from collections import deque
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from local import emulator, follow
from local.terminal import Terminal

#: How many webhooks the page shows.
_SHOWN = 100
#: How old a webhook may be, in seconds, as Standard Webhooks' libraries have it.
_MAX_AGE_S = 300
_LONGEST = 10 * 2**20
_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8">
<title>Webhooks received</title><style>body{{font:15px system-ui;margin:2rem;max-width:60rem}}
pre{{white-space:pre-wrap;background:#8881;padding:.5rem}}.wrong{{color:#b00020}}</style>
<h1>Webhooks received</h1><p>The last {count}, newest first: reload for newer ones. <code>curl {url}</code> returns JSON.</p>
{webhooks}</html>"""
_WEBHOOK = """<section><h2>{title}</h2><p class="{style}">{received} · {verdict}</p>
<details><summary>Headers and body</summary><pre>{details}</pre></details></section>"""


class Receiver:
    """An HTTP server on this machine: POST receives a webhook, GET shows those received."""

    def __init__(self, near: int, api: str, key: str, terminal: Terminal) -> None:
        """Listen on the port after `near`, or on another if that one is in use."""
        self._api, self._key, self._terminal = api, key, terminal
        self._received: deque[dict[str, Any]] = deque(maxlen=_SHOWN)
        try:
            self._server = ThreadingHTTPServer(("127.0.0.1", near + 1), self._handler())
        except (OSError, OverflowError):
            self._server = ThreadingHTTPServer(("127.0.0.1", emulator.free_port()), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://localhost:{self._server.server_port}/webhooks"

    def run(self) -> None:
        self._server.serve_forever()

    def receive(self, headers: Mapping[str, str], body: bytes) -> str:
        """Note and print a webhook; return what is wrong with it, "" if nothing is."""
        text = body.decode(errors="replace")
        try:
            parsed: Any = json.loads(text)
        except ValueError:
            parsed = text
        title = follow.describe(parsed)
        fault = self._find_fault(headers, body)
        verdict = f"refused with 401: {fault}" if fault else "its signature is valid"
        received = datetime.now(UTC).isoformat(timespec="milliseconds")
        self._received.appendleft(
            {
                "received": received,
                "title": title,
                "fault": fault or None,
                "headers": dict(headers),
                "body": parsed,
            }
        )
        self._terminal.say(f"webhook: {title}\n  {verdict}")
        return fault

    def _find_fault(self, headers: Mapping[str, str], body: bytes) -> str:
        host = (headers.get("host") or "localhost").rpartition(":")[0] or "localhost"
        try:
            secrets = self._secrets(host)
        except (OSError, ValueError, KeyError) as fault:
            return f"the API did not give the secret for {host}: {fault}"
        return find_fault(headers, body, secrets, time.time(), host)

    def _secrets(self, host: str) -> list[str]:
        """Return the secrets that sign webhooks to a host, asked for as any receiver's owner would."""
        url = f"{self._api}/webhooks/secret?{urllib.parse.urlencode({'host': host})}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {self._key}"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            shown = json.load(response)
        return [shown["secret"], *(previous["secret"] for previous in shown["previous"])]

    def page(self) -> bytes:
        """Return the webhooks as a page."""
        sections = [
            _WEBHOOK.format(
                title=html.escape(one["title"].partition("\n")[0]),
                style="wrong" if one["fault"] else "right",
                received=one["received"],
                verdict=html.escape(one["fault"] or "its signature is valid"),
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

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            timeout = 30

            def do_GET(self) -> None:
                if "text/html" in self.headers.get("Accept", ""):
                    self._respond(200, "text/html; charset=utf-8", receiver.page())
                else:
                    self._respond(200, "application/json", receiver.listed())

            def do_POST(self) -> None:
                length = self.headers.get("Content-Length", "")
                if not length.isdigit() or int(length) > _LONGEST:
                    self._respond(411, "text/plain", b"Send a Content-Length of at most 10 MiB.\n")
                    return
                body = self.rfile.read(int(length))
                headers = {name.lower(): value for name, value in self.headers.items()}
                if fault := receiver.receive(headers, body):
                    self._respond(401, "text/plain; charset=utf-8", f"{fault}\n".encode())
                else:
                    self._respond(204, "text/plain", b"")

            def _respond(self, status: int, media_type: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Print nothing: the terminal has one line for each webhook."""

        return Handler


def find_fault(
    headers: Mapping[str, str], body: bytes, secrets: list[str], now: float, host: str
) -> str:
    """Return what is wrong with a webhook's signature, as Standard Webhooks defines it; "" if nothing."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    if missing := [name for name in names if not headers.get(name)]:
        return f"it has no header {' and no header '.join(missing)}: nowlater did not send it so"
    event, sent, signatures = (headers[name] for name in names)
    if not (sent.isascii() and sent.isdigit()):
        return f"webhook-timestamp is {sent!r}, and must be seconds since 1970"
    if abs(age_s := now - int(sent)) > _MAX_AGE_S:
        when = f"{age_s:.0f} s ago" if age_s > 0 else f"in {-age_s:.0f} s"
        return f"webhook-timestamp says that it was signed {when}: more than {_MAX_AGE_S} s are a replay, or a wrong clock"
    signed = f"{event}.{sent}.".encode() + body
    expected = {_signature(signed, secret) for secret in secrets}
    given = signatures.split()
    if not any(signature.startswith("v1,") for signature in given):
        return "webhook-signature has no signature of version v1: v1,BASE64"
    if any(hmac.compare_digest(a.encode(), b.encode()) for a in given for b in expected):
        return ""
    return (
        f"no signature fits this body with your secret for {host}: it was changed on its way, or "
        "signed with another secret (each host and each owner has its own)"
    )


def _signature(signed: bytes, secret: str) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
