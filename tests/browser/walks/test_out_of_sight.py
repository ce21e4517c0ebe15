"""Eighty newer cases push nothing out of sight: not what is unread, and not what was ordered."""

import datetime as dt

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from classifier.cases.reviews import Decision, sign_review
from tests.factories import MembershipFactory, answered_submission

pytestmark = [pytest.mark.walk, pytest.mark.django_db(transaction=True)]
NEWER = 80


@pytest.fixture
def colleague(staff):
    return MembershipFactory(clinic=staff.clinic, role="clinician").user


@pytest.fixture
def send_newer(staff):
    def send():
        start = timezone.now() - dt.timedelta(days=1)
        for minute in range(NEWER):
            answered_submission(staff, submitted_at=start + dt.timedelta(minutes=minute))

    return send


class Home:
    """What stands under "Needs you"."""

    def __init__(self, page, case):
        self.page, self.key = page, f"case-{case.pk}"
        self.section = page.get_by_role("region", name="Needs you")

    def check_first(self, words):
        self.page.goto("/")
        first = self.section.locator(".row").first
        expect(first.locator(".row-title a")).to_have_attribute("id", self.key)
        expect(first.locator(".row-note")).to_contain_text(words)

    def check_gone(self):
        self.page.goto("/")
        expect(self.section.locator(".row").first).to_be_visible()
        expect(self.section.locator(f"#{self.key}")).to_have_count(0)

    def check_unread(self, count):
        """How many the page says that the person has not opened."""
        expect(self.section.get_by_role("link", name=f"{count} unread", exact=True)).to_be_visible()


def open_case(page, case):
    page.goto(reverse("submission-detail", args=[case.pk]))
    expect(page.locator("#standing")).to_be_visible()


def test_an_unread_malignant_result(staff, colleague, send_case, send_newer, open_as):
    case = send_case("malignant", days=70)
    send_newer()
    page = open_as(staff.clinician)
    home = Home(page, case)
    home.check_first("not opened since")
    home.check_unread(NEWER + 1)
    open_case(open_as(colleague), case)
    home.check_first("not opened since")
    home.check_unread(NEWER + 1)
    open_case(page, case)
    home.check_gone()
    home.check_unread(NEWER)


def test_an_urgent_referral_that_nobody_read(staff, colleague, send_case, send_newer, open_as):
    case = send_case("benign", days=70)
    send_newer()
    # Of all these it is the last news, and the gravest.
    decision = Decision(diagnosis="indeterminate", management="urgent_referral")
    sign_review(actor=staff.dermatologist, submission=case, decision=decision)
    page = open_as(staff.clinician)
    home = Home(page, case)
    home.check_first("Signed: urgent cancer referral, by")
    home.check_unread(NEWER + 1)
    open_case(open_as(colleague), case)
    home.check_first("Signed: urgent cancer referral, by")
    home.check_unread(NEWER + 1)
    # Read, and still to be done.
    open_case(page, case)
    home.check_first("Signed: urgent cancer referral, by")
    home.check_unread(NEWER)
    open_case(page, case)
    page.get_by_label("What was done").select_option("referred")
    page.get_by_label("Note").fill("To the melanoma clinic, by telephone.")
    page.get_by_role("button", name="Mark as done").click()
    expect(page.locator("#order")).to_contain_text("To the melanoma clinic, by telephone.")
    expect(page.locator("#order")).to_contain_text(staff.clinician.get_full_name())
    home.check_gone()
