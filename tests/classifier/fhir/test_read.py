"""One resource at a time: what it says of its row, its version, and the event that reading leaves."""

import base64
import uuid

import pytest
from rest_framework.test import APIClient

from classifier.models import Submission, SubmissionImage
from portal.trust.audit.models import AuditEvent
from tests.classifier.fhir.conftest import BASE, ROOT, check, codes, read
from tests.factories import (
    LesionFactory,
    OutcomeFactory,
    SubmissionImageFactory,
    active_model,
    answered_submission,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(fhir, side):
    return fhir(side.own.integration)


@pytest.fixture
def case(side):
    return answered_submission(side.own, "malignant", clinical_history="Grew since spring.")


def test_patient(client, side, case):
    patient = case.lesion.patient
    resource = read(client, f"Patient/{patient.pk}")
    mrn, pseudonym = resource["identifier"]
    assert mrn["system"] == f"urn:dermaport:identifier:mrn:{side.own.clinic.pk}"
    assert (mrn["value"], mrn["type"]["coding"][0]["code"]) == (patient.mrn, "MR")
    assert pseudonym["value"] == patient.public_id
    assert (resource["gender"], resource["birthDate"]) == ("female", "1970-05-17")
    assert resource["extension"] == [
        {"url": "urn:dermaport:extension:fitzpatrick-skin-type", "valueCode": "II"},
        {"url": "urn:dermaport:extension:consents-to-inference", "valueBoolean": True},
    ]
    organization = read(client, resource["managingOrganization"]["reference"])
    assert organization["identifier"][0]["value"] == mrn["system"]
    assert organization["name"] == side.own.clinic.name


def test_body_structure(client, side):
    lesion = LesionFactory(patient__clinic=side.own.clinic, note="By the scar")
    resource = read(client, f"BodyStructure/{lesion.pk}")
    assert resource["location"] == {
        "coding": [{"system": "urn:dermaport:code:body-site", "code": lesion.body_site}],
        "text": lesion.site_name,
    }
    assert resource["locationQualifier"][0]["coding"][0] == {
        "system": "http://snomed.info/sct",
        "code": "7771000",
        "display": "Left",
    }
    assert resource["description"] == "By the scar"
    assert resource["patient"]["reference"] == f"Patient/{lesion.patient_id}"


def test_only_what_says_the_standing_opens_its_news(fhir, side, case):
    """The request says nothing of the answer, and an old version of a report nothing of the new one."""
    client = fhir(side.own.clinician)
    first = read(client, f"DiagnosticReport/{case.pk}")["meta"]["versionId"]
    OutcomeFactory(lesion=case.lesion, diagnosis="melanoma_invasive")
    read(client, f"ServiceRequest/{case.pk}")
    read(client, f"DiagnosticReport/{case.pk}/_history/{first}")
    case.refresh_from_db()
    assert case.is_unread
    newest = read(client, f"DiagnosticReport/{case.pk}/_history")["entry"][0]["resource"]["meta"]["versionId"]
    case.refresh_from_db()
    assert not case.is_unread
    Submission.objects.filter(pk=case.pk).update(is_unread=True)
    read(client, f"DiagnosticReport/{case.pk}/_history/{newest}")
    case.refresh_from_db()
    assert not case.is_unread


def test_service_request(client, side, case):
    resource = read(client, f"ServiceRequest/{case.pk}")
    assert (resource["status"], resource["intent"], resource["priority"]) == ("active", "order", "routine")
    assert resource["reasonCode"] == [{"text": "Is excision advised?"}]
    assert resource["note"] == [{"text": "Grew since spring."}]
    assert resource["requester"]["reference"] == f"Practitioner/{side.own.clinician.pk}"
    assert resource["supportingInfo"] == [
        {"reference": f"BodyStructure/{case.lesion_id}"},
        {"reference": f"Media/{case.images.get().pk}"},
    ]
    practitioner = read(client, resource["requester"]["reference"])
    assert practitioner["name"][0]["text"] == side.own.clinician.full_name


@pytest.mark.usefixtures("stores")
def test_media_and_its_bytes(client, side, case):
    image = SubmissionImageFactory(submission=case, with_files=True)
    resource = read(client, f"Media/{image.pk}")
    assert resource["modality"]["coding"][0]["code"] == "DMS"
    assert (resource["width"], resource["height"]) == (224, 224)
    assert resource["content"]["url"] == f"{BASE}/Binary/{image.pk}"
    assert "title" not in resource["content"], "a file's name may be a patient's"

    path = resource["content"]["url"].removeprefix("http://testserver")
    plain = client.get(path)
    assert (plain.status_code, plain["Content-Type"]) == (200, "image/jpeg")
    content = b"".join(plain.streaming_content)
    assert content[:2] == b"\xff\xd8"
    binary = check(client.get(path, headers={"Accept": "application/fhir+json"}))
    assert base64.b64decode(binary["data"]) == content
    assert binary["securityContext"]["reference"] == f"Media/{image.pk}"


@pytest.mark.usefixtures("stores")
def test_bytes_that_cannot_be_read_are_told(client, case):
    SubmissionImage.objects.update(derivative="gone.jpg")
    response = client.get(f"{ROOT}/Binary/{case.images.get().pk}")
    assert response.status_code == 503
    assert codes(response) == [("transient", "image_unavailable")]


def test_device(client):
    version = active_model()
    resource = read(client, f"Device/{version.pk}")
    assert resource["identifier"][0]["value"] == version.sha256
    assert resource["deviceName"][0]["name"] == version.name
    assert resource["version"][0]["value"] == version.version
    limits = {
        one["type"]["coding"][0]["code"]: one["valueQuantity"][0]["value"] for one in resource["property"]
    }
    assert limits == {"threshold": 0.5, "refer-low": 0.4, "refer-high": 0.6}


def test_version_is_an_etag_and_holds_while_nothing_changes(client, case):
    path = f"{ROOT}/ServiceRequest/{case.pk}"
    first = client.get(path)
    meta = first.json()["meta"]
    assert first["ETag"] == f'W/"{meta["versionId"]}"'
    assert first["Last-Modified"].endswith("GMT")
    assert first["Cache-Control"] == "private, no-store"
    again = client.get(path, headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    case.clinical_question = "And the other one?"
    case.save(update_fields=["clinical_question"])
    changed = client.get(path, headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


READS = {
    "Patient": (lambda case: case.lesion.patient, "patient.viewed"),
    "BodyStructure": (lambda case: case.lesion, "lesion.viewed"),
    "ServiceRequest": (lambda case: case, "submission.viewed"),
    "DiagnosticReport": (lambda case: case, "submission.viewed"),
    "Media": (lambda case: case.images.get(), "submissionimage.viewed"),
    "Observation": (lambda case: case.images.get().predictions.get(), "prediction.viewed"),
    "Provenance": (lambda case: case.images.get().predictions.get(), "prediction.viewed"),
}


@pytest.mark.parametrize("kind", READS)
def test_reading_leaves_an_event(client, side, case, kind):
    find, action = READS[kind]
    row = find(case)
    read(client, f"{kind}/{row.pk}")
    event = AuditEvent.objects.get(action=action)
    assert (event.object_id, event.actor, event.chain.clinic) == (
        str(row.pk),
        side.own.integration,
        side.own.clinic,
    )


@pytest.mark.parametrize("kind", READS)
def test_rows_of_the_other_clinic_do_not_exist(fhir, side, case, kind):
    stranger = fhir(side.other.dermatologist)
    taken = stranger.get(f"{ROOT}/{kind}/{READS[kind][0](case).pk}")
    unknown = stranger.get(f"{ROOT}/{kind}/{uuid.uuid4()}")
    assert taken.status_code == unknown.status_code == 404
    assert codes(taken) == codes(unknown) == [("not-found", "not_found")]
    assert taken.json() == unknown.json()


def test_people_and_clinics_of_others_do_not_exist(fhir, side):
    stranger = fhir(side.other.clinician)
    for path in (f"Organization/{side.own.clinic.pk}", f"Practitioner/{side.own.clinician.pk}"):
        assert stranger.get(f"{ROOT}/{path}").status_code == 404


def test_nobody_and_people_without_a_clinic(client, fhir, side, case):
    path = f"{ROOT}/ServiceRequest/{case.pk}"
    nobody = APIClient().get(path)
    assert (nobody.status_code, nobody["WWW-Authenticate"]) == (401, "Bearer")
    assert codes(nobody) == [("login", "not_authenticated")]
    outsider = fhir(side.outsider).get(path)
    assert outsider.status_code == 403
    assert codes(outsider) == [("forbidden", "permission_denied")]


def test_other_methods_and_other_bodies(client, case):
    path = f"{ROOT}/ServiceRequest/{case.pk}"
    assert codes(client.delete(path)) == [("not-supported", "method_not_allowed")]
    assert client.delete(path).status_code == 405
    posted = client.post(f"{ROOT}/ServiceRequest/_search", {}, format="json")
    assert posted.status_code == 415
    assert codes(posted) == [("not-supported", "unsupported_media_type")]


def test_a_bug_is_told_without_its_words(client, case, monkeypatch):
    def fail(*_, **__):
        raise ValueError("MRN-CANARY")

    monkeypatch.setattr("classifier.fhir.views.read.record_viewed", fail)
    client.raise_request_exception = False
    response = client.get(f"{ROOT}/ServiceRequest/{case.pk}")
    assert response.status_code == 500
    assert response.json()["issue"][0]["code"] == "exception"
    assert b"CANARY" not in response.content
