"""The check takes a picture for no dermoscopic one: a person is asked, and until then it isn't sent."""

import dataclasses

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from classifier.engine import serving
from classifier.models import Submission
from tests.browser.conftest import DESK, PHONE
from tests.browser.new_case.steps import CASE, TOUCH, bar, fill, is_seen, submit
from tests.support.visiting import list_violations

pytestmark = pytest.mark.django_db(transaction=True)
TARGET = 44
YES, NO = "Yes, a close-up", "No, dermoscopic"


@pytest.fixture(autouse=True)
def gates(settings):
    settings.DERMAPORT_GATES = True


@pytest.fixture
def taken_for(monkeypatch, photos):
    """Paths of drawn pictures, small enough to be checked as they are, and the kind that each is taken for.

    The gates are the real ones; only what they propose is given, since a drawing's kind is nobody's to say.
    """

    def draw(*kinds):
        paths = photos(*range(1, len(kinds) + 1))
        proposed = {}
        for path, kind in zip(paths, kinds, strict=True):
            with Image.open(path) as image:
                proposed[np.asarray(image.convert("RGB")).tobytes()] = kind
        check = serving.check_image

        def propose(image, original_size=None):
            found = check(image, original_size)
            return dataclasses.replace(found, kind=proposed[np.asarray(image).tobytes()])

        monkeypatch.setattr(serving, "check_image", propose)
        return paths

    return draw


def question(page, name):
    return page.locator("#picked-images li", has_text=name).get_by_role("group", name="Is it?")


def kind(page, name):
    return page.get_by_label(f"Kind of {name}")


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["375", "1280"])
def test_no_picture_leaves_the_model_before_a_person_has_said_so(visit, staff, taken_for, viewport):
    page = visit(staff.clinician, viewport, **(TOUCH if viewport is PHONE else {}))
    fill(page, taken_for("dermoscopic", "clinical", "clinical"))
    asked = question(page, "photo-2.jpg")
    expect(asked).to_contain_text("This looks like a close-up. Is it?")
    expect(question(page, "photo-3.jpg")).to_be_visible()
    assert question(page, "photo-1.jpg").count() == 0
    assert asked.evaluate("(element) => element.closest('[aria-live=polite]') !== null")
    for name in ("photo-2.jpg", "photo-3.jpg"):
        expect(kind(page, name)).to_have_value("dermoscopic")
    expect(bar(page)).to_have_text("Say what pictures 2 and 3 are.")
    for name in (YES, NO):
        box = asked.get_by_role("button", name=name).bounding_box()
        assert box["height"] >= TARGET
        assert box["width"] >= TARGET

    submit(page)
    expect(asked).to_be_focused()
    assert is_seen(page, asked)
    expect(bar(page)).to_have_text("Not sent yet. Say what pictures 2 and 3 are.")
    assert page.get_by_role("button", name="Submit").get_attribute("aria-busy") is None
    # A second press of Enter answers nothing.
    page.keyboard.press("Enter")
    expect(asked).to_be_visible()
    assert list_violations(page, "#new-case") == []

    page.keyboard.press("Tab")
    expect(asked.get_by_role("button", name=YES)).to_be_focused()
    page.keyboard.press("Enter")
    expect(kind(page, "photo-2.jpg")).to_have_value("clinical")
    expect(kind(page, "photo-2.jpg")).to_be_focused()
    expect(asked).to_be_hidden()
    expect(bar(page)).to_have_text("Not sent yet. Say what picture 3 is.")
    submit(page)
    assert Submission.objects.count() == 0
    question(page, "photo-3.jpg").get_by_role("button", name=NO).click()
    expect(kind(page, "photo-3.jpg")).to_have_value("dermoscopic")
    expect(bar(page)).to_contain_text("Not sent yet: press Submit.")
    submit(page)
    page.wait_for_url(CASE)
    found = Submission.objects.get().images.order_by("position")
    assert [image.capture_kind for image in found] == ["dermoscopic", "clinical", "dermoscopic"]


