"""What a case is held for, in a real browser: on a phone and at a desk, and while the result arrives."""

import datetime as dt

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from classifier.models import Prediction
from classifier.services.outcomes import Finding, record_outcome
from classifier.services.reviews import Decision, sign_review
from classifier.vocabulary import Diagnosis, Histopathology, Management, Procedure
from tests.browser.conftest import DESK, PHONE
from tests.factories import (
    PredictionFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    active_model,
    staff_clinic,
)

pytestmark = pytest.mark.django_db(transaction=True)

SIZES = {"phone": PHONE, "desk": DESK}


@pytest.fixture
def staff(monkeypatch):
    monkeypatch.setattr("classifier.services.queue.send_wake_up", lambda: None)
    active_model()
    return staff_clinic()


@pytest.fixture
def open_as(browser, live_server):
    """Open the portal as a person, without its worker: the test gives the answers itself."""
    contexts = []

    def log_in(person, viewport):
        client = Client()
        client.force_login(person)
        context = browser.new_context(base_url=live_server.url, viewport=viewport)
        contexts.append(context)
        name = settings.SESSION_COOKIE_NAME
        context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
        return context.new_page()

    yield log_in
    for context in contexts:
        context.close()


def send_case(staff, *images, days=3):
    """A case with real pictures; each of `images` is an outcome, or empty while it waits."""
    at = timezone.now() - dt.timedelta(days=days)
    case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician, submitted_at=at)
    for seed, outcome in enumerate(images):
        image = SubmissionImageFactory(submission=case, with_files=True, with_files__seed=seed)
        if outcome:
            PredictionFactory(image=image, state="succeeded", outcome=outcome)
        else:
            PredictionFactory(image=image)
    return case


def sign_and_prove(case, staff):
    decision = Decision(diagnosis=Diagnosis.MELANOMA, management=Management.EXCISE)
    sign_review(actor=staff.dermatologist, submission=case, decision=decision)
    today = timezone.localdate()
    finding = Finding(
        diagnosis=Histopathology.MELANOMA_INVASIVE,
        procedure=Procedure.EXCISION,
        specimen_taken_on=today,
        reported_on=today,
    )
    record_outcome(actor=staff.clinician, lesion=case.lesion, finding=finding)


@pytest.mark.parametrize("size", SIZES)
def test_a_benign_call_that_was_a_melanoma_reads_so_everywhere(size, staff, open_as):
    case = send_case(staff, "benign")
    sign_and_prove(case, staff)
    page = open_as(staff.clinician, SIZES[size])
    for address in (
        "/",
        "/patients/",
        reverse("patient-detail", args=[case.lesion.patient_id]),
        reverse("lesion-detail", args=[case.lesion_id]),
        "/submissions/",
        "/submissions/?outcome=malignant&sort=risk",
        reverse("submission-detail", args=[case.pk]),
    ):
        page.goto(address)
        expect(page.locator("main .chip.tone-malignant", has_text="Invasive melanoma").first).to_be_visible()
        expect(page.locator("main :is(.chip, .answer).tone-benign")).to_have_count(0)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), address
        assert [v["id"] for v in Axe().run(page).response["violations"]] == [], address


def test_on_a_phone_the_standing_and_the_next_step_come_first_and_actions_last(staff, open_as):
    case = send_case(staff, "malignant")
    page = open_as(staff.clinician, PHONE)
    page.goto(reverse("submission-detail", args=[case.pk]))

    def top(selector):
        return page.locator(selector).first.bounding_box()["y"]

    step = page.locator(".next-step").first.bounding_box()
    assert step["y"] + step["height"] < PHONE["height"]
    order = ["#standing", ".next-step", "#picture", "#answer", "#case-history"]
    places = [top(selector) for selector in (*order, "#case-actions-foot", "#case-ending")]
    assert places == sorted(places)
    expect(page.locator("#case-actions-head")).to_be_hidden()
    paper = page.get_by_role("link", name="PDF").bounding_box()
    ending = page.get_by_role("link", name="Withdraw").bounding_box()
    assert ending["y"] - (paper["y"] + paper["height"]) > 40


@pytest.mark.parametrize("is_chosen", [False, True])
def test_the_picture_of_the_answer_is_shown_when_it_arrives(is_chosen, staff, open_as):
    case = send_case(staff, "", "")
    first, second = case.images.order_by("position")
    page = open_as(staff.clinician, DESK)
    address = reverse("submission-detail", args=[case.pk])
    page.goto(f"{address}?image={first.pk}" if is_chosen else address)
    shown = page.locator("#picture .viewer > img")
    expect(shown).to_have_attribute("src", reverse("image-derivative", args=[first.pk]))
    Prediction.objects.all().delete()
    PredictionFactory(image=first, state="succeeded", outcome="benign")
    PredictionFactory(image=second, state="succeeded", outcome="malignant")
    expect(page.get_by_role("heading", name="Malignant", exact=True)).to_be_visible(timeout=15_000)
    speaks = first if is_chosen else second
    expect(shown).to_have_attribute("src", reverse("image-derivative", args=[speaks.pk]))
    # The new picture zooms as the first did.
    page.get_by_title("Zoom in (+)").click()
    expect(page.locator("[data-zoom-level]")).not_to_have_text("100 %")
