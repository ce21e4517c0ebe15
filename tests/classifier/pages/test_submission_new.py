import base64
import datetime as dt
import re
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from classifier.domain.limits import UploadLimits
from classifier.models import Lesion, Patient, Prediction, Submission
from classifier.pages.new_submission import ClosedDraftError, reopen_key
from tests.factories import LesionFactory, PatientFactory, draw_jpeg

pytestmark = pytest.mark.django_db

ADDRESS = "/submissions/new/"


def picture(seed=0, name="lesion.jpg", size=224):
    return SimpleUploadedFile(name, draw_jpeg(seed, size), "image/jpeg")


@pytest.fixture
def form(staff):
    """What a complete page sends; change parts of it."""

    def fill(**changes):
        values = {
            "clinic": str(staff.clinic.pk),
            "request_key": str(uuid.uuid4()),
            "patient": "new",
            "mrn": "NG-1",
            "birth_date": "1961-05-17",
            "sex": "female",
            "skin_type": "II",
            "consents_to_inference": "on",
            "lesion": "new",
            "body_site": "upper_extremity_shoulder",
            "laterality": "left",
            "note": "",
            "images": [picture()],
            "capture_kind": "dermoscopic",
            "clinical_question": "Excise?",
            "clinical_history": "Darker since spring.",
            "priority": "urgent",
        }
        return {name: value for name, value in {**values, **changes}.items() if value is not None}

    return fill


@pytest.fixture
def client(staff, log_in):
    return log_in(staff.clinician)


def nothing_was_made():
    return not (Patient.objects.exists() or Lesion.objects.exists() or Submission.objects.exists())


class TestSending:
    def test_new_patient_lesion_and_case(self, client, form, active_model):
        response = client.post(ADDRESS, form(images=[picture(1), picture(2)]))
        case = Submission.objects.get()
        assert response["Location"] == reverse("submission-detail", args=[case.pk])
        assert (case.lesion.patient.mrn, case.lesion.site_name) == ("NG-1", "Left shoulder (upper extremity)")
        assert (case.priority, case.clinical_question) == ("urgent", "Excise?")
        assert [image.original_name for image in case.images.all()] == ["lesion.jpg"] * 2

    def test_known_patient_and_lesion(self, client, form, active_model, staff):
        lesion = LesionFactory(clinic=staff.clinic)
        client.post(
            ADDRESS, form(patient=str(lesion.patient_id), lesion=str(lesion.pk), mrn="", body_site="")
        )
        assert Submission.objects.get().lesion == lesion
        assert Patient.objects.count() == 1

    def test_double_press_is_one_case(self, client, form, active_model):
        values = form()
        answers = [client.post(ADDRESS, {**values, "images": [picture()]}) for _ in range(2)]
        assert answers[0]["Location"] == answers[1]["Location"]
        assert Submission.objects.count() == 1

    def test_htmx_is_told_where_to_go(self, client, form, active_model):
        response = client.post(ADDRESS, form(), headers={"HX-Request": "true"})
        assert response["HX-Redirect"] == reverse("submission-detail", args=[Submission.objects.get().pk])

    def test_case_goes_to_the_clinic_the_page_was_opened_in(self, client, form, active_model, side):
        """Switching clinics in another tab must not move the patient."""
        response = client.post(ADDRESS, form(clinic=str(side.other.clinic.pk)))
        assert response.status_code == 404
        assert nothing_was_made()

    def test_needs_its_csrf_token(self, form, staff):
        strict = Client(enforce_csrf_checks=True)
        strict.force_login(staff.clinician)
        assert strict.post(ADDRESS, form()).status_code == 403
        image = {"clinic": str(staff.clinic.pk), "image": picture()}
        assert strict.post(reverse("submission-check-image"), image).status_code == 403

    def test_administrators_do_not_submit(self, form, staff, log_in):
        client = log_in(staff.administrator)
        assert client.get(ADDRESS).status_code == 403
        assert client.post(ADDRESS, form()).status_code == 403


