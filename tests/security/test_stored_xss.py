"""Stored XSS in a real browser: every page, with hostile words in every text that people fill."""

from __future__ import annotations

import pytest
from django.conf import settings as site_settings
from django.urls import reverse

from tests.browser.conftest import CHROMIUM, browser_type_launch_args  # noqa: F401 (a fixture)
from tests.permissions.expectations import OK
from tests.permissions.files import FILES
from tests.permissions.world import build_world
from tests.security.hostile import ELEMENT, plant
from tests.security.targets import READS, is_for_programs

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (see deploy/browser)"),
]
ACTORS = ["own.clinician", "own.dermatologist", "own.administrator", "operator"]
# Answers that are data or files; a browser shows them as they are, or keeps them.
DATA = {"session-status", "oauth-metadata"}
# Somebody else's link for a new password logs out whoever opens it: it comes last.
LOGS_OUT = "account_reset_password_from_key"
PAGES = sorted(
    (
        row
        for row in READS
        if not is_for_programs(row)
        and not row.route.startswith("health-")
        and row.route not in DATA
        and str(row) not in FILES
    ),
    key=lambda row: row.route == LOGS_OUT,
)
INJECTED = f"""() => [
    ...document.querySelectorAll("{ELEMENT}, script:not([src]):not([type='application/json'])"),
    ...[...document.querySelectorAll("*")].filter(
        one => [...one.attributes].some(it => it.name.startsWith("on") || /^\\s*javascript:/i.test(it.value)
            && ["href", "src", "action", "formaction"].includes(it.name))),
].map(one => one.outerHTML.slice(0, 120))"""


@pytest.fixture
def world(stores, no_outside):
    world = build_world()
    plant(world)
    return world


@pytest.fixture
def open_as(browser, live_server, world):
    """A browser in which this person is logged in, and what it complains of."""
    contexts = []

    def open_browser(actor):
        context = browser.new_context(base_url=live_server.url)
        contexts.append(context)
        cookie = world.client(actor, by_token=False).cookies[site_settings.SESSION_COOKIE_NAME].value
        name = site_settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": cookie, "url": live_server.url}])
        page, trouble = context.new_page(), []
        page.on("dialog", lambda dialog: (trouble.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("console", lambda m: trouble.append(m.text) if "Content Security" in m.text else None)
        page.on("pageerror", lambda error: trouble.append(str(error)))
        return page, trouble

    yield open_browser
    for context in contexts:
        for page in context.pages:
            # A picture still on its way would read rows while the next test clears them.
            page.wait_for_load_state("networkidle")
        context.close()


def test_browser_sees_what_it_should(browser, live_server, open_as):
    """The measure itself: an element that is put into a page is found, and its script reported."""
    page, trouble = open_as("own.clinician")
    page.goto("/")
    with page.expect_console_message(lambda message: "Content Security" in message.text):
        page.evaluate(f"document.body.innerHTML += '<{ELEMENT}></{ELEMENT}><svg onload=1></svg>'")
    assert len(page.evaluate(INJECTED)) == 2
    assert trouble, "the policy refuses the script and says so"


def test_no_page_runs_what_people_wrote(world, open_as):
    """Everybody in a browser of their own, and every page that they may open."""
    wrong, shown = [], dict.fromkeys(ACTORS, 0)
    for actor in ACTORS:
        page, trouble = open_as(actor)
        for row in [row for row in PAGES if row.policy[actor] == OK]:
            query = "?to=retired" if row.route == "model-lifecycle" else ""
            page.goto(reverse(row.route, kwargs=row.at(world)) + query, wait_until="load")
            assert "/accounts/login/?next=" not in page.url, f"{actor} logged out before {row}"
            page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
            found = page.evaluate(INJECTED)
            shown[actor] += page.content().count(f"&lt;{ELEMENT}")
            if page.evaluate("window.__pwned") or found or trouble:
                wrong.append((actor, str(row), found, list(trouble)))
                trouble.clear()
    assert wrong == []
    for actor, number in shown.items():
        assert number > (0 if actor == "operator" else 8), "the words are on the pages, as text"


def test_scripts_of_the_site_write_words_as_text(world, open_as):
    """Where script draws: names of chosen files, and what a search brings."""
    page, trouble = open_as("own.clinician")
    page.goto(reverse("submission-new"))
    name = f"\"'><{ELEMENT}><svg onload=window.__pwned=1>.jpg"
    file = {"name": name, "mimeType": "image/jpeg", "buffer": b"no photo"}
    page.locator("input[type=file][name=images]").first.set_input_files(file)
    page.wait_for_timeout(1500)
    assert page.evaluate(INJECTED) == []
    assert not page.evaluate("window.__pwned")
    assert trouble == []
