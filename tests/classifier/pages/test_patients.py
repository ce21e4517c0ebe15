import datetime as dt
import re

import pytest
from django.urls import reverse

from classifier.cases.rows import LESIONS_SHOWN
from classifier.consents import check_inference_consent
from classifier.models import Patient
from classifier.patients.patients import update_patient
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    LesionFactory,
    OutcomeFactory,
    PatientFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    answered_submission,
    restated_together,
)
from tests.support.shown import read_shown

pytestmark = pytest.mark.django_db

ADDRESS = "/patients/"


@pytest.fixture
def client(staff, log_in):
    return log_in(staff.clinician)


class TestSearch:
    def test_words_stay_out_of_the_address(self, client, staff):
        PatientFactory(clinic=staff.clinic, mrn="NG-204")
        PatientFactory(clinic=staff.clinic, mrn="ELSE-1")
        response = client.post(ADDRESS, {"words": "ng-2"})
        assert re.fullmatch(rf"{ADDRESS}\?search=[\w-]{{12}}", response["Location"])
        page = client.get(response["Location"]).text
        assert "NG-204" in page
        assert "ELSE-1" not in page
        assert client.post(ADDRESS, {"words": ""})["Location"] == ADDRESS

    def test_words_in_an_address_are_ignored(self, client, staff):
        PatientFactory(clinic=staff.clinic, mrn="ELSE-1")
        assert "ELSE-1" in client.get(f"{ADDRESS}?words=nothing&q=nothing").text

    def test_words_leave_no_trace(self, client, staff, caplog):
        client.post(ADDRESS, {"words": "SECRET-9"})
        client.get(ADDRESS)
        events = AuditEvent.objects.filter(chain__clinic=staff.clinic)
        assert "SECRET-9" not in str(list(events.values_list("details", flat=True)))
        assert "SECRET-9" not in caplog.text

    def test_words_of_one_clinic_do_not_follow_into_another(self, client, staff, side):
        found = client.post(ADDRESS, {"words": "NG-2"})["Location"]
        session = client.session
        key = found.partition("search=")[2]
        session["searches"] = {key: [str(side.other.clinic.pk), session["searches"][key][1]]}
        session.save()
        PatientFactory(clinic=staff.clinic, mrn="ELSE-1")
        assert "ELSE-1" in client.get(found).text

    def test_by_public_id(self, client, staff):
        patient = PatientFactory(clinic=staff.clinic)
        page = client.post(ADDRESS, {"words": patient.public_id[2:].lower()}, follow=True)
        assert patient.mrn in page.text

    def test_filter_survives_the_search(self, client):
        address = client.post(ADDRESS, {"words": "x", "show": "work"})["Location"]
        assert address.startswith(f"{ADDRESS}?show=work&search=")
        assert "script" not in client.post(ADDRESS, {"words": "x", "show": "<script>"})["Location"]


def test_filters(client, staff):
    idle = PatientFactory(clinic=staff.clinic)
    waiting = answered_submission(staff, "benign").lesion.patient
    working = SubmissionFactory(clinic=staff.clinic)
    PredictionFactory(submission=working, state="queued")
    expected = {"work": working.lesion.patient, "review": waiting, "none": idle}
    for show, patient in expected.items():
        rows = client.get(f"{ADDRESS}?show={show}").context["rows"]
        assert [row.patient for row in rows] == [patient]
    assert len(client.get(ADDRESS).context["rows"]) == 3


def test_list_shows_the_current_clinic_only(client, side):
    PatientFactory(clinic=side.other.clinic, mrn="THEIRS")
    assert "THEIRS" not in client.get(ADDRESS).text


def test_list_is_paged(client, staff):
    PatientFactory.create_batch(30, clinic=staff.clinic)
    page = client.get(f"{ADDRESS}?page=2")
    assert len(page.context["rows"]) == 5
    assert "of 30 patients" in page.text


def test_empty_list_teaches_the_first_step(client):
    assert "A patient is created with the first submission" in client.get(ADDRESS).text


