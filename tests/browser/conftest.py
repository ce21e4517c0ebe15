"""A real browser on the running portal: Debian's chromium, driven by Playwright."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Page

from classifier.demo.lesions import draw_lesion
from tests.support.live_stack import LiveStack
from tests.support.visiting import LOG_IN, give_cookies, log_in_by_http

CHROMIUM = shutil.which("chromium")
DEMO = """
from django.core.management import call_command
call_command("create_demo", "--yes-in-production", "--cases")
"""
FEW = """
from classifier.demo import cases
cases.CASES_PER_CLINIC = {cases.HARBOUR: 4, cases.HILLSIDE: 1}
"""
PHONE = {"width": 375, "height": 812}
DESK = {"width": 1280, "height": 800}
# A closed network refuses the browser's own errands by the hundred; they are switched off.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/browser/" in str(item.path):
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(pytest.mark.skip(reason="chromium is not installed (see deploy/browser)"))


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    return {"executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture(scope="session")
def portal(live_stack: LiveStack, is_whole: bool) -> LiveStack:
    """The running portal with its two invented clinics and their cases, judged by the worker.

    The main job needs few of them; with --whole all are there.
    """
    live_stack.manage("shell", "--no-imports", "-c", DEMO if is_whole else FEW + DEMO)
    return live_stack


@pytest.fixture(scope="session")
def password(portal: LiveStack) -> str:
    text = (portal.var / "demo-log-ins.txt").read_text()
    return text.split("Password for all: ")[1].strip()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser's console said against a page; must stay empty."""
    return []


@pytest.fixture
def open_as(
    browser: Any, portal: LiveStack, password: str, complaints: list[str]
) -> Iterator[Callable[..., Page]]:
    """Log somebody of the Harbour clinic in, in a browser of their own; `is_typed` does it as they do."""
    contexts: list[BrowserContext] = []

    def log_in(role: str, viewport: dict[str, int] = DESK, *, is_typed: bool = False, **options: Any) -> Page:
        context = browser.new_context(base_url=portal.url, viewport=viewport, **options)
        contexts.append(context)
        email = f"{role}@harbour.example"
        if not is_typed:
            log_in_by_http(context, portal.url, email, password)
        page = context.new_page()
        page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        if is_typed:
            page.goto(LOG_IN)
            page.get_by_label("E-mail").fill(email)
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Log in", exact=True).click()
            page.wait_for_url(f"{portal.url}/")
        return page

    yield log_in
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def visit(browser: Any, live_server: Any) -> Iterator[Callable[..., Page]]:
    """Open this process's own server as a person, in a browser of their own: where no stack is needed."""
    # Django is set up after this file is read.
    from django.conf import settings
    from django.core.cache import cache
    from django.test import Client

    # Counts log-ins by address: all tests come from one, and quick ones more than thirty times a minute.
    cache.clear()
    contexts: list[BrowserContext] = []

    def log_in(person: Any, viewport: dict[str, int] = DESK, **options: Any) -> Page:
        client = Client()
        client.force_login(person)
        context = browser.new_context(base_url=live_server.url, viewport=viewport, **options)
        contexts.append(context)
        name = settings.SESSION_COOKIE_NAME
        give_cookies(context, live_server.url, {name: client.cookies[name].value})
        return context.new_page()

    yield log_in
    for context in contexts:
        context.close()


@pytest.fixture
def photos(tmp_path: Any) -> Callable[..., list[str]]:
    """Paths of drawn pictures."""
    from tests.factories import draw_jpeg

    def draw(*seeds: int) -> list[str]:
        paths = [tmp_path / f"photo-{seed}.jpg" for seed in seeds]
        for seed, path in zip(seeds, paths, strict=True):
            path.write_bytes(draw_jpeg(seed, 320))
        return [str(path) for path in paths]

    return draw


@pytest.fixture
def lesion_photo(tmp_path: Any) -> Callable[[int], str]:
    """A drawn lesion of 12 megapixels as a phone would send it, with an EXIF orientation."""

    def draw(seed: int) -> str:
        image = Image.open(io.BytesIO(draw_lesion(seed, kind="naevus")))
        exif = Image.Exif()
        exif[0x0112] = 6
        path = tmp_path / f"photo-{seed}.jpg"
        image.resize((4000, 3000)).save(path, "JPEG", quality=88, exif=exif)
        return str(path)

    return draw
