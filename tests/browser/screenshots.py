"""Take the README's pictures of the real pages: `make screenshots`."""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from tests.browser.conftest import CHROMIUM, DESK, FLAGS, PHONE
from tests.support.live_stack import LiveStack

FOLDER = Path(__file__).resolve().parent.parent.parent / "deploy" / "pictures"


def main() -> int:
    if CHROMIUM is None:
        sys.exit("chromium is not installed (see deploy/browser)")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        # As it ships: behind its gates, with its default network.
        stack = LiveStack(Path(folder) / "var", TEST_GATES="1", TEST_DEFAULT_MODEL="efficientnetv2-b0")
        stack.start()
        try:
            stack.manage("create_demo", "--yes-in-production", "--cases")
            take_pictures(stack)
        finally:
            stack.stop()
    return 0


def take_pictures(stack: LiveStack) -> None:
    password = (stack.var / "demo-log-ins.txt").read_text().split("Password for all: ")[1].strip()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

        def log_in(role: str, viewport: dict[str, int], scheme: str) -> Page:
            context = browser.new_context(
                base_url=stack.url, viewport=viewport, color_scheme=scheme, device_scale_factor=1.5
            )
            page = context.new_page()
            page.goto("/accounts/login/")
            page.get_by_label("E-mail").fill(f"{role}@harbour.example")
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Log in", exact=True).click()
            page.wait_for_url(f"{stack.url}/")
            return page

        clinician = log_in("clinician", DESK, "light")
        save(clinician, "home")
        clinician.goto("/submissions/?outcome=malignant")
        address = clinician.locator("[data-list] a[href*='/submissions/']").first.get_attribute("href")
        clinician.goto(address or "/")
        save(clinician, "result")
        clinician.goto("/submissions/")
        save(clinician, "history")
        phone = log_in("clinician", PHONE, "dark")
        phone.goto(address or "/")
        save(phone, "result-phone")
        dermatologist = log_in("dermatologist", DESK, "light")
        dermatologist.goto("/worklist/")
        case = dermatologist.locator("[data-list] a[href*='/review/']").first.get_attribute("href")
        dermatologist.goto(case or "/")
        save(dermatologist, "reading")
        browser.close()


def save(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    data = page.screenshot()
    target = FOLDER / f"{name}.webp"
    Image.open(io.BytesIO(data)).convert("RGB").save(target, "WEBP", quality=82, method=6)
    sys.stdout.write(f"{target.name}: {target.stat().st_size // 1024} KiB\n")


if __name__ == "__main__":
    sys.exit(main())
