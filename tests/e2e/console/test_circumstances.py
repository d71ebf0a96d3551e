"""What a page can meet: addresses written by hand, no storage, a wrong clock, many new jobs, HTML in values."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.client import Client
from tests.e2e.console import many
from tests.e2e.console.page import Console

FORBIDDEN = """
for (const name of ['sessionStorage', 'localStorage'])
  Object.defineProperty(window, name, {get() { throw new DOMException('no', 'SecurityError') }})
"""
IMAGE = "<img src=x onerror=alert(1)>"


@pytest.mark.parametrize("place", ["/jobs?since=yesterday", "/jobs?colour=red", "/jobs/%E0%A4%A"])
def test_an_address_that_does_not_fit_shows_what_is_wrong(console: Console, place: str) -> None:
    console.expects_refusals = True
    page = console.open(place)

    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    expect(
        page.locator("main").get_by_role("alert").or_(page.locator("main h1.lead"))
    ).to_be_visible()
    page.get_by_role("link", name="Lanes").click()
    expect(page.get_by_role("heading", name="Lanes")).to_be_visible()


@pytest.mark.nightly
def test_without_storage_the_key_lasts_as_long_as_the_page(console: Console) -> None:
    console.page.add_init_script(FORBIDDEN)
    page = console.open("/operations/text-stats")
    page.locator("#f-text").fill("To be.")
    console.button("Run as a job").click()

    console.see_status("Succeeded")
    expect(page.get_by_text("This tab sent it")).to_be_visible()


def test_a_wrong_clock_of_the_browser_changes_no_time(console: Console) -> None:
    console.expects_refusals = True
    page = console.page
    page.clock.install(time=time.time() + 3600)
    console.open("/jobs")
    expect(page.get_by_text("as of")).to_be_visible()
    console.context.set_offline(True)
    page.clock.run_for(20_000)

    note = page.locator(".note")
    expect(note).to_contain_text("No response from")
    expect(note).to_contain_text(re.compile(r"Trying (now|again in \d\d? s)\."))


def test_a_time_of_the_form_has_the_zone_of_its_day(window: Callable[..., Console]) -> None:
    page = window(timezone_id="Europe/Berlin").open("/operations/text-stats")
    page.get_by_text("By …").click()
    by = page.get_by_label("Done by")
    by.fill("2027-07-01T12:00")
    expect(page.get_by_text("UTC+2", exact=True)).to_be_visible()
    by.fill("2027-12-01T12:00")
    expect(page.get_by_text("UTC+1", exact=True)).to_be_visible()
    by.fill("2027-03-28T02:30")

    expect(page.get_by_text("UTC+2; clocks skip this hour: it means 03:30")).to_be_visible()


def test_what_is_not_complete_is_not_sent(console: Console) -> None:
    page = console.open("/operations/text-stats")
    page.locator("#f-text").fill("To be.")
    page.get_by_text("By …").click()
    console.button("Run as a job").click()
    console.see("Choose a date and a time.")
    page.get_by_text("None", exact=True).click()
    page.get_by_text("Tags, callback, retention").click()
    page.get_by_label("Tags").fill("urgent")
    console.button("Run as a job").click()
    console.see("Write each tag as name:value")
    page.get_by_label("Tags").fill("order:42, note:for Ada, and Bob")
    page.locator("#json").fill('{"text": ')
    console.button("Run as a job").click()
    expect(page.locator("#json")).to_be_focused()
    assert not [request for request in console.requests if request.method == "POST"]
    page.locator("#json").fill('{"text": "To be."}')
    with page.expect_request("**/async/text-stats") as request:
        console.button("Run as a job").click()

    assert request.value.post_data_json["tags"] == {"order": "42", "note": "for Ada, and Bob"}


@pytest.mark.nightly
def test_more_new_jobs_than_a_poll_returns_leave_no_gap(
    console: Console, api: Client, key: str
) -> None:
    job = api.ended(api.submit("text-stats", {"text": "To be."}, tags={"gap": key}))
    newest = 50

    def respond(route: Route) -> None:
        """A list of jobs, whose ids count down."""
        first = int(route.request.url.partition("cursor=")[2].partition("&")[0] or newest)
        page = [
            job | {"id": f"{n:08d}-0000-7000-8000-000000000000"}
            for n in range(first, max(0, first - 50), -1)
        ]
        rest = f"{console.url}/jobs?limit=50&cursor={first - 50}" if first > 50 else None
        route.fulfill(json={"jobs": page, "next": rest})

    page = console.page
    page.route("**/jobs?*", respond)
    console.open("/jobs")
    expect(page.get_by_text("50 jobs, no older ones")).to_be_visible()
    newest = 200
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    console.button("Show 50+ new").click()
    many.scroll_to_end(page)

    expect(page.get_by_text("200 jobs, no older ones")).to_be_visible()


@pytest.mark.nightly
def test_what_did_not_succeed_stays_selected(console: Console, api: Client, key: str) -> None:
    console.expects_refusals = True
    jobs = [api.submit("text-stats", {"text": "To be."}, tags={"part": key}) for _ in range(3)]
    for job in jobs:
        api.ended(job)
    problem = {"code": "job-expired", "title": "The job is past its retention.", "detail": ""}
    page = console.page
    page.route(f"**/jobs/{jobs[1]['id']}/retry", lambda route: _refuse(route, 410, problem))
    console.open(f"/jobs?tag=part:{key}&status=succeeded")
    expect(page.locator("tr[data-id]")).to_have_count(3)
    for box in page.get_by_role("checkbox").all():
        box.check()
    console.button("Retry 3…").click()
    console.button("Retry 3 jobs").click()
    console.see("2 of 3 retried")
    console.see("1 not: The job is past its retention.")
    console.button("Close").click()

    console.see("1 selected")
    expect(page.get_by_role("checkbox", checked=True)).to_have_accessible_name(
        f"Select text-stats {jobs[1]['id'][-4:]}"
    )


def test_values_are_never_html_and_long_numbers_keep_their_digits(
    console: Console, api: Client, key: str
) -> None:
    value = {IMAGE: [12345678901234567890, IMAGE, {}, ""]}
    job = api.ended(api.submit("echo", {"value": value}, tags={"html": f"{IMAGE}{key}"}))
    page = console.open(f"/jobs/{job['id']}")
    tree = page.get_by_role("region", name="Result")

    expect(tree).to_contain_text("12345678901234567890")
    expect(tree).to_contain_text("empty object")
    console.open("/jobs")
    expect(page.locator(f"tr[data-id='{job['id']}']")).to_contain_text(IMAGE)
    expect(page.locator("img")).to_have_count(0)


def test_a_refusal_while_the_page_polls_ends_by_itself(console: Console) -> None:
    console.expects_refusals = True
    problem = {"code": "too-many-requests", "detail": "You sent too many requests."}
    left = [problem]

    def refuse_once(route: Route) -> None:
        if left:
            _refuse(route, 429, left.pop())
        else:
            route.continue_()

    console.page.route("**/operations", refuse_once)
    page = console.open("/operations")
    console.see("You sent too many requests. It is tried again by itself.")
    expect(page.locator(".loading")).to_have_count(0)
    console.button("Try again").click()

    expect(page.get_by_role("navigation", name="Operations")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_count(0)


def _refuse(route: Route, status: int, problem: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/problem+json", "Retry-After": "60"}
    route.fulfill(status=status, body=json.dumps(problem), headers=headers)
