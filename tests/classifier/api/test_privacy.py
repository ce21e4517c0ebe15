"""Consent, archive and erasure over the API: by the pages' services, with the pages' limits."""

import io
import json
import uuid
import zipfile

import pytest

from classifier.models import Consent, Patient, Prediction
from classifier.privacy.retention import set_hold
from portal.trust.audit.models import AuditEvent
from tests.classifier.api.conftest import ROOT, codes
from tests.factories import PatientFactory, PredictionFactory, SubmissionFactory, answered_submission

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient(side):
    return PatientFactory(clinic=side.own.clinic)


@pytest.fixture
def clinician(api, side):
    return api(side.own.clinician)


@pytest.fixture
def administrator(api, side):
    return api(side.own.administrator)


def consents(patient):
    return f"{ROOT}/patients/{patient.pk}/consents/"


def erase(client, patient, **changes):
    asked = {"reason": "request", "public_id": patient.public_id, **changes.pop("data", {})}
    return client.post(f"{ROOT}/patients/{patient.pk}/erase/", asked, **changes)


def test_consent_is_recorded_with_who_and_when(clinician, patient, side):
    before = clinician.get(consents(patient))
    assert before.json()["teaching"] is None
    said = clinician.post(consents(patient), {"purpose": "teaching", "is_given": True})
    assert said.status_code == 200
    assert said.json()["teaching"] is True
    assert said["ETag"] != before["ETag"]
    newest = said.json()["history"][0]
    assert (newest["purpose"], newest["is_given"]) == ("teaching", True)
    assert newest["recorded_by"]["id"] == str(side.own.clinician.pk)
    event = AuditEvent.objects.get(action="consent.given")
    assert event.details == {"purpose": "teaching", "origin": "stated"}
    assert clinician.get(consents(patient), HTTP_IF_NONE_MATCH=said["ETag"]).status_code == 304


def test_a_withdrawal_stops_what_is_queued(clinician, side):
    case = SubmissionFactory(clinic=side.own.clinic)
    PredictionFactory(submission=case, state="queued")
    patient = case.lesion.patient
    said = clinician.post(consents(patient), {"purpose": "inference", "is_given": False})
    assert said.json()["inference"] is False
    assert Prediction.objects.get().state == "cancelled"


def test_a_withdrawal_for_training_stops_the_export(clinician, side, stores):
    case = answered_submission(side.own)
    said = clinician.post(consents(case.lesion.patient), {"purpose": "training", "is_given": False})
    assert said.status_code == 200
    image = case.images.get()
    assert codes(clinician.get(f"{ROOT}/images/{image.pk}/dicom/")) == [("consent_withdrawn", None)]


def test_consent_that_somebody_changed_meanwhile(clinician, patient):
    read = clinician.get(consents(patient))["ETag"]
    data = {"purpose": "teaching", "is_given": True}
    assert clinician.post(consents(patient), data, HTTP_IF_MATCH=read).status_code == 200
    late = clinician.post(consents(patient), {**data, "is_given": False}, HTTP_IF_MATCH=read)
    assert late.status_code == 412
    assert Consent.objects.filter(patient=patient, purpose="teaching").count() == 1


def test_consent_that_is_as_it_was_after_other_words(clinician, patient):
    """Agreed, withdrawn, agreed again: the history is another, and so is its tag."""
    say = {"purpose": "teaching", "is_given": True}
    read = clinician.post(consents(patient), say)["ETag"]
    for is_given in (False, True):
        clinician.post(consents(patient), {**say, "is_given": is_given})
    again = clinician.get(consents(patient), HTTP_IF_NONE_MATCH=read)
    assert again.status_code == 200
    assert len(again.json()["history"]) == 3


def test_consent_sent_twice_is_recorded_once(clinician, patient):
    key = {"HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}
    data = {"purpose": "teaching", "is_given": True}
    first, second = (clinician.post(consents(patient), data, **key) for _ in range(2))
    assert second.json() == first.json()
    assert second["Idempotency-Replayed"] == "true"
    other = clinician.post(consents(patient), {**data, "is_given": False}, **key)
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"purpose": "sale", "is_given": True}, ("invalid_choice", "purpose")),
        ({"purpose": "teaching"}, ("required", "is_given")),
        ({"purpose": "teaching", "is_given": True, "note": "x"}, ("unknown_field", "note")),
    ],
)
def test_consent_that_cannot_be_taken(clinician, patient, data, expected):
    assert codes(clinician.post(consents(patient), data)) == [expected]


def test_erasure_leaves_nobody(administrator, side, stores):
    case = answered_submission(side.own)
    patient = case.lesion.patient
    key = {"HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}
    gone = erase(administrator, patient, **key)
    assert gone.status_code == 200, gone.content
    assert gone.json()["public_id"] == patient.public_id
    assert Patient.objects.get(pk=patient.pk).erased_at is not None
    assert administrator.get(f"{ROOT}/patients/{patient.pk}/").status_code == 404
    assert erase(administrator, patient).status_code == 404
    assert erase(administrator, patient, **key).json() == gone.json()
    event = AuditEvent.objects.get(action="patient.erased")
    assert event.details["reason"] == "request"


def test_erasure_asks_for_the_right_patient(administrator, patient, side):
    other = PatientFactory(clinic=side.own.clinic)
    wrong = erase(administrator, patient, data={"public_id": other.public_id})
    assert codes(wrong) == [("public_id_mismatch", "public_id")]
    assert erase(administrator, patient, HTTP_IF_MATCH='"of-another-day"').status_code == 412
    assert not Patient.objects.filter(erased_at__isnull=False).exists()


def test_a_legal_hold_keeps_the_patient(administrator, patient, side):
    set_hold(actor=side.own.administrator, patient=patient, is_on_hold=True)
    held = erase(administrator, patient)
    assert held.status_code == 409
    assert codes(held) == [("legal_hold", None)]


def test_archive_holds_all_of_the_patient(administrator, clinician, side, stores):
    case = answered_submission(side.own)
    address = f"{ROOT}/patients/{case.lesion.patient_id}/archive/"
    answer = administrator.get(address)
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/zip"
    assert "no-store" in answer["Cache-Control"]
    taken = zipfile.ZipFile(io.BytesIO(answer.getvalue()))
    assert json.loads(taken.read("patient.json"))
    assert "cases.csv" in taken.namelist()
    assert AuditEvent.objects.filter(action="patient.archived").count() == 1
    assert clinician.get(address).status_code == 403
