"""What everybody must be able to use: each screen at each width, in both themes, and with a long list."""

from collections.abc import Callable, Iterator
from itertools import product

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import nodejs
from tests.e2e.client import Client
from tests.e2e.console import many
from tests.e2e.console.page import Console

SIZES = {390: 844, 768: 1024, 1440: 900}
THEMES = ("light", "dark")
#: What has no other width, theme or magnification than these is looked at every day.
QUICK = (390, "dark"), (1440, "light")
#: Counts how many rows are made in a frame at most, and are in the table.
COUNT_ROWS = """
() => {
  const table = document.querySelector('.jobs')
  let made = 0
  const isRow = node => node.matches?.('tr[data-id]')
  window.rows = {mostInFrame: 0, mostInTable: 0}
  new MutationObserver(changes => {
    for (const {addedNodes} of changes) made += [...addedNodes].filter(isRow).length
    const count = table.querySelectorAll('tr[data-id]').length
    rows.mostInTable = Math.max(rows.mostInTable, count)
  }).observe(table, {childList: true, subtree: true})
  const frame = () => {
    rows.mostInFrame = Math.max(rows.mostInFrame, made)
    made = 0
    requestAnimationFrame(frame)
  }
  frame()
}
"""
SCREENS = (
    "jobs",
    "job",
    "failed",
    "waiting",
    "operations",
    "lanes",
    "webhooks",
    "keys",
    "question",
)


@pytest.fixture(scope="module")
def jobs(api: Client) -> Iterator[dict[str, str]]:
    """Jobs of each kind, by what they are."""
    callback = {"url": "http://127.0.0.1:9/hooks"}
    done = api.submit("csv-profile", {"csv": "a,b\n1,2\n"}, tags={"looks": "done"})
    failed = api.submit("fail", {}, deadline={"within": 600}, callback=callback)
    soon = {"start": {"after": 7200}, "deadline": {"within": 40000}}
    waiting = api.submit("text-stats", {"text": "To be."}, **soon)
    api.ended(done)
    api.ended(failed)
    yield {"job": done["id"], "failed": failed["id"], "waiting": waiting["id"]}
    api.call("POST", f"/jobs/{waiting['id']}/cancel")


def show(console: Console, screen: str, jobs: dict[str, str]) -> Page:
    """Show a screen, completely."""
    places = {"operations": "/operations/csv-profile", "keys": "/jobs", "question": "/jobs"}
    place = f"/jobs/{jobs[screen]}" if screen in jobs else places.get(screen, f"/{screen}")
    if screen == "question":
        place = f"/jobs/{jobs['waiting']}"
    page = console.open(place)
    expect(page.locator("main h1").first).to_be_visible()
    expect(page.locator(".loading")).to_have_count(0)
    if screen == "keys":
        page.keyboard.press("?")
        expect(page.get_by_role("dialog")).to_be_visible()
    if screen == "question":
        console.button("Cancel job…").click()
        expect(page.get_by_role("dialog")).to_be_visible()
    return page


def violations(page: Page) -> list[str]:
    """Return what axe-core finds: rule, and the elements."""
    if not page.evaluate("'axe' in window"):
        # Not as a script element: the page's policy allows none from elsewhere.
        page.evaluate((nodejs.folder() / "node_modules/axe-core/axe.min.js").read_text())
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    return [f"{v['id']}: {[node['html'][:160] for node in v['nodes']]}" for v in found]


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


@pytest.mark.parametrize(
    ("width", "theme"),
    [
        pytest.param(*each, marks=() if each in QUICK else pytest.mark.nightly)
        for each in product(SIZES, THEMES)
    ],
)
@pytest.mark.parametrize("screen", SCREENS)
def test_a_screen_is_accessible_and_fits(
    window: Callable[..., Console], jobs: dict[str, str], screen: str, width: int, theme: str
) -> None:
    size = {"width": width, "height": SIZES[width]}
    page = show(window(viewport=size, color_scheme=theme), screen, jobs)

    assert violations(page) == []
    assert overflow(page) == 0


@pytest.mark.nightly
@pytest.mark.parametrize("screen", SCREENS)
def test_a_screen_fits_at_twice_its_size_and_stands_still(
    window: Callable[..., Console], jobs: dict[str, str], screen: str
) -> None:
    # 200 % of 1280 px are 640 of CSS; 320 px are 400 %.
    size = {"width": 320, "height": 640}
    page = show(window(viewport=size, reduced_motion="reduce"), screen, jobs)
    moving = "document.getAnimations().filter(a => a.playState === 'running').length"

    assert overflow(page) == 0
    assert page.evaluate(moving) == 0


def test_what_a_job_does_now_has_room_at_every_width(
    console: Console, jobs: dict[str, str]
) -> None:
    page = show(console, "jobs", jobs)
    sentence = page.locator(f"tr[data-id='{jobs['failed']}'] .say")
    widths = {}
    for width in (390, 768, 1023, 1024, 1151, 1152, 1279, 1280, 1439, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        widths[width] = sentence.evaluate("cell => cell.getBoundingClientRect().width")

    assert {width: room for width, room in widths.items() if room < 160} == {}


def test_without_a_key_the_page_asks_for_one_accessibly(
    window: Callable[..., Console],
) -> None:
    console = window(viewport={"width": 390, "height": 844}, color_scheme="dark")
    page = console.page
    page.goto(f"{console.url}/console")
    expect(page.get_by_label("API key or token")).to_be_visible()

    assert violations(page) == []
    assert overflow(page) == 0


@pytest.mark.nightly
def test_a_list_of_10_000_jobs_is_drawn_a_few_rows_at_a_time(
    console: Console, api: Client, jobs: dict[str, str]
) -> None:
    page = many.open_many(console, api.get(f"/jobs/{jobs['job']}").json())
    rows = page.locator(".jobs tr[data-id]")
    page.evaluate(COUNT_ROWS)
    many.scroll_to_end(page)
    expect(page.get_by_text("10,000 jobs, no older ones")).to_be_visible()
    expect(page.locator("tr[data-id^='00000001']")).to_be_visible()

    assert rows.count() <= 80
    assert page.evaluate("rows.mostInTable") <= 80
    assert 0 < page.evaluate("rows.mostInFrame") <= 5
    page.evaluate("scrollTo(0, 0)")
    expect(rows.first).to_be_in_viewport()
    expect(rows.first.locator(".m")).to_contain_text("00010000")
