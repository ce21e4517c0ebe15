"""Fragments of the new-submission page: patients, lesions, the verdict on one image."""

import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image, ImageDraw

from classifier.cases.search import CANDIDATES_SHOWN
from classifier.demo.lesions import draw_lesion
from classifier.models import SubmissionImage
from classifier.pages import picture_check
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    LesionFactory,
    PatientFactory,
    SubmissionImageFactory,
    answered_submission,
    draw_jpeg,
    submit,
)

MORE = "More patients fit: type more of the number."

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(staff, log_in):
    return log_in(staff.clinician)


def check(client, staff, data, name="lesion.jpg"):
    values = {"clinic": str(staff.clinic.pk), "image": SimpleUploadedFile(name, data)}
    return client.post(reverse("submission-check-image"), values)


class TestFindingPatients:
    def find(self, client, staff, words):
        values = {"clinic": str(staff.clinic.pk), "words": words}
        return client.post(reverse("submission-find-patient"), values).text

    def test_by_record_number_and_public_id(self, client, staff):
        patient = PatientFactory(clinic=staff.clinic, mrn="NG-204")
        PatientFactory(clinic=staff.clinic, mrn="ELSE")
        for words in ("g-20", patient.public_id.lower()):
            page = self.find(client, staff, words)
            assert "NG-204" in page
            assert "ELSE" not in page

    def test_the_whole_number_comes_first_and_more_than_are_shown_are_told(self, client, staff):
        """A record number that may be a year is sought in birth dates as well, and stands first all the same."""
        for number in range(8):
            PatientFactory(clinic=staff.clinic, mrn=f"0{number}-1961")
        assert MORE in self.find(client, staff, "1961")
        PatientFactory(clinic=staff.clinic, mrn="1961")
        page = self.find(client, staff, "1961")
        assert MORE in page
        assert page.count('name="patient"') == CANDIDATES_SHOWN
        assert page.index(">1961<") < page.index(">00-1961<")
        assert MORE not in self.find(client, staff, "00-1961")
        assert MORE not in self.find(client, staff, "")

    def test_never_of_another_clinic(self, client, staff, side):
        PatientFactory(clinic=side.other.clinic, mrn="NG-204")
        assert "NG-204" not in self.find(client, staff, "NG-20").replace("“NG-20”", "")

    def test_without_words_those_submitted_last(self, client, staff):
        case = answered_submission(staff)
        PatientFactory(clinic=staff.clinic, mrn="NO-CASE")
        page = self.find(client, staff, "")
        assert case.lesion.patient.mrn in page
        assert "NO-CASE" not in page

    def test_words_go_by_post_and_leave_no_trace(self, client, staff):
        assert client.get(reverse("submission-find-patient")).status_code == 405
        self.find(client, staff, "SECRET-1")
        assert "SECRET-1" not in str(list(AuditEvent.objects.values_list("details", flat=True)))

    def test_only_in_a_clinic_one_submits_in(self, client, side):
        values = {"clinic": str(side.other.clinic.pk), "words": "x"}
        assert client.post(reverse("submission-find-patient"), values).status_code == 404


def test_lesions_of_a_patient(client, staff):
    lesion = LesionFactory(clinic=staff.clinic, note="two moles up")
    page = client.get(reverse("submission-lesions", args=[lesion.patient_id])).text
    assert "two moles up" in page
    assert "Another lesion" in page


def test_patient_without_lesions_gets_the_fields_at_once(client, staff):
    patient = PatientFactory(clinic=staff.clinic)
    page = client.get(reverse("submission-lesions", args=[patient.pk])).text
    assert '<input type="hidden" name="lesion" value="new">' in page


def draw_letter():
    """A page of text: no skin."""
    page = Image.new("RGB", (800, 600), "white")
    for line in range(20, 580, 14):
        ImageDraw.Draw(page).text(
            (20, line), "The quick brown fox jumps over the lazy dog " * 4, fill="black"
        )
    target = io.BytesIO()
    page.save(target, "JPEG", quality=90)
    return target.getvalue()