def test_patient_shows_lesions_and_cases(client, staff):
    patient = PatientFactory(clinic=staff.clinic)
    lesion = LesionFactory(patient=patient, note="by the scar")
    answered_submission(staff, "malignant", lesion=lesion)
    empty = LesionFactory(patient=patient, body_site="lower_extremity_foot")
    page = client.get(reverse("patient-detail", args=[patient.pk])).text
    assert "by the scar" in page
    assert reverse("lesion-detail", args=[empty.pk]) in page
    assert page.count("tone-malignant") == 3  # the patient, the lesion and the case


@pytest.mark.parametrize("agrees", [False, None])
def test_patient_without_consent_is_offered_both_steps(client, staff, agrees):
    """A case of close-ups alone needs no consent to the model."""
    patient = PatientFactory(clinic=staff.clinic, consents_to_inference=agrees)
    page = client.get(reverse("patient-detail", args=[patient.pk])).text
    assert f'class="button button-primary" href="{reverse("patient-edit", args=[patient.pk])}"' in page
    assert "Record the consent" in page
    assert f"{reverse('submission-new')}?patient={patient.pk}" in page
    assert "Close-ups alone can be sent without it." in page


class TestManyLesions:
    """The page shows some of a patient's lesions first, and none of the grave ones falls out of sight."""

    @pytest.fixture
    @restated_together()
    def crowd(self, staff):
        patient = PatientFactory(clinic=staff.clinic)
        proven, ordered, judged = (
            answered_submission(staff, outcome, lesion=LesionFactory(patient=patient)).lesion
            for outcome in ("benign", "benign", "malignant")
        )
        ReviewFactory(submission=ordered.submissions.get(), diagnosis="naevus", management="follow_up")
        for _ in range(LESIONS_SHOWN):
            answered_submission(staff, "benign", lesion=LesionFactory(patient=patient))
        OutcomeFactory(lesion=proven, diagnosis="melanoma_invasive")
        return patient, proven, ordered, judged

    def listed(self, client, patient, query=""):
        return client.get(reverse("patient-detail", args=[patient.pk]) + query).context["lesions"]

    def test_grave_ones_and_open_orders_come_first_and_all_are_a_press_away(self, client, crowd):
        patient, *grave = crowd
        rows = self.listed(client, patient)
        assert len(rows) == LESIONS_SHOWN
        assert {row.lesion for row in rows[:3]} == set(grave)
        page = client.get(reverse("patient-detail", args=[patient.pk])).text
        assert f'href="?lesions=all">All {LESIONS_SHOWN + 3} lesions</a>' in page
        assert len(self.listed(client, patient, "?lesions=all")) == LESIONS_SHOWN + 3
        assert "All 27 lesions" not in client.get(f"/patients/{patient.pk}/?lesions=all").text

    def test_the_place_tells_a_blinded_reader_nothing_of_the_model(self, staff, crowd, log_in):
        patient, proven, ordered, judged = crowd
        staff.clinic.hide_result_until_read = True
        staff.clinic.save()
        lesions = [row.lesion for row in self.listed(log_in(staff.dermatologist), patient)]
        assert set(lesions[:2]) == {proven, ordered}
        assert judged not in lesions

    def test_a_new_case_can_be_of_any_of_them(self, client, crowd):
        patient, *_ = crowd
        page = client.get(reverse("submission-lesions", args=[patient.pk])).text
        assert page.count('name="lesion"') == LESIONS_SHOWN + 3 + 1


