"""FHIR in the session that opened a patient: what the pages show of that patient, and no more."""

import pytest

from classifier.models import EmergencyAccess, Prediction
from classifier.patients.patients import update_patient
from portal.trust.audit.models import AuditEvent
from tests.classifier.emergency.asking import ask
from tests.factories import answered_submission

pytestmark = pytest.mark.django_db
KINDS = [
    "Patient",
    "BodyStructure",
    "ServiceRequest",
    "Media",
    "Observation",
    "DiagnosticReport",
    "Provenance",
]


def found(client, search):
    answer = client.get(f"/fhir/r4/{search}")
    assert answer.status_code == 200, answer.content
    return [entry["resource"]["id"] for entry in answer.json().get("entry", [])]


def test_only_that_patient_is_found(client, side, case):
    answered_submission(side.other, "benign")
    assert [found(client, kind) for kind in KINDS[:-1]] == [[]] * 6
    ask(client, side)
    prediction = Prediction.objects.get(image__submission=case)
    keys = [case.lesion.patient_id, case.lesion_id, case.pk, case.images.get().pk, prediction.pk, case.pk]
    assert [found(client, kind) for kind in KINDS[:-1]] == [[str(key)] for key in keys]
    EmergencyAccess.objects.update(ended_at=EmergencyAccess.objects.get().granted_at)
    assert [found(client, kind) for kind in KINDS[:-1]] == [[]] * 6


@pytest.mark.parametrize("kind", ["Practitioner", "Organization"])
def test_people_and_clinics_stay_those_of_the_reader(client, side, case, kind):
    before = found(client, kind)
    ask(client, side)
    assert found(client, kind) == before
    theirs = {"Practitioner": side.other.clinician, "Organization": side.other.clinic}[kind]
    assert client.get(f"/fhir/r4/{kind}/{theirs.pk}").status_code == 404


def test_correction_counts_as_a_change(client, side, case):
    ask(client, side)
    patient = case.lesion.patient
    update_patient(actor=side.other.clinician, patient=patient, sex="other")
    patient.refresh_from_db()
    since = patient.corrected_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    assert found(client, f"Patient?_lastUpdated=ge{since}") == [str(patient.pk)]
    assert found(client, f"Patient?_lastUpdated=lt{since}") == []


def test_references_are_followed_as_far_as_one_may_see(client, side, case):
    ask(client, side)
    ids = found(client, f"ServiceRequest?_id={case.pk}&_include=ServiceRequest:requester")
    assert ids == [str(case.pk)]


def test_a_search_stands_in_both_audit_logs(client, side, case):
    ask(client, side)
    found(client, "ServiceRequest")
    access = EmergencyAccess.objects.get()
    for clinic in (side.own.clinic, side.other.clinic):
        events = AuditEvent.objects.filter(chain__clinic=clinic, action="submission.listed")
        assert events.filter(details__emergency=str(access.pk), details__rows=1).count() == 1


def test_nothing_is_written(client, side, case):
    ask(client, side)
    order = {
        "resourceType": "ServiceRequest",
        "identifier": [{"value": "order-1"}],
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{case.lesion.patient_id}"},
        "bodySite": [{"text": "Arm"}],
        "contained": [
            {"resourceType": "Media", "id": "m", "status": "completed", "content": {"data": "aGk="}}
        ],
    }
    answer = client.post("/fhir/r4/ServiceRequest", order, content_type="application/json")
    assert answer.status_code == 403, answer.content
