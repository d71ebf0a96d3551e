"""The console in Chromium: what it weighs, when it is useful, and how long it keeps the page busy."""

import json
import statistics
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from tests.e2e.client import Client
from tests.e2e.console import many
from tests.e2e.console.conftest import chromium, launch
from tests.e2e.console.page import Console
from tests.e2e.served import Served

ROUNDS = 7
MAX_KB, MAX_FIRST_ROW_MS, MAX_TASK_MS = 150, 1000, 100
#: From the navigation to the frame after the first row of the list was there.
_FIRST_ROW = """
new Promise(resolve => {
  const look = () => {
    if (!document.querySelector('.jobs tr[data-id]')) return requestAnimationFrame(look)
    requestAnimationFrame(() => resolve(performance.now()))
  }
  look()
})
"""
#: The page with its scripts and styles.
_LOADED = """
performance.getEntries()
  .filter(({entryType, initiatorType}) => entryType === 'navigation' || ['script', 'link'].includes(initiatorType))
  .reduce((sum, {encodedBodySize}) => sum + encodedBodySize, 0)
"""


def measure(served: Served) -> bool:
    """Print the figures, and tell whether they are in their budgets; nothing is measured without Chromium."""
    if chromium() is None:
        print("\nthe console is not measured: install Chromium, or set CHROMIUM to its path")
        return True
    client = Client(served.connection()["url"], served.connection()["key"])
    job = client.ended(client.submit("csv-profile", {"csv": "a,b\n1,2\n"}))
    with sync_playwright() as playwright:
        browser = launch(playwright)
        opened = [_open(browser, client) for _ in range(ROUNDS + 1)][1:]
        longest = _longest_task_ms(browser, client, job)
        browser.close()
    client.close()
    first_row, loaded = (statistics.median(column) for column in zip(*opened, strict=True))
    print(f"\nthe console in Chromium{'':32} budget")
    kept = _show("loaded, compressed (KB)", loaded / 1000, MAX_KB)
    kept &= _show(f"first row of Jobs, median of {ROUNDS} (ms)", first_row, MAX_FIRST_ROW_MS)
    return kept & _show(f"longest task, {many.JOBS:,} jobs scrolled (ms)", longest, MAX_TASK_MS)


def _show(what: str, value: float, budget: float) -> bool:
    said = "" if value <= budget else "  NOT KEPT"
    print(f"{what:<48} {value:5.0f}  ≤ {budget}{said}", flush=True)
    return value <= budget


def _open(browser: Browser, client: Client) -> tuple[float, float]:
    """Return when the first row was painted, in milliseconds, and how many bytes the page loaded."""
    console = Console(browser, client)
    page = console.open("/jobs")
    first_row, loaded = float(page.evaluate(_FIRST_ROW)), int(page.evaluate(_LOADED))
    console.close()
    return first_row, loaded


def _longest_task_ms(browser: Browser, client: Client, job: dict[str, Any]) -> float:
    """Return the longest that a task computed, not waited for a processor: a machine can be busy."""
    console = Console(browser, client)
    page = many.open_many(console, job)
    browser.start_tracing(page=page, categories=["toplevel"])
    many.scroll_to_end(page)
    events = json.loads(browser.stop_tracing())["traceEvents"]
    console.close()
    main = {
        (e["pid"], e["tid"]) for e in events if e.get("args", {}).get("name") == "CrRendererMain"
    }
    tasks = [e for e in events if (e["pid"], e["tid"]) in main and "RunTask" in e["name"]]
    return float(max(e["tdur"] for e in tasks if "tdur" in e) / 1000)