class TestErrors:
    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"patient": None}, "Choose a patient, or create a new one."),
            ({"patient": str(uuid.uuid4())}, "Choose a patient, or create a new one."),
            ({"mrn": " "}, "Give the medical record number."),
            ({"mrn": "9" * 70}, "This has 70 characters; the limit is 64."),
            ({"birth_date": "31.2.1980"}, "“31.2.1980” is not a date."),
            ({"birth_date": "1799-01-01"}, "The birth date lies in 1799"),
            ({"body_site": ""}, "Choose the body site."),
            ({"note": "n" * 130}, "This has 130 characters; the limit is 120."),
            ({"clinical_question": "q" * 501}, "This has 501 characters; the limit is 500."),
            ({"clinical_history": "h" * 4001}, "This has 4001 characters; the limit is 4000."),
            ({"images": None}, "Add at least one image."),
            ({"request_key": "nonsense"}, "Reload the page."),
            ({"consents_to_inference": None}, "Choose yes or no, as the patient said."),
            ({"consents_to_inference": "off"}, "has not agreed"),
        ],
    )
    def test_stand_on_the_page_with_limit_and_value(self, changes, words, client, form, active_model):
        response = client.post(ADDRESS, form(**changes))
        assert response.status_code == 422
        assert words in response.text
        assert nothing_was_made()

    def test_first_fault_stands_in_the_bar_and_all_above(self, client, form, active_model):
        page = client.post(ADDRESS, form(birth_date="31.2.1980", body_site="")).text
        bar = page[page.index('class="sticky-bar"') :]
        assert "Birth date: “31.2.1980” is not a date." in bar
        assert "Ready to send" not in bar
        for target, words in (
            ("id_birth_date", "Birth date: “31.2.1980”"),
            ("id_body_site", "Body site: Choose"),
        ):
            assert f'<a href="#{target}">{words}' in page
            assert f'id="{target}"' in page

    @pytest.mark.parametrize(
        ("changes", "target"),
        [
            ({"patient": None}, "patient-fault"),
            ({"patient": "new", "lesion": None, "body_site": ""}, "id_body_site"),
            ({"images": None}, "image-faults"),
            ({"images": [SimpleUploadedFile("torn.jpg", b"no image")]}, "image-faults"),
            ({"consents_to_inference": None}, "id_consents_to_inference"),
            ({"consents_to_inference": "off"}, "id_consents_to_inference"),
            ({"clinical_question": "q" * 501}, "id_clinical_question"),
            ({"capture_kind": "drawing"}, "id_capture_kind"),
            ({"request_key": "nonsense"}, "form-trouble"),
        ],
    )
    def test_each_fault_leads_to_its_place(self, changes, target, client, form, active_model):
        page = client.post(ADDRESS, form(**changes)).text
        assert f'<a href="#{target}">' in page
        assert f'id="{target}"' in page

    def test_keep_everything_typed(self, client, form, active_model):
        typed = form(mrn="KEEP-7", note="below the scar", clinical_question="Why?", images=None)
        page = client.post(ADDRESS, typed).text
        for value in (
            "KEEP-7",
            "1961-05-17",
            "below the scar",
            "Why?",
            "Darker since spring.",
            typed["request_key"],
        ):
            assert value in page
        assert 'value="upper_extremity_shoulder" selected' in page
        assert 'value="urgent" id="id_priority_1" checked' in page.replace(" required", "")

    def test_taken_record_number_is_said_beside_it(self, client, form, active_model, staff):
        PatientFactory(clinic=staff.clinic, mrn="NG-1", birth_date=dt.date(1961, 5, 17))
        response = client.post(ADDRESS, form())
        assert response.status_code == 422
        assert "A patient with this MRN is already in your clinic." in response.text
        assert Lesion.objects.count() == 0

    def test_name_each_refused_image_and_those_to_add_again(self, client, form, active_model):
        small = picture(name="small.jpg", size=100)
        broken = SimpleUploadedFile("broken.jpg", draw_jpeg(1)[:900], "image/jpeg")
        response = client.post(ADDRESS, form(images=[picture(), small, broken]))
        assert "small.jpg" in response.text
        assert "100×100 pixels" in response.text
        assert "Add again: lesion.jpg, small.jpg, broken.jpg." in response.text
        assert nothing_was_made()

    def test_too_many_images(self, client, form, active_model, settings):
        settings.DERMAPORT_UPLOAD_MAX_IMAGES = 2
        response = client.post(ADDRESS, form(images=[picture(n) for n in range(3)]))
        assert response.status_code == 422
        assert "You sent 3 images; one submission takes at most 2." in response.text

    def test_no_active_model(self, client, form, db):
        response = client.post(ADDRESS, form())
        assert response.status_code == 422
        assert "No model is active" in response.text
        assert nothing_was_made()

    def test_come_to_htmx_as_the_form_alone(self, client, form, active_model):
        response = client.post(ADDRESS, form(mrn=""), headers={"HX-Request": "true"})
        assert response.status_code == 422
        assert response.text.lstrip().startswith("<form")
        assert "hx-preserve" in response.text


