"""Patients and lesions over the API: add, correct, and never over somebody else's correction."""

import threading

import pytest
from django.db import connection

from classifier.models import Patient
from classifier.preconditions import tag_of
from portal.trust.audit.models import AuditEvent
from tests.classifier.api.conftest import ROOT, codes
from tests.factories import MembershipFactory, PatientFactory

PATIENTS, LESIONS = f"{ROOT}/patients/", f"{ROOT}/lesions/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def client(api, side):
    return api(side.own.integration)


def test_add_a_patient(client, side):
    facts = {"mrn": " MRN  1 ", "birth_date": "1961-02-03", "sex": "female", "skin_type": "II"}
    facts["consents_to_inference"] = True
    response = client.post(PATIENTS, facts)
    patient = Patient.objects.get()
    assert response.status_code == 201
    assert response["Location"] == f"http://testserver{PATIENTS}{patient.pk}/"
    assert response["ETag"] == tag_of(patient)
    assert (patient.clinic, patient.mrn, patient.created_by) == (
        side.own.clinic,
        "MRN 1",
        side.own.integration,
    )
    assert patient.consents_to_inference
    assert client.get(response["Location"]).json() == response.json()


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({}, [("required", "mrn")]),
        ({"mrn": "M" * 65}, [("mrn_too_long", "mrn")]),
        ({"mrn": "1", "sex": "lady"}, [("invalid_choice", "sex")]),
        ({"mrn": "1", "birth_date": "2999-01-01"}, [("birth_date_impossible", "birth_date")]),
        ({"mrn": "1", "public_id": "P-1"}, [("unknown_field", "public_id")]),
        ({"mrn": "1", "created_by": "x"}, [("unknown_field", "created_by")]),
        ({"mrn": "1", "clinic": "9d3f3f6a-0c58-4d0b-9f0e-2f6f2b6d1c11"}, [("does_not_exist", "clinic")]),
        ([], [("invalid_input", None)]),
    ],
    ids=str,
)
def test_patient_that_can_not_be_added(client, facts, expected):
    response = client.post(PATIENTS, facts, format="json")
    assert (response.status_code, codes(response)) == (400, expected)
    assert not Patient.objects.exists()


def test_wrong_choice_is_told_with_all_that_can_be_chosen(client):
    (field,) = client.post(PATIENTS, {"mrn": "1", "sex": "lady"}, format="json").json()["fields"]
    assert field["detail"] == 'Received "lady", can be female, male, other, unknown.'
    (field,) = client.post(PATIENTS, {"mrn": "1", "sex": ["x" * 999]}, format="json").json()["fields"]
    assert len(field["detail"]) < 200


def test_second_patient_of_one_record_number(client, side):
    PatientFactory(clinic=side.own.clinic, mrn="MRN-1")
    response = client.post(PATIENTS, {"mrn": "MRN-1"})
    assert response.status_code == 409
    assert response.json()["code"] == "mrn_taken"
    assert codes(response) == [("mrn_taken", "mrn")]


def test_person_in_two_clinics_names_one(client, side):
    MembershipFactory(user=side.own.integration, clinic=side.other.clinic, role="administrator")
    assert codes(client.post(PATIENTS, {"mrn": "1"})) == [("clinic_missing", "clinic")]
    refused = client.post(PATIENTS, {"mrn": "1", "clinic": side.other.clinic.pk})
    assert (refused.status_code, refused.json()["code"]) == (403, "permission_denied")
    assert client.post(PATIENTS, {"mrn": "1", "clinic": side.own.clinic.pk}).status_code == 201


def test_correct_a_patient(client, side):
    patient = PatientFactory(clinic=side.own.clinic)
    url = f"{PATIENTS}{patient.pk}/"
    before = client.get(url)
    response = client.patch(url, {"sex": "male"}, HTTP_IF_MATCH=before["ETag"])
    assert (response.status_code, response.json()["sex"]) == (200, "male")
    assert response["ETag"] != before["ETag"]
    late = client.patch(url, {"sex": "other"}, HTTP_IF_MATCH=before["ETag"])
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    patient.refresh_from_db()
    assert patient.sex == "male"
    event = AuditEvent.objects.get(action="patient.updated")
    assert event.details == {"fields": ["sex"]}


@pytest.mark.parametrize("name", ["mrn", "clinic", "public_id", "id"])
def test_what_ties_a_history_together_can_not_be_changed(client, side, name):
    patient = PatientFactory(clinic=side.own.clinic)
    response = client.patch(f"{PATIENTS}{patient.pk}/", {name: "x"})
    assert codes(response) == [("unknown_field", name)]


def test_conditions(client, side):
    patient = PatientFactory(clinic=side.own.clinic)
    url = f"{PATIENTS}{patient.pk}/"
    tag = client.get(url)["ETag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = client.get(url, HTTP_IF_NONE_MATCH=known)
        assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", tag)
    assert client.get(url, HTTP_IF_NONE_MATCH='"other"').status_code == 200
    for holding in (f"W/{tag}", f'"other", {tag}', "*"):
        assert client.patch(url, {}, HTTP_IF_MATCH=holding).status_code == 200
    unread = client.patch(url, {}, HTTP_IF_MATCH="no quotes")
    assert (unread.status_code, unread.json()["code"]) == (400, "unreadable_condition")
    assert client.patch(url, {"sex": "other"}).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_that_read_the_same_one_corrects(side, api):
    patient = PatientFactory(clinic=side.own.clinic)
    url = f"{PATIENTS}{patient.pk}/"
    clients = [api(side.own.integration), api(side.own.clinician)]
    tag = clients[0].get(url)["ETag"]
    start, answers = threading.Barrier(2), []

    def correct(client, sex):
        start.wait()
        answers.append((client.patch(url, {"sex": sex}, HTTP_IF_MATCH=tag).status_code, sex))
        connection.close()

    threads = [
        threading.Thread(target=correct, args=pair) for pair in zip(clients, ("male", "other"), strict=True)
    ]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(status for status, _ in answers) == [200, 412]
    patient.refresh_from_db()
    assert (200, patient.sex) in answers
