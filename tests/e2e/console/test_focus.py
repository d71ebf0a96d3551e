"""Where the focus and the reader are, after what the keyboard does."""

import pytest
from playwright.sync_api import expect

from tests.e2e.client import Client
from tests.e2e.console.page import Console
from tests.e2e.patience import eventually


def test_enter_presses_what_has_the_focus(console: Console, api: Client, key: str) -> None:
    api.submit("text-stats", {"text": "To be."}, tags={"focus": key})
    page = console.open(f"/jobs?tag=focus:{key}")
    page.locator("tr[data-id]").get_by_role("button").focus()
    page.keyboard.press("Enter")
    console.see("The id was copied.")
    page.get_by_role("link", name="New job").focus()
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Operations")).to_be_visible()


def test_a_filter_keeps_the_focus(console: Console) -> None:
    page = console.open("/jobs")
    operation = page.get_by_label("Operation", exact=True)
    operation.focus()
    operation.select_option("fail")
    expect(page).to_have_url(f"{console.url}/console#/jobs?operation=fail")
    expect(operation).to_be_focused()
    failed = page.get_by_role("link", name="Failed")
    failed.press("Enter")

    expect(failed).to_have_attribute("aria-current", "true")
    expect(failed).to_be_focused()


def test_another_screen_takes_the_focus(console: Console, api: Client) -> None:
    job = api.submit("sleep", {"seconds": 38})
    page = console.open("/jobs")
    page.locator(f"tr[data-id='{job['id']}'] .op").press("Enter")
    console.see_status("Running")
    expect(page.locator("main")).to_be_focused()
    console.button("Cancel job…").press("Enter")
    expect(console.button("Let it run")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    console.see_status("Canceled")

    expect(console.button("Edit and retry")).to_be_focused()


@pytest.mark.nightly
def test_the_way_back_leads_to_where_the_reader_was(console: Console, api: Client) -> None:
    for _ in range(20):
        api.submit("text-stats", {"text": "To be."})
    page = console.open("/jobs")
    expect(page.locator("tr[data-id]").nth(19)).to_be_attached()
    page.evaluate("scrollTo(0, 300)")
    eventually(lambda: page.evaluate("history.state?.scrolled"), lambda y: y == 300)
    page.locator("tr[data-id] .op").nth(12).click()
    expect(page.get_by_role("heading", name="Facts")).to_be_visible()
    page.go_back()

    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_attached()
    eventually(lambda: page.evaluate("scrollY"), lambda y: y == 300)


def test_what_is_written_stays_while_the_page_polls(console: Console) -> None:
    console.page.clock.install()
    page = console.open("/operations/text-stats")
    page.locator("#f-text").fill("Not sent yet")
    page.get_by_text("Within …").click()
    within = page.get_by_label("Within", exact=True)
    within.fill("")
    within.press_sequentially("30")
    with page.expect_response("**/operations/text-stats"):
        page.clock.fast_forward(61_000)

    expect(within).to_have_value("30")
    expect(page.locator("#f-text")).to_have_value("Not sent yet")
    expect(within).to_be_focused()
