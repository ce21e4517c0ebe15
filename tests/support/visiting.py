"""A browser's session without its typing: logged in by HTTP, and axe's look at a page."""

from __future__ import annotations

from typing import Any

import requests
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import BrowserContext, Page

LOG_IN = "/accounts/login/"
RUN_AXE = """([within, options]) => axe.run(within || document, {resultTypes: ["violations"], ...options}).then(
    ({violations}) => violations.map(({id, nodes}) => [id, nodes.map(({html}) => html.slice(0, 160))]))"""


def log_in_by_http(context: BrowserContext, site: str, email: str, password: str) -> None:
    """Give the browser the cookies of a log-in by the page. (Typed: `test_main_job`, `test_access`.)"""
    with requests.Session() as session:
        page = session.get(site + LOG_IN, timeout=60)
        sent = {"login": email, "password": password, "csrfmiddlewaretoken": session.cookies["csrftoken"]}
        answer = session.post(page.url, data=sent, allow_redirects=False, timeout=60)
        assert (answer.status_code, answer.headers.get("Location")) == (302, "/"), answer.text
        give_cookies(context, site, session.cookies.get_dict())


def give_cookies(context: BrowserContext, site: str, cookies: dict[str, str]) -> None:
    context.add_cookies([{"name": name, "value": value, "url": site} for name, value in cookies.items()])


def list_violations(page: Page, within: str = "", **options: Any) -> list[tuple[str, list[str]]]:
    """What axe finds against the page as it now is: the rule, and the elements that break it."""
    if page.evaluate("typeof axe === 'undefined'"):
        page.evaluate(AXE_SCRIPT)
    return [(rule, html) for rule, html in page.evaluate(RUN_AXE, [within, options])]


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))
