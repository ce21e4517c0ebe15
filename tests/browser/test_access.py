"""Access in a real browser: idleness that loses nothing, passkeys, and pages that axe finds clean."""

import re

import pytest
from playwright.sync_api import expect

from classifier.models import Review
from tests.browser.conftest import DESK, PHONE
from tests.factories import PASSWORD, answered_submission, staff_clinic
from tests.support.second_factor import set_up_app
from tests.support.visiting import list_violations, scrolls_sideways

pytestmark = pytest.mark.django_db(transaction=True)
COMMENT = "Irregular network at six o'clock, typed before the break."


@pytest.fixture
def staff():
    return staff_clinic()


@pytest.fixture
def visit(browser, live_server):
    contexts = []

    def log_in(person, viewport=DESK, **options):
        context = browser.new_context(base_url=live_server.url, viewport=viewport, **options)
        contexts.append(context)
        page = context.new_page()
        page.goto("/accounts/login/")
        give_password(page, person)
        page.wait_for_url(re.compile(r"^(?!.*/login/)"))
        return page

    yield log_in
    for context in contexts:
        context.close()


def give_password(page, person):
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in", exact=True).click()


def test_idle_log_off_keeps_what_was_typed(visit, staff, settings):
    settings.DERMAPORT_IDLE_MINUTES = 0.1
    case = answered_submission(staff)
    page = visit(staff.dermatologist)
    page.goto(f"/submissions/{case.pk}/review/")
    page.get_by_label("Comment").fill(COMMENT)

    expect(page.get_by_role("heading", name="Still there?")).to_be_visible(timeout=20_000)
    over = page.get_by_role("dialog", name="You were logged out")
    expect(over).to_be_visible(timeout=20_000)
    page.keyboard.press("Escape")
    expect(over).to_be_visible()
    settings.DERMAPORT_IDLE_MINUTES = 15
    with page.context.expect_page() as opened:
        over.get_by_role("link", name="Log in again").click()
    give_password(opened.value, staff.dermatologist)
    expect(opened.value.get_by_role("heading", name="You are logged in again")).to_be_visible()
    opened.value.close()

    expect(over).to_be_hidden(timeout=20_000)
    expect(page.get_by_label("Comment")).to_have_value(COMMENT)
    page.locator("[name=diagnosis][value=melanoma]").check(force=True)
    page.locator("[name=management][value=excise]").check(force=True)
    # The row has no file.
    page.get_by_label("Why you sign without it").fill("Drawn for a test.")
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("Signed: melanoma, excise")).to_be_visible()
    assert Review.objects.get().comment == COMMENT


def test_without_script_a_page_says_what_to_do(visit, staff, settings):
    case = answered_submission(staff)
    page = visit(staff.dermatologist, PHONE, java_script_enabled=False)
    page.goto(f"/submissions/{case.pk}/review/")
    page.get_by_label("Comment").fill(COMMENT)
    page.locator("[name=diagnosis][value=melanoma]").check(force=True)
    page.locator("[name=management][value=excise]").check(force=True)
    page.get_by_label("I have looked at").check()
    settings.DERMAPORT_IDLE_MINUTES = 0.01
    page.wait_for_timeout(1500)
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("Nothing of it was saved, submitted or signed.")).to_be_visible()

    settings.DERMAPORT_IDLE_MINUTES = 15
    page.get_by_role("link", name="Log in again").click()
    give_password(page, staff.dermatologist)
    expect(page).to_have_url(re.compile(f"/submissions/{case.pk}/review/$"))
    assert not Review.objects.exists()


def test_page_of_one_person_stays_covered_for_another(visit, staff, settings):
    settings.DERMAPORT_IDLE_MINUTES = 0.1
    page = visit(staff.clinician)
    page.goto("/submissions/new/")
    over = page.get_by_role("dialog", name="You were logged out")
    expect(over).to_be_visible(timeout=20_000)
    settings.DERMAPORT_IDLE_MINUTES = 15
    with page.context.expect_page() as opened:
        over.get_by_role("link", name="Log in again").click()
    give_password(opened.value, staff.administrator)
    expect(page.get_by_text("Somebody else is logged in here now")).to_be_visible(timeout=20_000)


def test_passkey_is_added_and_opens_the_portal_alone(visit, staff, settings):
    settings.DERMAPORT_MFA_REQUIRED_ROLES = ["clinician"]
    page = visit(staff.clinician)
    expect(page).to_have_url(re.compile("/accounts/2fa/$"))
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    device.send("WebAuthn.addVirtualAuthenticator", {"options": options})

    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Log in with it alone").check()
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    page.get_by_role("button", name="Log in with a passkey").click()

    page.wait_for_url(re.compile(r":\d+/$"))


def test_pages_of_access_are_clean(visit, staff, settings, monkeypatch):
    page = visit(staff.clinician)
    addresses = [
        *("/accounts/2fa/", "/accounts/2fa/totp/activate/", "/accounts/2fa/webauthn/add/"),
        *("/accounts/2fa/webauthn/", "/accounts/sessions/", "/accounts/session/back/"),
    ]
    faults = [(address, check(page, address)) for address in addresses]
    set_up_app(staff.clinician)
    later = ["/accounts/2fa/", "/accounts/2fa/recovery-codes/", "/accounts/2fa/totp/deactivate/"]
    faults += [(address, check(page, address)) for address in later]
    settings.DERMAPORT_STEP_UP_MINUTES = 10
    monkeypatch.setattr("portal.trust.accounts.second_factor.step_up.is_fresh", lambda request, **_: False)
    page.goto("/settings/tokens/")
    page.get_by_role("textbox", name="Name").fill("Ward tablet")
    page.get_by_label(re.compile("submissions:read")).check()
    page.get_by_role("button", name="Make the token").click()
    expect(page.get_by_role("heading", name="Confirm it is you")).to_be_visible()
    faults.append(("confirmation", look(page)))
    page.context.clear_cookies()
    page.goto("/accounts/login/")
    faults.append(("log in", look(page)))
    give_password(page, staff.clinician)
    page.wait_for_url(re.compile("/2fa/authenticate/"))
    faults.append(("second factor", look(page)))
    assert [fault for fault in faults if fault[1]] == []


def check(page, address):
    page.goto(address)
    return look(page)


def look(page):
    """As it is on a phone and at a desk."""
    found = []
    for size in (PHONE, DESK):
        page.set_viewport_size(size)
        found += list_violations(page)
        if scrolls_sideways(page):
            found.append((size["width"], "scrolls sideways"))
    return found
