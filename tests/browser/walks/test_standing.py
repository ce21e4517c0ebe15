"""What a case is held for, in a real browser: on a phone and at a desk, and while the result arrives."""

import csv

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect
from pypdf import PdfReader

from classifier.models import Prediction, Submission
from tests.browser.conftest import DESK, PHONE
from tests.factories import PredictionFactory
from tests.support.visiting import list_violations, scrolls_sideways

pytestmark = [pytest.mark.walk, pytest.mark.django_db(transaction=True)]


class TestBenignCallThatWasAMelanoma:
    """Signed as melanoma, then proven by histopathology: no surface goes on saying what the model said."""

    @pytest.fixture
    def case(self, staff, send_case, open_as):
        case = send_case("benign")
        self.sign(open_as(staff.dermatologist), case)
        self.prove(open_as(staff.clinician), case)
        return case

    def sign(self, page, case):
        page.goto(reverse("worklist"))
        page.keyboard.press("s")
        page.wait_for_url(f"**{reverse('submission-review', args=[case.pk])}")
        expect(page.locator("[data-sign-words]")).to_have_text("Sign and next")
        for key in ("2", "e", "s"):
            page.keyboard.press(key)
        expect(page.locator("#just-signed")).to_contain_text("Signed: melanoma, excise.")
        expect(page.locator("#signed + ul")).to_contain_text("melanoma, excise")
        expect(page.locator(".tone-benign")).to_have_count(0)

    def prove(self, page, case):
        today = timezone.localdate().isoformat()
        page.goto(reverse("outcome-new", args=[case.lesion_id]))
        page.get_by_label("Diagnosis").select_option("melanoma_invasive")
        page.get_by_label("How the specimen was taken").select_option("excision")
        page.get_by_label("Specimen taken on").fill(today)
        page.get_by_label("Reported on").fill(today)
        page.get_by_label("Breslow thickness").fill("1.2")
        page.get_by_role("button", name="Save").click()
        page.wait_for_url(f"**{reverse('lesion-detail', args=[case.lesion_id])}")

    def test_pages_and_print(self, case, staff, open_as):
        page = open_as(staff.clinician)
        chip = page.locator("main .chip.tone-malignant", has_text="Invasive melanoma").first
        address_of_case = reverse("submission-detail", args=[case.pk])
        for address in (
            "/",
            "/patients/",
            reverse("patient-detail", args=[case.lesion.patient_id]),
            reverse("lesion-detail", args=[case.lesion_id]),
            "/submissions/",
            "/submissions/?outcome=malignant&sort=risk",
            address_of_case,
        ):
            page.goto(address)
            for size in (PHONE, DESK):
                page.set_viewport_size(size)
                expect(chip).to_be_visible()
                expect(page.locator("main :is(.chip, .answer).tone-benign")).to_have_count(0)
                assert not scrolls_sideways(page), address
                assert list_violations(page) == [], address
            page.emulate_media(media="print")
            expect(chip).to_be_visible()
            page.emulate_media(media="screen")
        standing = page.locator("#standing")
        expect(standing).to_contain_text("Pathologist: invasive melanoma, Breslow 1.2 mm")
        expect(standing).to_contain_text("The model had said benign; the pathologist's finding differs.")
        page.goto("/submissions/?outcome=benign")
        expect(page.locator("main .row")).to_have_count(0)

    def test_files_and_programs(self, case, staff, open_as):
        """The PDF, the table, the API and FHIR, asked with the session of the same browser."""
        page = open_as(staff.clinician)
        page.goto(reverse("submission-detail", args=[case.pk]))
        with page.expect_download() as given:
            page.get_by_role("link", name="PDF").click()
        paper = " ".join(
            " ".join(sheet.extract_text().split()) for sheet in PdfReader(given.value.path()).pages
        )
        opening = paper.partition("Patient MRN")[0]
        assert "Invasive melanoma" in opening
        assert "Breslow 1.2 mm" in opening
        assert "Benign" not in opening

        page.goto("/submissions/")
        with page.expect_download() as given:
            page.get_by_role("button", name="Export all 1 as CSV").click()
        with given.value.path().open(encoding="utf-8-sig", newline="") as table:
            (row,) = csv.DictReader(table)
        assert (row["standing"], row["standing_basis"]) == ("malignant", "histopathology")
        assert (row["standing_diagnosis"], row["outcome"]) == ("melanoma_invasive", "benign")

        root = "/api/v1"
        lesion, patient = case.lesion_id, case.lesion.patient_id
        for path in (f"submissions/{case.pk}", f"lesions/{lesion}", f"patients/{patient}"):
            standing = page.request.get(f"{root}/{path}/").json()["standing"]
            assert (standing["value"], standing["label"]) == ("malignant", "Invasive melanoma"), path

        report = page.request.get(f"/fhir/r4/DiagnosticReport/{case.pk}").json()
        assert report["conclusion"].startswith("Pathologist: invasive melanoma, Breslow 1.2 mm")
        codes = [one["coding"][0]["code"] for one in report["conclusionCode"]]
        assert codes[0] == "melanoma_invasive"
        assert "benign" not in codes


def test_on_a_phone_the_standing_and_the_next_step_come_first_and_actions_last(staff, send_case, open_as):
    case = send_case("malignant")
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


def test_a_result_that_came_out_of_sight_was_not_opened(staff, send_case, open_as):
    case = send_case("")
    page = open_as(staff.clinician, DESK)
    page.goto(reverse("submission-detail", args=[case.pk]))
    page.evaluate("Object.defineProperty(document, 'hidden', { configurable: true, get: () => true })")
    Prediction.objects.all().delete()
    PredictionFactory(image=case.images.get(), state="succeeded", outcome="malignant")
    Submission.objects.filter(pk=case.pk).update(is_unread=True, news_at=timezone.now())
    page.wait_for_timeout(5_000)
    assert Submission.objects.get(pk=case.pk).is_unread
    page.evaluate("delete document.hidden")
    expect(page.get_by_role("heading", name="Malignant", exact=True)).to_be_visible(timeout=15_000)
    assert not Submission.objects.get(pk=case.pk).is_unread


@pytest.mark.parametrize("is_chosen", [False, True])
def test_the_picture_of_the_answer_is_shown_when_it_arrives(is_chosen, staff, send_case, open_as):
    case = send_case("", "")
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
