"""At the dermatologist's desk: nothing is signed unseen, and no case is read by two unknowingly."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from classifier.models import Review
from tests.factories import MembershipFactory

pytestmark = [pytest.mark.walk, pytest.mark.django_db(transaction=True)]
PICTURES = "**/images/*/"


def test_pictures_that_are_blocked_keep_sign_shut_until_the_reason_is_given(staff, send_case, open_as):
    case = send_case("malignant", "benign")
    page = open_as(staff.dermatologist)
    page.route(PICTURES, lambda route: route.abort())
    page.goto(reverse("submission-review", args=[case.pk]))
    for key in ("2", "e"):
        page.keyboard.press(key)
    # One after the other is looked at, by the key that signs.
    for _ in range(2):
        expect(page.locator("[data-unseen-notice]")).to_be_visible()
        page.keyboard.press("s")
        page.wait_for_load_state("networkidle")
    words = page.locator("[data-sign-words]")
    expect(words).to_have_text("Say why you sign without it")
    expect(page.locator("[data-unseen-words]")).to_contain_text("could not be loaded")
    page.keyboard.press("s")
    reason = page.get_by_label("Why you sign without it")
    expect(reason).to_be_focused()
    assert not Review.objects.exists()
    reason.fill("The line is down; read from the print.")
    expect(words).to_have_text("Sign and next")
    page.unroute(PICTURES)
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    page.wait_for_url("**signed=*")
    assert Review.objects.get().unseen_reason == "The line is down; read from the print."
    page.goto(reverse("submission-detail", args=[case.pk]))
    expect(page.get_by_text("The line is down; read from the print.")).to_be_visible()


def test_two_readers_of_one_case_know_of_each_other(staff, send_case, open_as):
    case = send_case("malignant")
    okafor = MembershipFactory(clinic=staff.clinic, role="dermatologist", user__full_name="Ines Okafor").user
    address = reverse("submission-review", args=[case.pk])
    first, second = open_as(okafor), open_as(staff.dermatologist)
    first.clock.install()
    first.goto(address)
    expect(first.get_by_text("You are reading this case, until")).to_be_visible()

    second.goto(reverse("worklist"))
    expect(second.get_by_text("Ines Okafor is reading this case, until")).to_be_visible()
    second.locator(".row-title a").first.click()
    expect(second.get_by_role("heading", name="Ines Okafor is reading this case")).to_be_visible()
    expect(second.locator("[data-review-form]")).to_have_count(0)
    second.get_by_role("button", name="Take over").click()
    expect(second.get_by_text("You are reading this case, until")).to_be_visible()
    expect(second.locator("[data-review-form]")).to_be_visible()

    # The open page asks once a minute.
    first.clock.fast_forward(61_000)
    told = first.get_by_role("alert").filter(has_text=staff.dermatologist.get_full_name())
    expect(told).to_contain_text("is reading this case, until")
    for key in ("2", "e", "d"):
        second.keyboard.press(key)
    expect(second.get_by_text("Signed: melanoma, excise")).to_be_visible()
    first.clock.fast_forward(61_000)
    expect(first.get_by_text("signed this case at")).to_be_visible()
    assert Review.objects.get().signed_by == staff.dermatologist


def test_a_picture_more_than_twice_as_high_as_the_window_counts_as_seen(staff, send_case, open_as):
    case = send_case("malignant")
    page = open_as(staff.dermatologist, {"width": 1400, "height": 170})
    page.goto(reverse("submission-review", args=[case.pk]))
    viewer, seen = page.locator("#pictures .viewer"), page.locator("input[name=seen]")
    assert viewer.bounding_box()["height"] > 2 * 170
    viewer.evaluate("(one) => one.scrollIntoView({ block: 'center' })")
    expect(seen).to_be_enabled()
