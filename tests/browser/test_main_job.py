"""The main job, as people do it: a phone submits, the worker answers, a dermatologist signs."""

import re
import uuid
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import DESK, PHONE

pytestmark = [pytest.mark.walk, pytest.mark.main_job]
SECONDS = 1000
RESULT_WAIT = 90 * SECONDS


def choose_new_patient(page, mrn):
    page.get_by_label("New patient").check()
    page.get_by_label("Medical record number").fill(mrn)
    page.get_by_label(re.compile("^Birth date")).fill("1961-04-12")
    page.get_by_label("Sex").select_option("female")
    page.get_by_role("group", name="agree").get_by_label("Yes", exact=True).check()


def fill_case(page, mrn, photo):
    page.goto("/submissions/new/")
    choose_new_patient(page, mrn)
    page.get_by_label("Body site", exact=True).select_option("upper_extremity_shoulder")
    page.get_by_label("Left", exact=True).check()
    page.locator("input[type=file][name=images]").set_input_files(photo)
    expect(page.locator("[data-picked] li")).to_have_count(1)


def test_a_phone_submits_and_a_dermatologist_signs_by_keys_alone(open_as, lesion_photo):
    phone = open_as("clinician", PHONE, has_touch=True, is_mobile=True, is_typed=True)
    fill_case(phone, "BROWSER-1", lesion_photo(1))
    phone.get_by_role("button", name="Submit").click()
    phone.wait_for_url(re.compile(r"/submissions/[0-9a-f-]{36}/$"))
    answer = phone.get_by_role("heading", name=re.compile("^(Benign|Malignant|Refer)$"))
    expect(answer).to_be_visible(timeout=RESULT_WAIT)
    expect(phone.get_by_text("Preliminary until a dermatologist signs it")).to_be_visible()
    assert phone.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    address = phone.url

    desk = open_as("dermatologist", DESK)
    desk.goto(f"{address}review/")
    expect(desk.locator("[data-sign-words]")).to_have_text("Sign and next")
    # Naevus, follow up, a comment; out of it again, sign.
    for key in ("1", "f", "c"):
        desk.keyboard.press(key)
    desk.keyboard.type("Regular network.")
    desk.keyboard.press("Escape")
    desk.keyboard.press("s")
    desk.wait_for_url(lambda url: not url.startswith(address))

    phone.goto(address)
    expect(phone.get_by_text("Regular network.")).to_be_visible()
    expect(phone.get_by_text(re.compile("Signed by Ada Lindqvist")).first).to_be_visible()
    expect(phone.get_by_text("Preliminary until a dermatologist signs it")).to_have_count(0)


def test_the_page_says_how_the_diagnosis_stands_to_the_model(open_as, portal):
    row = portal.query(
        "SELECT s.id FROM classifier_submission s JOIN accounts_clinic c ON c.id = s.clinic_id "
        "JOIN classifier_submissionimage i ON i.submission_id = s.id "
        "JOIN classifier_prediction p ON p.image_id = i.id WHERE c.name = %s AND s.source = 'demo' "
        "AND p.outcome = 'benign' AND NOT p.is_shadow AND NOT EXISTS "
        "(SELECT 1 FROM classifier_review r WHERE r.submission_id = s.id) "
        "AND (SELECT count(*) FROM classifier_submissionimage o WHERE o.submission_id = s.id) = 1 LIMIT 1",
        ("Harbour Skin Clinic",),
    )[0][0]
    page = open_as("dermatologist")
    page.goto(f"/submissions/{uuid.UUID(str(row))}/review/")
    hint = page.locator("[data-agreement-hint]")
    melanoma, naevus, indeterminate = "2", "1", "i"
    for key, told in (
        (melanoma, "This differs from the model's answer, benign."),
        (naevus, "This agrees with the model's answer, benign."),
        (indeterminate, ""),
    ):
        page.keyboard.press(key)
        expect(hint).to_have_text(told)
        # Amber is for a difference alone.
        expect(hint).to_have_class("keyed-hint is-differing" if "differs" in told else "keyed-hint")


