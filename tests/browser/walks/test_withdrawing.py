"""Nobody takes a malignant result away, and nobody does so by a thumb beside PDF."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from tests.browser.conftest import PHONE
from tests.factories import PredictionFactory

pytestmark = [pytest.mark.walk, pytest.mark.django_db(transaction=True)]


def ask_to_withdraw(page, case, heading="Withdraw this case?"):
    page.goto(reverse("submission-detail", args=[case.pk]))
    page.get_by_role("link", name="Withdraw this case").click()
    expect(page.get_by_role("heading", name=heading)).to_be_visible()


def press_withdraw(page):
    page.get_by_role("button", name="Withdraw", exact=True).click()


def is_withdrawn(case):
    case.refresh_from_db()
    return case.cancelled_at is not None


@pytest.mark.parametrize("outcome", ["malignant", "refer"])
def test_what_needs_a_reader_stays(staff, send_case, open_as, outcome):
    case = send_case(outcome)
    page = open_as(staff.clinician, PHONE)
    ask_to_withdraw(page, case, heading="This case can't be withdrawn")
    expect(
        page.get_by_text("A dermatologist has to read this case, so it can't be withdrawn.")
    ).to_be_visible()
    expect(page.get_by_role("button", name="Withdraw", exact=True)).to_have_count(0)
    assert not is_withdrawn(case)


def test_a_result_that_came_while_the_page_was_open_is_not_withdrawn(staff, send_case, open_as):
    case = send_case("")
    page = open_as(staff.clinician, PHONE)
    ask_to_withdraw(page, case)
    case.images.get().predictions.all().delete()
    PredictionFactory(image=case.images.get(), state="succeeded", outcome="malignant")
    press_withdraw(page)
    expect(page.get_by_text("A dermatologist has to read this case").first).to_be_visible()
    assert not is_withdrawn(case)


def test_a_benign_result_needs_a_reason(staff, send_case, open_as):
    case = send_case("benign")
    page = open_as(staff.clinician, PHONE)
    ask_to_withdraw(page, case)
    expect(page.get_by_text("There is a result: benign, by the model.")).to_be_visible()
    press_withdraw(page)
    expect(page.get_by_text("There is a result, so say why the case is withdrawn.").first).to_be_visible()
    assert not is_withdrawn(case)
    page.get_by_label("Why it is withdrawn").fill("Sent twice.")
    press_withdraw(page)
    expect(page.get_by_text("The case is withdrawn.")).to_be_visible()
    assert is_withdrawn(case)
    assert case.withdrawal_reason == "Sent twice."


def test_without_a_result_it_is_free(staff, send_case, open_as):
    case = send_case("")
    page = open_as(staff.clinician, PHONE)
    ask_to_withdraw(page, case)
    expect(page.get_by_text("There is no result yet. Work on it stops.")).to_be_visible()
    press_withdraw(page)
    expect(page.get_by_text("The case is withdrawn.")).to_be_visible()
    assert is_withdrawn(case)


def test_it_is_not_beside_pdf_under_a_thumb(staff, send_case, open_as):
    case = send_case("benign")
    page = open_as(staff.clinician, PHONE)
    page.goto(reverse("submission-detail", args=[case.pk]))
    paper = page.get_by_role("link", name="PDF").bounding_box()
    ending = page.get_by_role("link", name="Withdraw this case").bounding_box()
    assert ending["y"] - (paper["y"] + paper["height"]) > 40
