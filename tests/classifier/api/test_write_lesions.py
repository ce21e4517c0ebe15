"""Lesions over the API: add, correct, expand."""

import pytest

from classifier.models import Lesion
from portal.trust.audit.models import AuditEvent
from tests.classifier.api.conftest import ROOT, codes
from tests.factories import LesionFactory, PatientFactory

PATIENTS, LESIONS = f"{ROOT}/patients/", f"{ROOT}/lesions/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def client(api, side):
    return api(side.own.integration)


def test_add_and_correct_a_lesion(client, side):
    patient = PatientFactory(clinic=side.own.clinic)
    made = client.post(LESIONS, {"patient": patient.pk, "body_site": "trunk", "note": "By the scar"})
    assert made.status_code == 201
    lesion = Lesion.objects.get()
    assert made["Location"].endswith(f"{LESIONS}{lesion.pk}/")
    url = f"{LESIONS}{lesion.pk}/"
    response = client.patch(url, {"laterality": "left"}, HTTP_IF_MATCH=made["ETag"])
    assert (response.json()["laterality"], response.json()["note"]) == ("left", "By the scar")
    assert client.patch(url, {"note": "x"}, HTTP_IF_MATCH=made["ETag"]).status_code == 412
    assert codes(client.patch(url, {"note": "n" * 121})) == [("note_too_long", "note")]
    assert codes(client.patch(url, {"patient": patient.pk})) == [("unknown_field", "patient")]
    event = AuditEvent.objects.get(action="lesion.updated")
    assert event.details == {"fields": ["laterality"]}


def test_lesion_of_the_other_clinics_patient(client, side):
    patient = PatientFactory(clinic=side.other.clinic)
    response = client.post(LESIONS, {"patient": patient.pk, "body_site": "trunk"})
    assert codes(response) == [("does_not_exist", "patient")]


def test_expansion_sends_the_named_rows_in_full(client, side):
    lesion = LesionFactory(patient__clinic=side.own.clinic)
    bare = client.get(f"{LESIONS}{lesion.pk}/").json()
    assert bare["expanded"] == {}
    whole = client.get(f"{LESIONS}{lesion.pk}/", {"expand": "patient"}).json()
    assert whole["expanded"]["patient"]["mrn"] == lesion.patient.mrn
    assert {**whole, "expanded": {}} == bare
    (row,) = client.get(LESIONS, {"expand": "patient"}).json()["results"]
    assert row["expanded"]["patient"]["id"] == str(lesion.patient_id)
    for url in (LESIONS, f"{LESIONS}{lesion.pk}/"):
        assert codes(client.get(url, {"expand": "patient,secrets"})) == [("unknown_expansion", "expand")]
    viewed = AuditEvent.objects.filter(action="patient.viewed", object_id=lesion.patient_id)
    assert viewed.count() == 1
    listed = AuditEvent.objects.filter(action="lesions.listed").latest("position")
    assert listed.details["expanded"] == ["patient"]