class TestReducedCopy:
    """A copy of at most 1,024 pixels and what its sender says of the original."""

    @pytest.fixture(autouse=True)
    def gates(self, settings):
        settings.DERMAPORT_GATES = True

    def copy(self, client, staff, data, **changes):
        claim = {"width": 4000, "height": 3000, "bytes": 5_000_000, "sha256": "0" * 64, **changes}
        values = {"clinic": str(staff.clinic.pk), "image": SimpleUploadedFile("copy.jpg", data), **claim}
        return client.post(reverse("submission-check-image"), values).json()

    def test_a_lesion_is_good_and_its_kind_proposed(self, client, staff):
        answer = self.copy(client, staff, draw_lesion(7, kind="naevus"))
        assert (answer["tone"], answer["kind"]) == ("good", "dermoscopic")
        assert answer["lines"] == ["Sharp, bright and large enough."]

    def test_what_is_no_lesion_is_not_judged_but_may_be_sent(self, client, staff):
        answer = self.copy(client, staff, draw_letter())
        assert answer["tone"] == "unjudged"
        assert "through a dermatoscope" in answer["lines"][0]
        assert "You can send it all the same" in answer["lines"][1]
        assert answer["other_lines"] == []
        assert {"label", "value", "limit"} == set(answer["figures"][0])
        assert not any(figure["value"] in line for figure in answer["figures"] for line in answer["lines"])

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"width": 200, "height": 180}, "200×180 pixels"),
            ({"bytes": 900_000_000}, "are accepted"),
            ({"width": 60_000, "height": 3000}, "60000×3000 pixels"),
            ({"bytes": 0}, "empty"),
        ],
    )
    def test_limits_of_the_original_are_told_before_it_is_sent(self, changes, words, client, staff):
        answer = self.copy(client, staff, draw_lesion(7, kind="naevus"), **changes)
        assert answer["tone"] == "bad"
        assert words in answer["lines"][0]

    @pytest.mark.parametrize("data", [b"", b"no image", draw_jpeg(1)[:700]])
    def test_a_copy_that_is_no_picture_holds_nothing_up(self, data, client, staff):
        assert self.copy(client, staff, data)["tone"] == ""

    @pytest.mark.parametrize("changes", [{"width": "-5"}, {"height": "many"}, {"bytes": "9" * 40}])
    def test_a_claim_that_makes_no_sense_is_none(self, changes, client, staff):
        """Then the file stands for itself."""
        answer = self.copy(client, staff, draw_lesion(7, kind="naevus"), **changes)
        assert answer["size"] == "768×576 pixels"

    def test_same_file_of_this_clinic_alone(self, client, staff, side, log_in):
        image = SubmissionImageFactory(submission__clinic=staff.clinic)
        for sha256, count in ((image.sha256, 1), ("f" * 64, 0)):
            lines = self.copy(client, staff, draw_lesion(7, kind="naevus"), sha256=sha256)["lines"]
            assert [line.startswith("The same picture was submitted") for line in lines].count(True) == count
        values = {"clinic": str(side.other.clinic.pk), "width": 1, "height": 1, "bytes": 1}
        assert client.post(reverse("submission-check-image"), values).status_code == 404

    def test_busy_is_an_answer(self, client, staff, monkeypatch):
        monkeypatch.setattr(picture_check, "WAIT_SECONDS", 0.01)
        with picture_check.a_free_hand(), picture_check.a_free_hand():
            answer = self.copy(client, staff, draw_lesion(7, kind="naevus"))
        assert (answer["tone"], answer["lines"]) == ("", [picture_check.BUSY])
        assert self.copy(client, staff, draw_lesion(7, kind="naevus"))["tone"] == "good"

    def test_gates_that_cannot_be_loaded_hold_nothing_up(self, client, staff, monkeypatch):
        def break_it(*_):
            raise ImportError("no gates")

        monkeypatch.setattr("ml.serving.gating.load_gates", break_it)
        answer = self.copy(client, staff, draw_lesion(7, kind="naevus"))
        assert (answer["tone"], answer["lines"]) == ("", [picture_check.BROKEN])


class TestVerdict:
    def test_good(self, client, staff):
        answer = check(client, staff, draw_jpeg(3)).json()
        assert answer["tone"] in ("good", "doubtful")
        assert answer["size"] == "224×224 pixels"
        assert SubmissionImage.objects.count() == 0

    def test_bad_says_limit_and_received(self, client, staff):
        answer = check(client, staff, draw_jpeg(3, size=100)).json()
        assert answer["tone"] == "bad"
        assert "100×100" in answer["lines"][0]
        assert "224×224" in answer["lines"][0]

    @pytest.mark.parametrize("data", [b"", b"no image", draw_jpeg(1)[:700]])
    def test_broken_is_never_a_bug(self, client, staff, data):
        response = check(client, staff, data)
        assert response.status_code in (200, 400)
        assert response.json()["tone"] == "bad"

    def test_too_large(self, client, staff, settings):
        settings.DERMAPORT_UPLOAD_MAX_BYTES = 500
        answer = check(client, staff, draw_jpeg(3)).json()
        assert "at most 500 bytes" in answer["lines"][0]

    def test_too_large_for_one_request(self, client, staff, settings):
        settings.DERMAPORT_UPLOAD_MAX_BYTES = 500
        response = check(client, staff, b"x" * 2_200_000)
        assert response.status_code == 413
        assert response.json()["tone"] == "bad"

    def test_nothing_sent(self, client, staff):
        response = client.post(reverse("submission-check-image"), {"clinic": str(staff.clinic.pk)})
        assert response.status_code == 400

    def test_tiff_comes_with_a_picture_browsers_can_draw(self, client, staff):
        target = io.BytesIO()
        Image.open(io.BytesIO(draw_jpeg(3))).save(target, "TIFF")
        assert check(client, staff, target.getvalue(), "lesion.tiff").json()["thumbnail"]

    def test_same_picture_in_this_clinic_is_pointed_out(self, client, staff, side, log_in, active_model):
        case = submit(staff.clinician, LesionFactory(clinic=staff.clinic), [5])
        line = check(client, staff, draw_jpeg(5)).json()["lines"][-1]
        assert line.endswith(f"for patient {case.lesion.patient.public_id}.")
        assert AuditEvent.objects.filter(action="submissionimage.viewed").count() == 1
        other = check(log_in(side.other.clinician), side.other, draw_jpeg(5)).json()
        assert case.lesion.patient.public_id not in str(other)