def test_who_chose_the_kind_is_not_asked(visit, staff, taken_for):
    page = visit(staff.clinician)
    waiting = []

    def hold(route):
        waiting.append(route)

    page.route("**/submissions/new/image/", hold)
    fill(page, taken_for("clinical"))
    kind(page, "photo-1.jpg").select_option("overview")
    kind(page, "photo-1.jpg").select_option("dermoscopic")
    with page.expect_response("**/submissions/new/image/"):
        waiting[0].continue_()
    expect(page.locator(".server-verdict").first).not_to_have_text("Checking…")
    assert question(page, "photo-1.jpg").count() == 0
    submit(page)
    page.wait_for_url(CASE)
    assert Submission.objects.get().images.get().capture_kind == "dermoscopic"


def test_the_field_answers_the_question_too(visit, staff, taken_for):
    page = visit(staff.clinician)
    fill(page, taken_for("clinical"))
    expect(question(page, "photo-1.jpg")).to_be_visible()
    kind(page, "photo-1.jpg").select_option("overview")
    expect(question(page, "photo-1.jpg")).to_be_hidden()
    submit(page)
    page.wait_for_url(CASE)
    assert Submission.objects.get().images.get().capture_kind == "overview"


def test_a_picture_that_comes_again_is_asked_about_again(visit, staff, taken_for):
    page = visit(staff.clinician)
    paths = taken_for("clinical")
    fill(page, paths)
    question(page, "photo-1.jpg").get_by_role("button", name=YES).click()
    page.get_by_role("button", name="Remove photo-1.jpg").click()
    page.locator("input[type=file][name=images]").set_input_files(paths)
    expect(question(page, "photo-1.jpg")).to_be_visible()
    expect(bar(page)).to_have_text("Say what picture 1 is.")


def test_a_removed_picture_is_no_question_any_more(visit, staff, taken_for):
    page = visit(staff.clinician)
    fill(page, taken_for("dermoscopic", "clinical"))
    expect(question(page, "photo-2.jpg")).to_be_visible()
    page.get_by_role("button", name="Remove photo-2.jpg").click()
    submit(page)
    page.wait_for_url(CASE)
    assert Submission.objects.get().images.count() == 1


def test_the_draft_keeps_answers_and_questions(visit, staff, taken_for):
    page = visit(staff.clinician)
    fill(page, taken_for("clinical", "clinical", "clinical"))
    question(page, "photo-1.jpg").get_by_role("button", name=YES).click()
    question(page, "photo-2.jpg").get_by_role("button", name=NO).click()
    expect(question(page, "photo-3.jpg")).to_be_visible()
    page.wait_for_timeout(800)
    # No check answers after the reload: what is asked then, the draft has kept.
    page.route("**/submissions/new/image/", lambda route: route.abort())
    page.reload()
    expect(page.get_by_text("Your draft from")).to_be_visible()
    # The check isn't needed of the close-up.
    expect(page.get_by_text("no answer came")).to_have_count(2)
    expect(kind(page, "photo-1.jpg")).to_have_value("clinical")
    expect(kind(page, "photo-2.jpg")).to_have_value("dermoscopic")
    for name in ("photo-1.jpg", "photo-2.jpg"):
        expect(question(page, name)).to_have_count(0)
    expect(question(page, "photo-3.jpg")).to_be_visible()
    expect(bar(page)).to_have_text("Not sent yet. Say what picture 3 is.")


def test_an_answer_that_the_draft_kept_is_not_asked_again(visit, staff, taken_for):
    page = visit(staff.clinician)
    fill(page, taken_for("clinical"))
    question(page, "photo-1.jpg").get_by_role("button", name=NO).click()
    page.wait_for_timeout(800)
    with page.expect_response("**/submissions/new/image/"):
        page.reload()
    expect(page.get_by_text("Your draft from")).to_be_visible()
    expect(page.locator(".server-verdict").first).not_to_have_text("Checking…")
    expect(question(page, "photo-1.jpg")).to_have_count(0)
    submit(page)
    page.wait_for_url(CASE)
    assert Submission.objects.get().images.get().capture_kind == "dermoscopic"


def test_what_else_is_missing_is_said_beside_it(visit, staff, taken_for):
    page = visit(staff.clinician)
    fill(page, taken_for("clinical"), consent=None)
    expect(bar(page)).to_have_text("Still missing: consent, yes or no, what picture 1 is")