class TestKinds:
    """Each picture has its own kind; the model is asked about the dermoscopic ones."""

    def sent(self, client, form, **changes):
        client.post(ADDRESS, form(images=[picture(1), picture(2), picture(3)], **changes))
        case = Submission.objects.get()
        return [(image.capture_kind, image.dermoscopic_type) for image in case.images.order_by("position")]

    def test_each_in_the_order_of_the_files(self, client, form, active_model):
        kinds = ["overview", "dermoscopic", "clinical"]
        types = ["contact_polarized", "contact_polarized", ""]
        assert self.sent(client, form, capture_kinds=kinds, dermoscopic_types=types) == [
            ("overview", ""),
            ("dermoscopic", "contact_polarized"),
            ("clinical", ""),
        ]
        asked = Prediction.objects.filter(is_shadow=False).values_list("image__capture_kind", flat=True)
        assert list(asked) == ["dermoscopic"]

    def test_one_for_all_without_script(self, client, form, active_model):
        assert self.sent(client, form, capture_kind="clinical") == [("clinical", "")] * 3
        assert not Prediction.objects.exists()

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"capture_kinds": ["overview"]}, "1 kinds came for 3 images."),
            (
                {"capture_kinds": ["overview"] * 3, "dermoscopic_types": [""]},
                "1 dermoscopic types came for 3",
            ),
            ({"capture_kinds": ["overview", "drawing", "clinical"]}, "The kind of a picture can be one of"),
            (
                {"capture_kinds": ["dermoscopic"] * 3, "dermoscopic_types": ["lamp"] * 3},
                "The type of a dermoscopic picture",
            ),
        ],
    )
    def test_that_do_not_fit_the_files_are_refused(self, changes, words, client, form, active_model):
        response = client.post(ADDRESS, form(images=[picture(1), picture(2), picture(3)], **changes))
        assert response.status_code == 422
        assert words in response.text
        assert nothing_was_made()


class TestConsent:
    """Nobody agrees by default: the person at the page says what the patient said."""

    def test_neither_is_chosen_at_first(self, client):
        page = client.get(ADDRESS).text
        radios = re.findall(r'<input[^>]*name="consents_to_inference"[^>]*>', page)
        assert len(radios) == 2
        assert not any("checked" in radio for radio in radios)

    def test_a_clinic_that_records_it_elsewhere_is_told_where_to_look(self, client, form, staff):
        staff.clinic.consent_recorded_in = "Paper folder B <2>"
        staff.clinic.save()
        for page in (client.get(ADDRESS), client.post(ADDRESS, form(images=None))):
            assert "As recorded in Paper folder B &lt;2&gt;." in page.text

    def test_yes_is_recorded(self, client, form, active_model):
        client.post(ADDRESS, form(consents_to_inference="on"))
        assert Patient.objects.get().consents_to_inference

    def test_known_patient_is_not_asked_again(self, client, form, active_model, staff):
        patient = PatientFactory(clinic=staff.clinic)
        client.post(ADDRESS, form(patient=str(patient.pk), consents_to_inference=None))
        assert Submission.objects.get().lesion.patient == patient


