"""What a reader does with the console, from the form of an operation to the webhook of a job."""

from pathlib import Path

import pytest
from playwright.sync_api import Route, expect

from tests import receiver as plays
from tests.e2e.client import Client
from tests.e2e.console.page import Console
from tests.e2e.patience import eventually
from tests.receiver import Receiver

TEXT = "To be, or not to be."


def test_the_key_of_the_link_is_removed_from_the_address_and_kept_in_the_tab(
    console: Console,
) -> None:
    page = console.open("/operations")
    console.see("text-stats")

    assert "nl_" not in page.url
    assert page.evaluate("Object.keys(localStorage).length") == 0
    assert page.evaluate("sessionStorage.getItem('nowlater-key')").startswith("nl_")


def test_a_wrong_key_is_refused_and_another_one_asked_for(console: Console) -> None:
    console.expects_refusals = True
    page = console.open("/jobs", key="nl_0123456789ab_" + "x" * 43)

    console.see("is wrong, revoked or expired")
    page.get_by_label("API key or token").fill(console.key)
    console.button("Open").click()
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()


def test_an_operation_is_tried_by_its_form_at_the_sync_door(console: Console) -> None:
    page = console.open("/operations/text-stats")
    page.locator("#f-text").fill(TEXT)
    page.locator("#f-top").fill("1")
    console.button("Run now").click()

    result = page.get_by_role("region", name="Result")
    expect(result).to_contain_text("unique_words 4")
    expect(result).to_contain_text('word "to"')


def test_a_value_out_of_its_bounds_is_told_at_its_field(console: Console) -> None:
    page = console.open("/operations/text-stats")
    page.locator("#f-text").fill(TEXT)
    page.locator("#f-top").fill("1001")
    console.button("Run now").click()

    expect(page.locator("#f-top-fault")).to_have_text("At most 1000. You gave 1001.")
    expect(page.locator("#f-top")).to_be_focused()
    assert not [r for r in console.requests if r.method == "POST"]


def test_the_hybrid_door_shows_the_result_and_its_job(console: Console) -> None:
    page = console.open("/operations/text-stats")
    page.locator("#json").fill('{"text": "That is the question."}')
    console.button("Wait 10 s, then a job").click()

    result = page.get_by_role("region", name="Result")
    result_or_job = result.or_(page.get_by_role("region", name="What happened"))
    expect(result_or_job.first).to_be_visible()
    if result.locator(".id a").count():  # quick enough, else the page went to the job by itself
        result.locator(".id a").click()
    console.see_status("Succeeded")
    expect(page.get_by_role("region", name="Result")).to_contain_text("words 4")


def test_a_job_is_watched_and_canceled(console: Console) -> None:
    page = console.open("/operations/sleep")
    page.locator("#f-seconds").fill("38")
    page.get_by_text("Within …").click()
    console.button("Run as a job").click()

    console.see_status("Running")
    expect(page.locator("progress.big")).to_be_visible()
    seen = page.locator("progress.big").get_attribute("value")
    expect(page.locator("progress.big")).not_to_have_attribute("value", str(seen))
    console.button("Cancel job…").click()
    expect(console.button("Let it run")).to_be_focused()
    console.button("Cancel job").last.click()
    console.see_status("Canceled")


def test_a_failure_tells_its_reason_and_is_retried_with_edited_input(
    console: Console, tmp_path: Path
) -> None:
    (tmp_path / "numbers.csv").write_bytes(b"\x00\x01\x02")
    page = console.open("/operations/csv-profile")
    page.get_by_label("File for csv").set_input_files(tmp_path / "numbers.csv")
    console.button("Run as a job").click()

    console.see_status("Failed")
    console.see("This is not CSV but binary")
    console.see("The operation rejects this input: edit it, and retry.")
    console.button("Edit and retry").click()
    console.see("This is what this tab sent for the job.")
    console.button("Remove").click()
    page.get_by_label("Text of csv").fill("city,people\nOslo,700000\nRome,2800000\n")
    console.button("Run as a job").click()
    console.see_status("Succeeded")
    expect(page.get_by_role("region", name="Result")).to_contain_text("rows 2")


def test_a_large_file_is_uploaded_first(console: Console, tmp_path: Path) -> None:
    lines = "".join(f"{n},{'x' * 80}\n" for n in range(9000))
    (tmp_path / "large.csv").write_text(f"n,text\n{lines}")
    page = console.open("/operations/csv-profile")
    page.get_by_label("File for csv").set_input_files(tmp_path / "large.csv")
    console.button("Run as a job").click()

    console.see_status("Succeeded")
    expect(page.get_by_role("region", name="Result")).to_contain_text("rows 9000")
    (put,) = [request for request in console.requests if request.method == "PUT"]
    assert put.headers["content-type"] == "text/csv"
    assert "authorization" not in put.headers


def test_a_picture_is_shown_as_one(console: Console) -> None:
    page = console.open("/operations/thumbnail")
    console.button("Fill in the example").click()
    console.button("Run as a job").click()

    console.see_status("Succeeded")
    picture = page.get_by_role("img", name="The result: a picture, image/png")
    expect(picture).to_be_visible()
    assert eventually(lambda: picture.evaluate("image => image.naturalWidth")) == 1
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save as a file").click()
    assert saved.value.suggested_filename == f"{page.url.rpartition('/')[2]}.png"


