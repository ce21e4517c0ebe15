"""Consent is never given by default: what is sent, what is presumed (nothing), and where it came from."""

from __future__ import annotations

import pytest
from django.test import Client

from classifier.consents import record_consent
from classifier.models import Consent, Patient, Prediction, Submission
from portal.trust.accounts.people.services import update_clinic
from portal.trust.audit.models import AuditEvent
from tests.classifier.api.conftest import codes, form, jpeg
from tests.factories import LesionFactory, PatientFactory

PATIENTS, SUBMISSIONS = "/api/v1/patients/", "/api/v1/submissions/"
pytestmark = pytest.mark.usefixtures("stores", "model")


@pytest.fixture
def client(api, side):
    return api(side.own.integration)


def send(client, **changes):
    return client.post(SUBMISSIONS, form(**changes), format="multipart")


def elsewhere(side, name: str = "Practice record") -> None:
    update_clinic(actor=side.own.administrator, clinic=side.own.clinic, consent_recorded_in=name)


def test_a_patient_of_whom_nothing_was_said_was_never_asked(client):
    made = client.post(PATIENTS, {"mrn": "A-1"}).json()
    assert made["consents_to_inference"] is None
    assert not Consent.objects.exists()
    consents = client.get(f"{PATIENTS}{made['id']}/consents/").json()
    assert (consents["inference"], consents["history"]) == (None, [])


def test_without_a_word_nothing_is_taken_and_the_refusal_says_what_to_send(client):
    refused = send(client, consents_to_inference=None)
    assert refused.status_code == 400
    assert codes(refused) == [("consent_missing", "consents_to_inference")]
    assert "consents_to_inference, true or false" in refused.json()["detail"]
    assert not Patient.objects.exists()


@pytest.mark.parametrize("known", [False, True])
def test_a_word_that_is_sent_is_recorded_as_stated(client, side, known):
    who = {}
    if known:
        lesion = LesionFactory(patient=PatientFactory(clinic=side.own.clinic, consents_to_inference=None))
        who = dict.fromkeys(form()) | {"lesion": lesion.pk, "images": [jpeg()]}
    assert send(client, **{**who, "consents_to_inference": True}).status_code == 202
    consent = Consent.objects.get()
    assert (consent.is_given, consent.origin, consent.recorded_by) == (True, "stated", side.own.integration)
    assert Patient.objects.get().consents_to_inference is True


def test_a_no_is_no_consent(client):
    assert codes(send(client, consents_to_inference=False)) == [("consent_missing", "patient")]
    assert not Patient.objects.exists()


def test_a_constant_in_a_program_brings_no_withdrawn_consent_back(client, side):
    patient = PatientFactory(clinic=side.own.clinic, mrn="MRN-API-1", birth_date=None)
    record_consent(actor=side.own.clinician, patient=patient, purpose="inference", is_given=False)
    assert codes(send(client, consents_to_inference=True)) == [("consent_missing", "patient")]
    assert codes(send(client, consents_to_inference=None)) == [("consent_missing", "patient")]
    patient.refresh_from_db()
    assert patient.consents_to_inference is False


def test_a_no_beside_a_recorded_yes_is_told(client, side):
    PatientFactory(clinic=side.own.clinic, mrn="MRN-API-1", birth_date=None)
    assert codes(send(client, consents_to_inference=False)) == [("consent_mismatch", "consents_to_inference")]


@pytest.mark.parametrize("kind", ["overview", "clinical"])
def test_a_picture_that_no_model_judges_needs_no_consent(client, kind):
    assert send(client, consents_to_inference=None, capture_kinds=[kind]).status_code == 202
    assert Patient.objects.get().consents_to_inference is None
    assert not Prediction.objects.exists()


