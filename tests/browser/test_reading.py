"""The reading page in a browser: nothing is signed unseen, two readers, and the size of the picture."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import DESK, PHONE

UNREAD = (
    "SELECT s.id FROM classifier_submission s JOIN accounts_clinic c ON c.id = s.clinic_id "
    "WHERE c.name = %s AND s.state = 'awaiting_review' AND s.model_answer = %s "
    "AND (SELECT count(*) FROM classifier_submissionimage i WHERE i.submission_id = s.id) >= %s "
    "ORDER BY s.submitted_at, s.id"
)


@pytest.fixture
def find_case(portal: Any) -> Any:
    """The id of an unread demo case by the model's answer and its number of pictures."""

    def find(answer: str, pictures: int = 1) -> uuid.UUID:
        rows = portal.query(UNREAD, ("Harbour Skin Clinic", answer, pictures))
        if not rows:
            pytest.skip(f"no unread {answer} demo case with {pictures} pictures")
        return uuid.UUID(str(rows[0][0]))

    return find


def find_any(find_case: Any, pictures: int) -> uuid.UUID:
    for answer in ("malignant", "refer", "benign"):
        try:
            return find_case(answer, pictures)
        except pytest.skip.Exception:
            continue
    raise AssertionError("the demo has a case with two pictures to read")


def sign_words(page: Page) -> Any:
    return page.locator("[data-sign-words]")


def test_every_picture_is_looked_at_a_benign_is_asked_about_and_a_slip_amended_by_keys(open_as, find_case):
    case = find_case("malignant")
    page = open_as("dermatologist")
    page.goto(f"/submissions/{case}/review/")
    for _ in range(page.locator("input[name=seen]").count() - 1):
        if not page.locator("[data-sign-words]:has-text('Look at image')").count():
            break
        page.keyboard.press("s")
        page.wait_for_load_state("networkidle")
    expect(sign_words(page)).to_have_text("Sign and next")
    for key in ("1", "n"):
        page.keyboard.press(key)
    page.keyboard.press("d")
    expect(page.get_by_text("The model said malignant")).to_be_visible()
    page.keyboard.press("b")
    expect(page.get_by_label("No further action")).to_be_checked()
    expect(sign_words(page)).to_have_text("Sign and next")
    page.keyboard.press("d")
    expect(page.get_by_role("heading", name="Sign anyway?")).to_be_visible()
    page.keyboard.press("y")
    expect(page.locator("#just-signed")).to_contain_text("Signed: melanocytic naevus, no further action.")
    page.keyboard.press("a")
    expect(page.get_by_label("It was a slip")).to_be_focused()
    for key in ("z", "2", "e"):
        page.keyboard.press(key)
    expect(sign_words(page)).to_have_text("Sign the amendment")
    page.keyboard.press("s")
    expect(page.locator("#just-signed")).to_contain_text("Amendment signed: melanoma, excise")
    page.keyboard.press("q")
    expect(page.locator("#signed")).to_be_in_viewport()
    expect(page.locator(".signature-list li").first).to_contain_text("melanoma, excise")


def test_leaving_the_page_releases_the_case(open_as, find_case, portal):
    case = find_any(find_case, 1)
    claims = ("SELECT count(*) FROM classifier_readingclaim WHERE submission_id = %s", (case.hex,))
    page = open_as("dermatologist")
    page.goto(f"/submissions/{case}/review/")
    expect(page.get_by_text("You are reading this case, until")).to_be_visible()
    assert portal.query(*claims)[0][0] == 1
    page.reload()
    expect(page.get_by_text("You are reading this case, until")).to_be_visible()
    page.wait_for_timeout(500)
    assert portal.query(*claims)[0][0] == 1, "a reload is no leaving"
    page.goto("/worklist/")
    for _ in range(20):
        if not portal.query(*claims)[0][0]:
            break
        page.wait_for_timeout(100)
    assert portal.query(*claims)[0][0] == 0


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_the_picture_is_large_and_the_signature_in_sight(open_as, find_case, viewport):
    page = open_as("dermatologist", viewport)
    case = find_any(find_case, 1)
    page.goto(f"/submissions/{case}/review/")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    if viewport is DESK:
        box = page.locator("#pictures .viewer").bounding_box()
        assert box["width"] * box["height"] >= DESK["width"] * DESK["height"] / 2
        sign = page.locator(".decision-actions .button-primary").bounding_box()
        assert sign["y"] + sign["height"] <= DESK["height"]


def test_without_javascript_a_tick_attests_what_was_seen(open_as, find_case, complaints):
    case = find_any(find_case, 1)
    page = open_as("dermatologist", java_script_enabled=False)
    page.goto(f"/submissions/{case}/review/")
    page.locator("input[name=diagnosis][value=melanoma]").check()
    page.locator("input[name=management][value=excise]").check()
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("You have not seen image")).to_be_visible()
    page.get_by_label("I have looked at").check()
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("Signed: melanoma, excise")).to_be_visible()
    # The browser notes the refusal itself.
    assert all("400" in one for one in complaints)
    complaints.clear()