def test_a_refused_image_loses_nothing_that_was_typed(open_as, tmp_path, lesion_photo, complaints):
    torn = tmp_path / "torn.jpg"
    torn.write_bytes(Path(lesion_photo(2)).read_bytes()[:40_000])
    page = open_as("clinician")
    fill_case(page, "BROWSER-2", str(torn))
    page.get_by_label("Question").fill("Excise?")
    page.get_by_role("button", name="Submit").click()
    expect(page.get_by_role("alert").first).to_be_visible()
    assert page.url.endswith("/submissions/new/")
    expect(page.get_by_label("Medical record number")).to_have_value("BROWSER-2")
    expect(page.get_by_label("Question")).to_have_value("Excise?")
    # The browser notes the refusal itself, and nothing else.
    assert ["422" in complaint for complaint in complaints] == [True]
    complaints.clear()


def test_a_session_that_is_gone_at_submit_is_said_through_the_real_server(open_as, lesion_photo, complaints):
    """The server answers before it has read the photograph, and must still be heard."""
    page = open_as("clinician", PHONE, has_touch=True, is_mobile=True)
    fill_case(page, "BROWSER-5", lesion_photo(6))
    submit = page.get_by_role("button", name="Submit")
    expect(submit).to_be_visible()
    page.context.clear_cookies(name="sessionid")
    # Not by a finger: what the page asks in between may have covered the button already.
    submit.dispatch_event("click")
    expect(page.get_by_role("dialog", name="You were logged out")).to_be_visible(timeout=20 * SECONDS)
    expect(page.locator("#still-missing")).to_contain_text("Not sent")
    expect(page.get_by_label("Medical record number")).to_have_value("BROWSER-5")
    expect(page.locator("[data-picked] li")).to_have_count(1)
    # The browser notes the refusals itself.
    complaints.clear()


def test_the_bar_says_that_there_are_too_many_images(open_as, lesion_photo):
    page = open_as("clinician")
    page.goto("/submissions/new/")
    choose_new_patient(page, "BROWSER-4")
    page.get_by_label("Body site", exact=True).select_option("upper_extremity_shoulder")
    expect(page.get_by_text("up to 25 MB each")).to_be_visible()
    photo = Path(lesion_photo(5))
    copies = [photo.with_name(f"copy-{number}.jpg") for number in range(11)]
    for copy in copies:
        copy.write_bytes(photo.read_bytes())
    page.locator("input[type=file][name=images]").set_input_files([str(copy) for copy in copies])
    bar = page.locator("#still-missing")
    expect(bar).to_have_text("Too many images: remove 1.")
    page.get_by_role("button", name="Remove copy-0.jpg").click()
    expect(bar).to_have_text(re.compile("^(Checking|Ready to send)"), timeout=60 * SECONDS)


def test_a_known_patient_and_lesion_take_three_choices(open_as, lesion_photo):
    page = open_as("clinician")
    page.goto("/submissions/new/")
    page.get_by_label("Find by MRN").fill("DEMO-1000")
    page.get_by_label(re.compile("DEMO-1000")).check()
    lesion = page.locator("input[type=radio][name=lesion]:not([value=new])").first
    lesion.check()
    page.locator("input[type=file][name=images]").set_input_files(lesion_photo(4))
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(re.compile(r"/submissions/[0-9a-f-]{36}/$"))
    expect(page.get_by_role("link", name="DEMO-1000", exact=True)).to_be_visible()


def test_it_works_without_javascript(open_as, lesion_photo):
    page = open_as("clinician", java_script_enabled=False)
    page.goto("/submissions/new/")
    choose_new_patient(page, "BROWSER-3")
    page.get_by_label("Body site", exact=True).select_option("lower_extremity_thigh")
    page.locator("input[type=file][name=images]").set_input_files(lesion_photo(3))
    page.get_by_role("button", name="Submit").click()
    page.wait_for_url(re.compile(r"/submissions/[0-9a-f-]{36}/$"))
    answer = page.get_by_role("heading", name=re.compile("^(Benign|Malignant|Refer)$"))
    for _ in range(30):
        if answer.count():
            break
        page.wait_for_timeout(2 * SECONDS)
        page.reload()
    expect(answer).to_be_visible()


def test_a_case_of_another_clinic_does_not_exist(open_as, portal, complaints):
    page = open_as("clinician")
    address = portal.query(
        "SELECT s.id FROM classifier_submission s JOIN accounts_clinic c ON c.id = s.clinic_id "
        "WHERE c.name = %s LIMIT 1",
        ("Hillside Practice",),
    )
    assert page.goto(f"/submissions/{uuid.UUID(str(address[0][0]))}/").status == 404
    # The browser notes the 404 of the page itself.
    complaints.clear()