def test_a_clinic_that_records_consent_elsewhere_needs_no_word(client, side):
    elsewhere(side)
    made = client.post(PATIENTS, {"mrn": "A-1"}).json()
    assert made["consents_to_inference"] is True
    (said,) = client.get(f"{PATIENTS}{made['id']}/consents/").json()["history"]
    assert (said["is_given"], said["origin"]) == (True, "elsewhere")
    details = AuditEvent.objects.get(action="patient.created").details
    assert (details["origin"], details["recorded_in"]) == ("elsewhere", "Practice record")
    assert send(client, consents_to_inference=None).status_code == 202


def test_one_whom_nobody_had_asked_is_noted_with_the_first_case(client, side):
    lesion = LesionFactory(patient=PatientFactory(clinic=side.own.clinic, consents_to_inference=None))
    elsewhere(side)
    who = dict.fromkeys(form()) | {"lesion": lesion.pk, "images": [jpeg()]}
    assert send(client, **who).status_code == 202
    assert (Consent.objects.get().origin, Patient.objects.get().consents_to_inference) == ("elsewhere", True)
    assert AuditEvent.objects.get(action="consent.given").details == {
        "purpose": "inference",
        "origin": "elsewhere",
        "recorded_in": "Practice record",
    }


def test_a_withdrawal_counts_also_where_consent_is_recorded_elsewhere(client, side):
    elsewhere(side)
    patient = PatientFactory(clinic=side.own.clinic, mrn="MRN-API-1", birth_date=None)
    record_consent(actor=side.own.clinician, patient=patient, purpose="inference", is_given=False)
    assert codes(send(client, consents_to_inference=None)) == [("consent_missing", "patient")]


def test_where_consent_is_recorded_is_an_event_and_is_told(client, side):
    elsewhere(side, "  Practice   record ")
    event = AuditEvent.objects.get(action="clinic.updated")
    assert event.details["fields"] == ["consent_recorded_in"]
    assert event.details["consent_recorded_in"] == "Practice record"
    clinic = client.get(f"/api/v1/clinics/{side.own.clinic.pk}/").json()
    assert clinic["consent_recorded_in"] == "Practice record"


def test_audit_log_and_page_name_where_a_consent_came_from(side, client):
    elsewhere(side)
    patient = Patient.objects.get(pk=client.post(PATIENTS, {"mrn": "A-1"}).json()["id"])
    browser = Client()
    browser.force_login(side.own.administrator)
    for page in ("/settings/audit/", f"/patients/{patient.pk}/privacy/"):
        assert "recorded in Practice record" in browser.get(page).content.decode(), page
    patient = PatientFactory(clinic=side.own.clinic)
    Consent.objects.create(
        patient=patient,
        purpose="inference",
        is_given=True,
        origin="default",
        recorded_at=patient.created_at,
        recorded_by=side.own.clinician,
    )
    assert "ticked by default" in browser.get(f"/patients/{patient.pk}/privacy/").content.decode()


def test_nothing_is_left_of_a_refused_case(client, side):
    lesion = LesionFactory(patient=PatientFactory(clinic=side.own.clinic, consents_to_inference=None))
    who = dict.fromkeys(form()) | {"lesion": lesion.pk, "images": [jpeg()]}
    wrong = send(client, **{**who, "consents_to_inference": True, "priority": "whenever"})
    assert wrong.status_code == 400
    assert not Consent.objects.exists()
    assert not Submission.objects.exists()


@pytest.mark.parametrize(
    ("agrees", "place", "words"),
    [
        (None, "", "Nobody has recorded whether"),
        (False, "", "has not agreed that"),
        (False, "Practice record", "has not agreed that"),
        (None, "Practice record", ""),
        (True, "", ""),
    ],
)
def test_the_page_of_a_patient_says_whether_a_model_may_judge(side, agrees, place, words):
    if place:
        elsewhere(side, place)
    patient = PatientFactory(clinic=side.own.clinic, consents_to_inference=agrees)
    browser = Client()
    browser.force_login(side.own.clinician)
    page = browser.get(f"/patients/{patient.pk}/").content.decode()
    # Close-ups need no yes, so that a case can be sent either way.
    assert "New submission" in page
    told = [said for said in ("Nobody has recorded whether", "has not agreed that") if said in page]
    assert told == [words] * bool(words)
