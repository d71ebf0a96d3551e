"""A list of 10,000 jobs, as the API would respond with it, and scrolling to its end as fast as the page can."""

from typing import Any

from playwright.sync_api import Page, Route, expect

from tests.e2e.console.page import Console

JOBS = 10_000
_SCROLL = """
async () => {
  const isAtEnd = () => document.querySelector('.end-of-list').textContent.includes('no older ones')
  const isAtBottom = () => scrollY + innerHeight >= document.documentElement.scrollHeight - 1
  while (!isAtEnd() || !isAtBottom()) {
    scrollBy(0, 3000)
    await new Promise(requestAnimationFrame)
  }
}
"""


def open_many(console: Console, job: dict[str, Any]) -> Page:
    """Open the list; each of its jobs is a copy of one."""
    console.page.route("**/jobs?*", lambda route: _respond(route, job))
    page = console.open("/jobs")
    expect(page.locator(".jobs tr[data-id]").first).to_be_visible()
    return page


def scroll_to_end(page: Page) -> None:
    """Scroll until the last job was read, by a script of the page: each call from outside is work for it too."""
    page.evaluate(_SCROLL)


def _respond(route: Route, job: dict[str, Any]) -> None:
    """Respond with a page of the list, whose ids count down."""
    url = route.request.url
    first = int(url.partition("cursor=")[2].partition("&")[0] or JOBS)
    limit = int(url.partition("limit=")[2].partition("&")[0])
    last = max(0, first - limit)
    ids = (f"{n:08d}-0000-7000-8000-000000000000" for n in range(first, last, -1))
    next_page = f"{url.partition('?')[0]}?limit={limit}&cursor={last}" if last else None
    route.fulfill(json={"jobs": [job | {"id": one} for one in ids], "next": next_page})
