"""Makes the pictures of docs/console from a stack that runs, with jobs of its own.

PYTHONPATH=. python -m tests.e2e.console.pictures URL KEY
"""

import io
import sys
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.client import Client
from tests.e2e.console.conftest import launch
from tests.e2e.console.page import Console

FOLDER = Path(__file__).parents[3] / "docs" / "console"
WINDOW = {"width": 1200, "height": 760}
PHONE = {"width": 390, "height": 780}
CSV = "".join(f"{city},{n * 1000}\n" for n, city in enumerate(["Oslo", "Rome", "Cork"] * 40, 1))


def main() -> None:
    url, key = sys.argv[1:]
    api = Client(url, key)
    running = _fill(api)
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        light = Console(browser, api, viewport=WINDOW, color_scheme="light")
        dark = Console(browser, api, viewport=WINDOW, color_scheme="dark")
        phone = Console(browser, api, viewport=PHONE, color_scheme="dark", device_scale_factor=1)
        take("job", light.open(f"/jobs/{running['id']}"))
        take("jobs", light.open("/jobs"))
        take("jobs-phone", phone.open("/jobs"))
        take("job-phone", phone.open(f"/jobs/{running['id']}"))
        page = light.open("/operations/csv-profile")
        page.get_by_label("Text of csv").fill("city,people\nOslo,700000\nRome,2800000\n")
        page.get_by_text("Within …").click()
        page.evaluate("scrollTo(0, 0)")
        take("operation", page)
        take("lanes", dark.open("/lanes"))
        take("webhooks", light.open("/webhooks"))


def _fill(api: Client) -> dict[str, str]:
    """Submit jobs of all kinds; return one that runs for a while."""
    for n in range(6):
        tags = {"order": str(40 + n)}
        api.submit(
            "csv-profile", {"csv": f"city,people\n{CSV}"}, tags=tags, deadline={"within": 900}
        )
    api.submit("csv-profile", {"csv": {"base64": "AAEC"}}, tags={"order": "46"})
    callback = {"url": "http://127.0.0.1:9/hooks"}
    api.submit("fail", {}, deadline={"within": 600}, callback=callback)
    api.submit("text-stats", {"text": "To be."}, start={"after": 7200}, tags={"batch": "night"})
    api.submit("flaky", {"failures": 1}, deadline={"within": 300})
    job: dict[str, str] = api.submit(
        "sleep", {"seconds": 38}, tags={"order": "42"}, deadline={"within": 90}
    )
    time.sleep(14)
    return job


def take(name: str, page: Page) -> None:
    """Write a picture, with few colours, once all has been loaded."""
    page.wait_for_timeout(2_500)
    expect(page.locator(".loading")).to_have_count(0)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(64).save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
