"""A console as its reader uses it: by what is written on it."""

import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

from tests.e2e.client import Client
from tests.e2e.patience import PATIENCE_S

DESKTOP = {"width": 1440, "height": 900}
#: What a test has asked for: the network is away, or the API refuses something.
_ASKED_FOR = re.compile(
    r"ERR_INTERNET_DISCONNECTED|the server responded with a status of (401|403|4\d\d)"
)


class Console:
    """A window with the console, and what went wrong in it."""

    def __init__(self, browser: Browser, api: Client, **options: Any) -> None:
        self.url, self.key = api.url, api.authorization.removeprefix("Bearer ")
        policy = api.get("/console").headers["Content-Security-Policy"]
        bucket = policy.partition("connect-src 'self' ")[2].partition(";")[0].split()
        self._hosts = {urlsplit(url).netloc for url in (api.url, *bucket)}
        permissions = ["clipboard-read", "clipboard-write"]
        window = {"viewport": DESKTOP, "permissions": permissions} | options
        self.context = browser.new_context(**window)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_S * 1000)
        expect.set_options(timeout=PATIENCE_S * 1000)
        self.faults: list[str] = []
        self.requests: list[Request] = []
        #: Whether refusals are part of the test: the browser notes each on its console.
        self.expects_refusals = False
        self.page.on("console", self._note)
        self.page.on("pageerror", lambda error: self.faults.append(f"error: {error}"))
        self.page.on("request", lambda request: self.requests.append(request))

    def open(self, place: str = "/jobs", key: str | None = None) -> Page:
        """Open a screen by a link with the key, as `make up` prints it."""
        self.page.goto(f"{self.url}/console#key={key or self.key}&go={place}")
        return self.page

    def button(self, name: str, *, exact: bool = False) -> Locator:
        return self.page.get_by_role("button", name=name, exact=exact)

    def see(self, text: str) -> None:
        """Wait until a text is seen."""
        expect(self.page.get_by_text(text).first).to_be_visible()

    def see_status(self, status: str) -> None:
        """Wait until the job on show has a status."""
        expect(self.page.locator(".head .st.pill")).to_have_text(status)

    def close(self) -> None:
        self.context.close()

    def check(self) -> None:
        """Fail on what went wrong, and on requests to other hosts than the API and its bucket."""
        elsewhere = {
            request.url
            for request in self.requests
            if urlsplit(request.url).scheme in ("http", "https")
            and urlsplit(request.url).netloc not in self._hosts
        }

        assert self.faults == [], self.faults
        assert elsewhere == set(), elsewhere

    def _note(self, message: ConsoleMessage) -> None:
        is_asked_for = self.expects_refusals and _ASKED_FOR.search(message.text)
        if message.type in ("error", "warning") and not is_asked_for:
            self.faults.append(f"{message.type}: {message.text} {message.location['url']}")
