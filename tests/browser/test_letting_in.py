"""The settings in a real browser, tokens and applications above all: axe, a phone's width, the way back."""

import re
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE
from tests.factories import service_account, staff_clinic
from tests.support.oauth import ask, register
from tests.support.visiting import list_violations, scrolls_sideways

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def staff():
    return staff_clinic(name="Harbour Skin Clinic")


@pytest.fixture
def open_page(context, client, live_server, staff):
    """A page of the running site for the clinic's administrator, logged in."""
    client.force_login(staff.administrator)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    context.add_cookies([cookie])
    page = context.new_page()
    page.root = live_server.url
    return page


def list_faults(page):
    faults = []
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        faults += [(page.url, size["width"], *found) for found in list_violations(page)]
        if scrolls_sideways(page):
            faults.append((page.url, size["width"], "scrolls sideways"))
    return faults


def test_pages_are_clean(open_page, staff):
    """Those of rows that the demo has none of; every page of the settings: `test_accessibility`."""
    service = service_account(staff.clinic)
    made = register(staff, "system", redirect_uris="", service=service).application
    website = register(staff).application
    addresses = [
        "tokens/",
        "services/",
        f"services/{service.pk}/",
        "applications/",
        f"applications/{made.pk}/",
    ]
    asking = f"/oauth/authorize/?{urlencode(ask(website))}"
    faults = []
    for address in [*(f"/settings/{one}" for one in addresses), asking]:
        open_page.goto(open_page.root + address)
        faults += list_faults(open_page)
    assert faults == []


def test_new_token_is_copied(open_page, context):
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_page.goto(f"{open_page.root}/settings/tokens/")
    open_page.get_by_role("textbox", name="Name").fill("Ward tablet")
    open_page.get_by_label(re.compile("submissions:read")).check()
    open_page.get_by_role("button", name="Make the token").click()
    text = open_page.locator("#new-token").inner_text()
    assert text.startswith("dp_")
    open_page.get_by_role("button", name=re.compile("^Copy")).click()
    expect(open_page.get_by_text("Copied")).to_be_visible()
    assert open_page.evaluate("navigator.clipboard.readText()") == text
    assert list_faults(open_page) == []


@pytest.mark.parametrize(("button", "brought"), [("Let it in", "code="), ("Refuse", "error=access_denied")])
def test_browser_follows_the_way_back(open_page, staff, button, brought):
    """The content security policy names where the form may lead."""
    port = open_page.root.rsplit(":", 1)[1]
    back = f"http://127.0.0.1:{port}/health/live"
    app = register(staff, "device", redirect_uris="http://127.0.0.1/health/live").application
    open_page.goto(f"{open_page.root}/oauth/authorize/?{urlencode(ask(app, redirect_uri=back))}")
    open_page.get_by_role("button", name=button).click()
    open_page.wait_for_url(re.compile(re.escape(back)))
    assert brought in open_page.url
