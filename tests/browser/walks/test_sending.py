"""A new case on a phone: the session is gone at Submit, or the birth date is wrong."""

import re

import pytest
from playwright.sync_api import expect

from classifier.models import Submission
from tests.browser.conftest import DESK, PHONE
from tests.browser.new_case.steps import CASE, TOUCH, bar, fill, give_password, is_seen, submit

pytestmark = [pytest.mark.walk, pytest.mark.django_db(transaction=True)]


def test_logged_out_in_another_tab(staff, photos, open_as):
    page = open_as(staff.clinician, PHONE, **TOUCH)
    fill(page, photos(1, 2))
    other = page.context.new_page()
    other.goto("/")
    other.locator(".person").click()
    other.get_by_role("button", name="Log out").click()
    other.wait_for_url(re.compile("/login/"))
    other.close()

    submit(page)
    over = page.get_by_role("dialog", name="You were logged out")
    expect(over).to_be_visible(timeout=20_000)
    assert Submission.objects.count() == 0
    with page.context.expect_page() as opened:
        over.get_by_role("link", name="Log in again").click()
    give_password(opened.value, staff.clinician)
    expect(opened.value.get_by_role("heading", name="You are logged in again")).to_be_visible()
    opened.value.close()

    expect(over).to_be_hidden(timeout=20_000)
    expect(bar(page)).to_have_text("Not sent yet: press Submit.")
    expect(page.get_by_label("Medical record number")).to_have_value("SEND-1")
    expect(page.get_by_label("Question")).to_have_value("Excise?")
    expect(page.locator("[data-picked] li")).to_have_count(2)
    submit(page)
    page.wait_for_url(CASE)
    case = Submission.objects.get()
    assert (case.images.count(), case.clinical_question) == (2, "Excise?")
    assert case.lesion.patient.mrn == "SEND-1"


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["375", "1280"])
def test_a_wrong_birth_date(open_as, staff, photos, viewport):
    page = open_as(staff.clinician, viewport, **(TOUCH if viewport is PHONE else {}))
    fill(page, photos(1))
    page.get_by_label(re.compile("^Birth date")).fill("1799-01-01")
    page.get_by_label("History").scroll_into_view_if_needed()
    submit(page)
    expect(bar(page)).to_contain_text("Birth date: The birth date lies in 1799")
    birth = page.get_by_label(re.compile("^Birth date"))
    expect(birth).to_be_focused()
    assert is_seen(page, birth)
    assert is_seen(page, page.locator("#id_birth_date_error, .field:has(#id_birth_date) .errorlist"))
    assert is_seen(page, bar(page))
    expect(page.locator("[data-picked] li")).to_have_count(1)
    birth.fill("1961-05-17")
    expect(bar(page)).to_have_text("Not sent yet: press Submit.")
    submit(page)
    page.wait_for_url(CASE)