class TestDraftKey:
    """The key of the draft on a device: for the person who wrote it, and while nothing was sent."""

    address = "/submissions/new/draft/"

    def test_ticket_opens_again_with_the_same_key(self, client, staff):
        first = client.post(self.address, {"clinic": staff.clinic.pk}).json()
        again = client.post(self.address, {"clinic": staff.clinic.pk, "ticket": first["ticket"]}).json()
        assert again == first
        assert len(base64.b64decode(first["key"])) == 32
        other = client.post(self.address, {"clinic": staff.clinic.pk}).json()
        assert other["key"] != first["key"]

    def test_opens_for_nobody_else_and_not_for_ever(self, client, staff, log_in, settings):
        first = client.post(self.address, {"clinic": staff.clinic.pk}).json()
        asked = {"clinic": staff.clinic.pk, "ticket": first["ticket"]}
        assert log_in(staff.dermatologist).post(self.address, asked).status_code == 410
        changed = {**asked, "ticket": first["ticket"][:-1]}
        assert client.post(self.address, changed).status_code == 410
        settings.SESSION_COOKIE_AGE = -1
        with pytest.raises(ClosedDraftError):
            reopen_key(person=staff.clinician, ticket=first["ticket"])

    def test_says_that_the_case_arrived_after_all(self, client, form, active_model, staff):
        values = form()
        client.post(ADDRESS, values)
        asked = {"clinic": staff.clinic.pk, "request_key": values["request_key"]}
        case = Submission.objects.get()
        assert client.post(self.address, asked).json() == {
            "sent": reverse("submission-detail", args=[case.pk])
        }

    def test_key_stays_out_of_caches_and_needs_a_session(self, client, staff):
        answer = client.post(self.address, {"clinic": staff.clinic.pk})
        assert "no-store" in answer["Cache-Control"]
        assert Client().post(self.address, {"clinic": staff.clinic.pk}).status_code == 302


class TestBodies:
    """A request whose body can't be taken is an answer, never a 500."""

    def test_too_large(self, client, form, settings):
        settings.DERMAPORT_UPLOAD_MAX_BYTES = 1000
        settings.DERMAPORT_UPLOAD_MAX_IMAGES = 1
        big = SimpleUploadedFile("big.jpg", b"x" * 2_200_000, "image/jpeg")
        response = client.post(ADDRESS, form(images=[big]))
        assert response.status_code == 413
        assert "at most 2.1 MB are accepted at once" in response.text

    def test_too_many_files(self, client, form, settings):
        settings.DATA_UPLOAD_MAX_NUMBER_FILES = 3
        response = client.post(ADDRESS, form(images=[picture(n) for n in range(5)]))
        assert response.status_code == 413
        assert f"at most {UploadLimits.from_settings().max_images} images" in response.text

    def test_too_much_text(self, client, form):
        response = client.post(ADDRESS, form(clinical_history="x" * 2_200_000))
        assert response.status_code == 413

    def test_torn(self, client):
        body = b'--cut\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n\r\nabc'
        response = client.post(ADDRESS, body, content_type="multipart/form-data; boundary=")
        assert response.status_code == 400
        assert "cut off" in response.text

    def test_htmx_hears_it_above_the_form(self, client, form, settings):
        settings.DATA_UPLOAD_MAX_NUMBER_FILES = 1
        values = form(images=[picture(n) for n in range(3)])
        response = client.post(ADDRESS, values, headers={"HX-Request": "true"})
        assert response["HX-Retarget"] == "#form-trouble"

    def test_nobody_is_sent_to_log_in_before_anything_is_read(self, form, db):
        assert Client().post(ADDRESS, form()).status_code == 302


class TestWithoutScript:
    def test_finding_keeps_what_was_typed(self, client, form, staff):
        PatientFactory(clinic=staff.clinic, mrn="FIND-ME")
        page = client.post(ADDRESS, form(action="find", words="find-me", patient=None)).text
        assert "FIND-ME" in page
        assert "Darker since spring." in page
        assert "Nothing was sent yet" not in page
        assert "errorlist" not in page

    def test_choosing_shows_the_patients_lesions(self, client, form, staff):
        lesion = LesionFactory(clinic=staff.clinic, note="the one by the scar")
        page = client.post(ADDRESS, form(action="choose", patient=str(lesion.patient_id), lesion=None)).text
        assert "the one by the scar" in page


class TestBeginning:
    def test_for_a_lesion(self, client, staff):
        lesion = LesionFactory(clinic=staff.clinic)
        page = client.get(ADDRESS + f"?lesion={lesion.pk}").text
        assert f'value="{lesion.pk}"' in page
        assert page.count("checked") >= 2

    @pytest.mark.parametrize(
        "query", ["?patient=nonsense", "?lesion=1", "?patient=9d3f3f6a-0c58-4d0b-9f0e-2f6f2b6d1c11"]
    )
    def test_for_nobody_known(self, client, query):
        assert client.get(ADDRESS + query).status_code in (200, 404)
