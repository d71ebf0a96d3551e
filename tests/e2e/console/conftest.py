"""The console in a real Chromium: a page that fails its test on any error, and on a request elsewhere."""

import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.e2e.client import Client
from tests.e2e.console.page import Console

_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Return the path of the browser: the one in CHROMIUM, else one that is installed."""
    given = os.environ.get("CHROMIUM")
    return given or next(filter(None, map(shutil.which, _NAMES)), None)


def launch(playwright: Playwright) -> Browser:
    """Start the browser."""
    # Chromium's sandbox does not work for root, as in containers.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    return playwright.chromium.launch(executable_path=chromium(), args=arguments)


@pytest.fixture(scope="module")  # its event loop would fail the coroutines of other modules
def playwright() -> Iterator[Playwright]:
    if chromium() is None:
        pytest.skip("this test needs Chromium: install it, or set CHROMIUM to its path")
    with sync_playwright() as it:
        yield it


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    opened = launch(playwright)
    yield opened
    opened.close()


@pytest.fixture
def window(browser: Browser, api: Client) -> Iterator[Callable[..., Console]]:
    """Opens consoles of the stack; options are Playwright's of a context."""
    opened: list[Console] = []

    def open_console(**options: object) -> Console:
        opened.append(Console(browser, api, **options))
        return opened[-1]

    yield open_console
    for console in opened:
        console.close()
    for console in opened:
        console.check()


@pytest.fixture
def console(window: Callable[..., Console]) -> Console:
    """A console in a window of a desktop."""
    return window()