def test_many_jobs_are_canceled_after_a_question_that_names_their_number(
    console: Console, api: Client, key: str
) -> None:
    later = {"start": {"after": 7200}, "tags": {"many": key}}
    for _ in range(22):
        api.submit("text-stats", {"text": TEXT}, **later)
    page = console.open(f"/jobs?tag=many:{key}")
    expect(page.get_by_text("22 jobs, no older ones")).to_be_visible()
    page.get_by_role("checkbox").first.check()
    console.button("Select all that match").click()
    console.see("22 selected")
    console.button("Cancel 22…").click()

    act = console.button("Cancel 22 jobs")
    console.see("22 wait and 0 run.")
    expect(act).to_be_disabled()
    page.get_by_label("Type 22 to go on").fill("22")
    act.click()
    console.see("22 of 22 canceled")
    page.get_by_role("navigation", name="Status").get_by_text("Canceled").click()
    expect(page.locator(".jobs .st.canceled")).to_have_count(22)


def test_a_filter_is_in_the_address_and_in_the_call(
    console: Console, api: Client, key: str
) -> None:
    api.submit("text-stats", {"text": TEXT}, tags={"order": key})
    page = console.open("/jobs")
    page.get_by_label("Tag, operation or id").fill(f"order:{key}")
    page.keyboard.press("Enter")

    expect(page.locator(".jobs tbody tr")).to_have_count(1)
    assert page.url.endswith(f"#/jobs?tag=order:{key}")
    console.see(f"GET /jobs?tag=order:{key}&limit=50")
    console.button("Copy as curl").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith(f"curl '{console.url}/jobs?tag=order:{key}&limit=50'")


def test_a_webhook_is_sent_again(console: Console, api: Client) -> None:
    if "localhost" not in api.url:
        pytest.skip("the receiver of this test is on this machine")
    with Receiver([plays.busy("3600", 503), plays.ok]) as receiver:
        callback = {"url": receiver.url()}
        job = api.ended(api.submit("text-stats", {"text": TEXT}, callback=callback))
        page = console.open("/webhooks?state=waiting")
        row = page.locator("tr", has_text=f"{job['id'][:8]}…{job['id'][-4:]}")
        expect(row).to_contain_text("answered 503")
        row.get_by_role("button", name="Send again").click()
        console.see("It is sent again, with the same id.")
        row_page = console.open(f"/jobs/{job['id']}")

        webhooks = row_page.get_by_role("region", name="Webhooks")
        expect(webhooks).to_contain_text("Delivered")
        expect(webhooks).to_contain_text("Answered 503")
        assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1


def test_too_many_jobs_are_sent_again_with_the_same_key_after_the_wait(console: Console) -> None:
    console.expects_refusals = True
    keys: list[str] = []

    def refuse_once(route: Route) -> None:
        keys.append(route.request.headers["idempotency-key"])
        if len(keys) > 1:
            route.continue_()
            return
        problem = {"code": "too-many-jobs", "detail": "You have 10,000 unfinished jobs."}
        headers = {"Retry-After": "2", "Content-Type": "application/problem+json"}
        route.fulfill(status=429, json=problem, headers=headers)

    page = console.open("/operations/text-stats")
    page.route("**/async/text-stats", refuse_once)
    page.locator("#f-text").fill(TEXT)
    console.button("Run as a job").click()

    console.see("You have 10,000 unfinished jobs.")
    console.see("Nothing was accepted. The same request is sent again in")
    console.see_status("Succeeded")
    assert len(keys) == 2
    assert len(set(keys)) == 1


def test_a_lost_connection_is_told_and_ends_by_itself(console: Console) -> None:
    console.expects_refusals = True
    page = console.open("/jobs")
    expect(page.get_by_text("as of")).to_be_visible()
    console.context.set_offline(True)

    console.see("No response from")
    expect(page.locator(".live")).to_have_text("No response")
    console.context.set_offline(False)
    console.button("Try now").click()
    expect(page.locator(".live")).to_have_text("Live")
    expect(page.get_by_text("No response from")).to_have_count(0)


def test_a_hidden_page_asks_for_nothing(console: Console) -> None:
    page = console.open("/jobs")
    expect(page.get_by_text("as of")).to_be_visible()
    hide = "Object.defineProperty(document, 'hidden', {configurable: true, get: () => %s}); document.dispatchEvent(new Event('visibilitychange'))"
    page.evaluate(hide % "true")
    page.wait_for_timeout(1_000)  # what is under way may come back
    before = len(console.requests)
    page.wait_for_timeout(12_000)

    assert len(console.requests) == before
    page.evaluate(hide % "false")
    eventually(lambda: (page.wait_for_timeout(100), len(console.requests))[1], lambda n: n > before)


def test_all_is_done_by_the_keyboard(console: Console, api: Client, key: str) -> None:
    job = api.ended(api.submit("text-stats", {"text": TEXT}, tags={"keys": key}))
    page = console.open(f"/jobs?tag=keys:{key}")
    expect(page.locator(".jobs tbody tr")).to_have_count(1)
    page.keyboard.press("j")
    page.keyboard.press("x")
    console.see("1 selected")
    page.keyboard.press("Escape")
    page.keyboard.press("Enter")
    console.see_status("Succeeded")
    page.keyboard.press("y")
    console.see("The id was copied.")
    assert page.evaluate("navigator.clipboard.readText()") == job["id"]
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("back to the list")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    expect(page.get_by_role("heading", name="text-stats")).to_be_visible()
    page.locator("#f-text").fill("It is the question")
    page.keyboard.press("Control+Enter")
    console.see_status("Succeeded")
    page.keyboard.press("g")
    page.keyboard.press("l")
    expect(page.get_by_role("heading", name="Lanes")).to_be_visible()