class TestNeverAsked:
    """The pages say what the rule of consent says; see check_inference_consent."""

    def test_pages_name_who_was_never_asked(self, client, staff):
        patient = PatientFactory(clinic=staff.clinic, consents_to_inference=None)
        page = client.get(reverse("patient-detail", args=[patient.pk])).text
        assert "Nobody has recorded whether this patient agrees" in page
        assert "Record the consent" in page
        assert "Never asked about consent" in self.choices(client, patient)

    def test_who_said_no_is_told_from_who_was_never_asked(self, client, staff):
        patient = PatientFactory(clinic=staff.clinic, consents_to_inference=False)
        assert "Has not agreed to the model" in self.choices(client, patient)

    def test_a_clinic_that_records_it_elsewhere_needs_no_word(self, client, staff, active_model):
        patient = PatientFactory(clinic=staff.clinic, consents_to_inference=None)
        staff.clinic.consent_recorded_in = "Paper folder B"
        staff.clinic.save()
        page = client.get(reverse("patient-detail", args=[patient.pk])).text
        assert f"{reverse('submission-new')}?patient={patient.pk}" in page
        assert "Nobody has recorded" not in page
        assert "consent" not in self.choices(client, patient)
        check_inference_consent(Patient.objects.get(pk=patient.pk))

    def choices(self, client, patient):
        asked = {"words": patient.mrn, "clinic": patient.clinic_id}
        return client.post(reverse("submission-find-patient"), asked).text


class TestCorrecting:
    def send(self, client, patient, **changes):
        values = {"birth_date": "1961-05-17", "sex": "male", "skin_type": "", "consents_to_inference": "on"}
        return client.post(reverse("patient-edit", args=[patient.pk]), {**values, **changes})

    def test_changes_facts_and_says_which_in_the_audit_log(self, client, staff):
        patient = PatientFactory(clinic=staff.clinic)
        assert self.send(client, patient).status_code == 302
        patient = Patient.objects.get()
        assert (patient.sex, patient.skin_type, patient.birth_date.year) == ("male", "", 1961)
        event = AuditEvent.objects.get(action="patient.updated")
        assert event.details == {"fields": ["birth_date", "sex", "skin_type"]}

    def test_page_that_was_open_all_the_time_writes_back_nothing_of_before(self, client, staff):
        patient = PatientFactory(clinic=staff.clinic, birth_date="1950-01-01", consents_to_inference=True)
        address = reverse("patient-edit", args=[patient.pk])
        page = client.get(address)
        shown = read_shown(page.text)
        typed = {field.html_name: field.value() or "" for field in page.context["form"]}
        update_patient(
            actor=staff.clinician,
            patient=patient,
            birth_date=dt.date(1961, 5, 17),
            consents_to_inference=False,
        )

        refused = client.post(address, {**shown, **typed, "sex": "nonsense"})
        again = read_shown(refused.text)
        client.post(address, {**again, **typed, "consents_to_inference": "on", "sex": "male"})

        patient.refresh_from_db()
        assert (patient.sex, patient.birth_date) == ("male", dt.date(1961, 5, 17))
        assert patient.consents_to_inference is False
        assert again == shown

    def test_error_keeps_what_was_typed(self, client, staff):
        response = self.send(client, PatientFactory(clinic=staff.clinic), birth_date="1700-01-01")
        assert response.status_code == 422
        assert "The birth date lies in 1700" in response.text
        assert 'value="1700-01-01"' in response.text

    def test_administrators_do_not_correct(self, staff, log_in):
        patient = PatientFactory(clinic=staff.clinic)
        assert self.send(log_in(staff.administrator), patient).status_code == 403


class TestLesionOverTime:
    def test_compares_the_newest_with_the_one_before_or_the_one_asked_for(self, client, staff):
        lesion = LesionFactory(clinic=staff.clinic)
        first, second, third = (answered_submission(staff, "benign", lesion=lesion) for _ in range(3))
        address = reverse("lesion-detail", args=[lesion.pk])
        context = client.get(address).context
        assert (context["newest"].submission, context["other"].submission) == (third, second)
        context = client.get(f"{address}?with={first.pk}").context
        assert context["other"].submission == first
        assert client.get(f"{address}?with=nonsense").context["other"].submission == second

    def test_empty(self, client, staff):
        lesion = LesionFactory(clinic=staff.clinic)
        assert "No image of this lesion yet." in client.get(reverse("lesion-detail", args=[lesion.pk])).text
