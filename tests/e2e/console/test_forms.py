"""Forms from JSON Schema: each kind of argument, and what is sent of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from nowlater.runtime.definition import in_module
from tests.e2e.console import orders
from tests.e2e.console.page import Console
from tests.unit.builds import build

JOB = {"code": "unknown-job", "detail": "There is no job here.", "title": "No job.", "status": 404}


class Form:
    """The form of `order`, which the API does not serve: its answers are made up."""

    def __init__(self, console: Console) -> None:
        console.expects_refusals = True  # the page of the job that was not made
        (spec,) = in_module(orders.__name__).values()
        entry = build.index_entry(spec)
        self.console, self.page, self.sent = console, console.page, list[Any]()
        described = entry | {
            "doors": {door: f"{console.url}/{door}/order" for door in entry["doors"]},
            "limits": {"timeout_s": entry["timeout"], "attempts": entry["attempts"]},
            "run_time": {"runs": 0, "p50_s": None, "p90_s": None},
        }
        self.page.route("**/operations/order", lambda route: route.fulfill(json=described))
        self.page.route("**/async/order", self._take)
        console.open("/operations/order")
        expect(self.page.get_by_role("heading", name="order")).to_be_visible()

    def _take(self, route: Route) -> None:
        self.sent.append(json.loads(route.request.post_data or ""))
        route.fulfill(status=404, json=JOB, headers={"Content-Type": "application/problem+json"})

    def send(self) -> Any:
        """Press the button of the async door; return the body that was sent."""
        with self.page.expect_request("**/async/order"):
            self.console.button("Run as a job").click()
        self.console.see("There is no job here.")
        return self.sent[-1]

    def fill_what_is_required(self) -> None:
        self.page.locator("#f-customer-name").fill("Ada Ltd")
        self.page.locator("#f-customer-country").select_option(label="IE")
        self.page.locator("#f-lines-0-text").fill("Consulting")
        self.page.locator("#f-payment-number").fill("4000 0000")


@pytest.fixture
def form(console: Console) -> Form:
    return Form(console)


REQUIRED: dict[str, Any] = {
    "customer": {"name": "Ada Ltd", "country": "IE"},
    "lines": [{"text": "Consulting"}],
    "payment": {"type": "card", "number": "4000 0000"},
}


def test_what_is_not_filled_in_is_not_sent(form: Form) -> None:
    form.fill_what_is_required()

    assert form.send() == {"input": REQUIRED}


def test_every_kind_of_argument_can_be_given(form: Form, tmp_path: Path) -> None:
    (tmp_path / "logo.png").write_bytes(b"\x89PNG")
    form.fill_what_is_required()
    page = form.page
    page.locator("#f-customer-vat_id").fill("IE1234567T")
    form.console.button("Add line").click()
    page.locator("#f-lines-1-text").fill("Travel")
    page.locator("#f-lines-1-quantity").fill("2")
    page.locator("#f-lines-1-price").fill("84.5")
    page.locator("#f-payment").get_by_text("invoice").first.click()
    page.locator("#f-payment-due_days").fill("14")
    page.locator("#f-currency").get_by_text("GBP").click()
    page.locator("#f-day").fill("2026-12-24")
    page.locator("#f-is_gift").get_by_text("yes", exact=True).click()
    page.locator("#f-discount").get_by_text("whole number", exact=True).first.click()
    page.locator("input#f-discount").fill("5")
    page.get_by_label("Name to add").fill("a.b")
    form.console.button("Add", exact=True).click()
    page.locator("[id='f-labels-a.b']").fill("7")
    page.get_by_label("File for logo").set_input_files(tmp_path / "logo.png")

    assert form.send()["input"] == {
        "customer": {"name": "Ada Ltd", "country": "IE", "vat_id": "IE1234567T"},
        "lines": [{"text": "Consulting"}, {"text": "Travel", "quantity": 2, "price": 84.5}],
        "payment": {"type": "invoice", "due_days": 14},
        "currency": "GBP",
        "day": "2026-12-24",
        "is_gift": True,
        "discount": 5,
        "labels": {"a.b": 7},
        "logo": {"base64": "iVBORw==", "media_type": "image/png"},
    }


def test_faults_are_listed_and_lead_to_their_fields(form: Form) -> None:
    form.fill_what_is_required()
    form.page.locator("#f-customer-name").fill("A")
    form.page.locator("#f-lines-0-quantity").fill("100")
    form.console.button("Run as a job").click()

    alert = form.page.get_by_role("alert")
    expect(alert).to_contain_text("2 values do not fit")
    alert.get_by_role("link", name="lines › 0 › quantity").click()
    expect(form.page.locator("#f-lines-0-quantity")).to_be_focused()
    expect(form.page.locator("#f-lines-0-quantity-fault")).to_have_text("At most 99. You gave 100.")
    expect(form.page.locator("#f-customer-name-fault")).to_have_text("At least 2 characters.")
    assert form.sent == []


def test_form_and_json_keep_each_others_values(form: Form) -> None:
    form.fill_what_is_required()
    written = form.page.locator("#json")
    expect(written).to_have_value(json.dumps(REQUIRED, indent=2, ensure_ascii=False))
    written.fill(json.dumps(REQUIRED | {"is_gift": True, "currency": "USD"}))

    expect(form.page.locator("#f-currency").get_by_label("USD")).to_be_checked()
    expect(form.page.locator("#f-is_gift").get_by_label("yes")).to_be_checked()
    written.fill('{"customer": ')
    expect(form.page.locator("#json-fault")).to_contain_text("No JSON yet")


def test_a_number_keeps_all_its_digits_as_json(form: Form) -> None:
    text = json.dumps(REQUIRED | {"labels": {"n": 12345678901234567890}})
    form.page.locator("#json").fill(text)

    assert form.send()["input"]["labels"] == {"n": 12345678901234567890}


def test_the_time_frame_goes_with_the_input(form: Form) -> None:
    form.fill_what_is_required()
    page = form.page
    page.get_by_text("In …", exact=True).click()
    page.get_by_label("Start in", exact=True).fill("2")
    page.get_by_label("Start in: unit").select_option("hours")
    page.get_by_text("Within …").click()
    page.get_by_label("Within", exact=True).fill("5")
    page.get_by_label("Within: unit").select_option("hours")
    page.get_by_text("Refuse it at once").click()
    page.get_by_text("Tags, callback, retention").click()
    page.get_by_label("Tags name:value").fill("order:42, part:a:b")
    page.get_by_label("Callback https URL").fill("https://hooks.example.com/nowlater")
    page.get_by_label("Keep after its end").select_option("7 days")

    body = form.send()
    del body["input"]
    assert body == {
        "start": {"after": 7200},
        "deadline": {"within": 18000, "or": "refuse"},
        "tags": {"order": "42", "part": "a:b"},
        "callback": {"url": "https://hooks.example.com/nowlater"},
        "retention": 604800,
    }


def test_a_fault_that_the_api_finds_is_shown_at_its_field(form: Form) -> None:
    def refuse(route: Route) -> None:
        fault = {"code": "invalid-input", "detail": "/input/customer/name is too odd."}
        fault |= {"pointer": "/input/customer/name"}
        headers = {"Content-Type": "application/problem+json"}
        route.fulfill(status=422, json=fault, headers=headers)

    form.page.unroute("**/async/order")
    form.page.route("**/async/order", refuse)
    form.fill_what_is_required()
    form.console.button("Run as a job").click()

    expect(form.page.locator("#f-customer-name-fault")).to_contain_text("is too odd")
    form.page.get_by_role("alert").get_by_role("link", name="customer › name").click()
    expect(form.page.locator("#f-customer-name")).to_be_focused()


@pytest.mark.parametrize("language", ["curl", "Python", "Command line"])
def test_the_call_can_be_copied(form: Form, language: str) -> None:
    form.fill_what_is_required()
    form.page.get_by_text("Within …").click()
    form.page.get_by_role("region", name="Copy as").get_by_text(language).first.click()
    form.page.get_by_role("region", name="Copy as").get_by_role("button", name="Copy").click()

    copied = form.page.evaluate("navigator.clipboard.readText()")
    body = json.dumps({"input": REQUIRED, "deadline": {"within": 900}}, separators=(",", ":"))
    assert (
        copied
        == {
            "curl": f"curl {form.console.url}/async/order \\\n"
            f"  -H \"Authorization: Bearer $KEY\" \\\n  --json '{body}'",
            "Python": f'from nowlater_client import Client\n\nclient = Client("{form.console.url}", key)\n'
            'job = client.submit(\n    "order",\n    {\n'
            '        "customer": {"name": "Ada Ltd", "country": "IE"},\n'
            '        "lines": [{"text": "Consulting"}],\n'
            '        "payment": {"type": "card", "number": "4000 0000"},\n    },\n'
            "    deadline=900,\n)\nprint(job.result(timeout=600))",
            "Command line": "nowlater submit order \\\n"
            '  \'customer:={"name":"Ada Ltd","country":"IE"}\' \\\n'
            '  \'lines:=[{"text":"Consulting"}]\' \\\n'
            '  \'payment:={"type":"card","number":"4000 0000"}\' \\\n  --deadline 900s',
        }[language]
    )


def test_a_file_is_encoded_by_the_shell(form: Form, tmp_path: Path) -> None:
    (tmp_path / "my logo.png").write_bytes(b"\x89PNG")
    form.fill_what_is_required()
    form.page.get_by_label("File for logo").set_input_files(tmp_path / "my logo.png")

    expect(_copied(form.page)).to_contain_text(
        '"logo":{"base64":"$(base64 < \'my logo.png\' | tr -d \'\\n\')","media_type":"image/png"}'
    )


def _copied(page: Page) -> Any:
    return page.get_by_role("region", name="Copy as").locator("pre")
