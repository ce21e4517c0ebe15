"""A case sent as a transaction: what it makes, what it finds again, and what an error leaves (nothing)."""

import base64

import pytest
from fhir.resources.R4B.bundle import Bundle
from rest_framework.test import APIClient

from classifier.models import Lesion, Patient, Prediction, Submission, SubmissionImage
from portal.trust.audit.models import AuditEvent
from tests.classifier.fhir import orders
from tests.classifier.fhir.conftest import BASE, check, codes, ids, post_search
from tests.classifier.fhir.sending import count_rows, places, send
from tests.factories import LesionFactory, MembershipFactory, PatientFactory, draw_jpeg

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model", "stores")]


@pytest.fixture
def client(fhir, side) -> APIClient:
    return fhir(side.own.integration)


def locations(answer) -> list[str]:
    return [entry["response"]["location"].removeprefix(f"{BASE}/") for entry in answer["entry"]]


def validate_answer(response) -> dict:
    assert response.status_code == 200, response.content.decode()[:1500]
    Bundle.model_validate(response.json())
    return response.json()


def test_new_patient_new_lesion_two_images(client, side):
    answer = validate_answer(send(client, orders.order(side.own.clinic, orders.media(1), orders.media(2))))
    submission = Submission.objects.get()
    images = submission.images.order_by("position")
    assert answer["type"] == "transaction-response"
    assert {entry["response"]["status"] for entry in answer["entry"]} == {"201 Created"}
    assert locations(answer) == [
        f"Patient/{submission.lesion.patient_id}",
        f"BodyStructure/{submission.lesion_id}",
        f"ServiceRequest/{submission.pk}",
        *(f"Media/{image.pk}" for image in images),
    ]
    patient = submission.lesion.patient
    assert (patient.clinic, patient.mrn, str(patient.birth_date), patient.sex) == (
        side.own.clinic,
        orders.MRN,
        "1961-02-03",
        "female",
    )
    lesion = submission.lesion
    assert (lesion.body_site, lesion.laterality, lesion.note) == (
        "trunk_posterior_trunk_upper_back",
        "left",
        "By the scar",
    )
    assert (submission.clinical_question, submission.clinical_history, submission.priority) == (
        "Is excision advised?",
        "Grew since spring.",
        "urgent",
    )
    assert submission.submitted_by == side.own.integration
    assert Prediction.objects.filter(image__in=images, state="queued").count() == 2
    assert {"patient.created", "lesion.created", "submission.created"} <= set(
        AuditEvent.objects.values_list("action", flat=True)
    )


def test_known_record_number_is_the_same_patient(client, side):
    patient = PatientFactory(clinic=side.own.clinic, mrn=orders.MRN, birth_date=None)
    PatientFactory(clinic=side.other.clinic, mrn=orders.MRN)
    answer = validate_answer(send(client, orders.order(side.own.clinic)))
    assert answer["entry"][0]["response"] == {"status": "200 OK", "location": f"{BASE}/Patient/{patient.pk}"}
    assert Patient.objects.count() == 2


def test_known_patient_and_known_lesion(client, side):
    lesion = LesionFactory(clinic=side.own.clinic)
    subject = f"Patient/{lesion.patient_id}"
    request = orders.service_request(
        subject, supportingInfo=[{"reference": f"BodyStructure/{lesion.pk}"}], priority="routine"
    )
    sent = orders.transaction(orders.entry(request), orders.entry(orders.media(subject=f"{BASE}/{subject}")))
    validate_answer(send(client, sent))
    assert Submission.objects.get().lesion == lesion


def test_body_site_of_the_request_and_bytes_of_a_binary(client, side):
    site = {
        "coding": [
            {"system": "urn:dermaport:code:body-site", "code": "upper_extremity_shoulder"},
            {"system": "urn:dermaport:code:laterality", "code": "right"},
        ]
    }
    binary = {
        "resourceType": "Binary",
        "contentType": "image/jpeg",
        "data": base64.encodebytes(draw_jpeg(5)).decode(),
    }
    content = {"contentType": "image/jpeg", "url": "urn:uuid:00000000-0000-4000-8000-000000000009"}
    modality = {"coding": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "XC"}]}
    sent = orders.order(
        side.own.clinic,
        orders.media(content=content, modality=modality),
        lesion=None,
        request=orders.service_request(bodySite=[site]),
    )
    sent["entry"].append(orders.entry(binary, content["url"]))
    answer = validate_answer(send(client, sent))
    image = SubmissionImage.objects.get()
    assert locations(answer)[-2:] == [f"Media/{image.pk}", f"Binary/{image.pk}"]
    assert image.capture_kind == "clinical"
    lesion = Lesion.objects.get()
    assert (lesion.body_site, lesion.laterality) == ("upper_extremity_shoulder", "right")


def test_a_site_in_words_is_kept_as_words(client, side):
    request = orders.service_request(bodySite=[{"text": "Behind the left ear"}])
    validate_answer(send(client, orders.order(side.own.clinic, lesion=None, request=request)))
    lesion = Lesion.objects.get()
    assert (lesion.body_site, lesion.note) == ("unspecified", "Behind the left ear")


def test_sent_again_it_is_the_same_case(client, side, stores):
    sent = orders.order(side.own.clinic)
    first = validate_answer(send(client, sent))
    before = count_rows(stores)
    again = validate_answer(send(client, sent))
    assert locations(again) == locations(first)
    assert {entry["response"]["status"] for entry in again["entry"]} == {"200 OK"}
    assert count_rows(stores) == before
    found = check(post_search(client, "ServiceRequest", identifier=f"{orders.ORDER_SYSTEM}|4711"))
    assert ids([entry["resource"] for entry in found["entry"]]) == [str(Submission.objects.get().pk)]
    (link,) = found["link"]
    assert link["url"].partition("?")[2].partition("_cursor=")[0] == "_count=25&"
    assert "4711" not in link["url"]


@pytest.mark.parametrize("changed", ["image", "patient"])
def test_an_identifier_used_for_something_else_is_a_conflict(client, side, changed):
    validate_answer(send(client, orders.order(side.own.clinic)))
    other = [{"system": orders.mrn_system(side.own.clinic), "value": "MRN-OTHER"}]
    sent = (
        orders.order(side.own.clinic, orders.media(7))
        if changed == "image"
        else orders.order(side.own.clinic, patient=orders.patient(side.own.clinic, identifier=other))
    )
    response = send(client, sent)
    assert response.status_code == 409
    assert places(response) == [("identifier_used", "Bundle.entry[2].resource.identifier[0]")]


def test_one_identifier_in_two_clinics_is_two_cases(fhir, side):
    for staff in (side.own, side.other):
        validate_answer(send(fhir(staff.integration), orders.order(staff.clinic)))
    assert Submission.objects.count() == 2


def test_notices_come_along(client, side):
    validate_answer(send(client, orders.order(side.own.clinic)))
    request = orders.service_request(identifier=[{"value": "4712"}])
    answer = validate_answer(send(client, orders.order(side.own.clinic, request=request)))
    issues = answer["entry"][-1]["response"]["outcome"]["issue"]
    assert "same_picture" in [issue["details"]["coding"][0]["code"] for issue in issues]
    assert {issue["severity"] for issue in issues} == {"warning"}


def test_without_a_system_the_only_clinic_is_meant(client, side):
    bare = orders.patient(side.own.clinic, identifier=[{"value": orders.MRN}])
    validate_answer(send(client, orders.order(side.own.clinic, patient=bare)))
    assert Patient.objects.get().clinic == side.own.clinic
    MembershipFactory(user=side.own.integration, clinic=side.other.clinic, role="integration")
    request = orders.service_request(identifier=[{"value": "4712"}])
    response = send(client, orders.order(side.own.clinic, patient=bare, request=request))
    assert places(response) == [("mrn_missing", "Bundle.entry[0].resource.identifier")]


def test_who_may_not_submit_is_not_taught_the_form(fhir, side):
    response = send(fhir(side.own.administrator), {})
    assert response.status_code == 403
    assert codes(response) == [("forbidden", "permission_denied")]


def test_request_with_what_it_contains(client, side):
    sent = orders.service_request(
        "#p",
        contained=[
            orders.patient(side.own.clinic) | {"id": "p"},
            orders.body_structure("#p") | {"id": "l"},
            orders.media(subject="#p") | {"id": "m"},
        ],
        supportingInfo=[{"reference": "#l"}, {"reference": "#m"}],
    )
    response = send(client, sent, "/ServiceRequest")
    resource = check(response, 201)
    assert response["Location"] == f"{BASE}/ServiceRequest/{Submission.objects.get().pk}"
    assert resource["status"] == "active"
    assert response["ETag"] == f'W/"{resource["meta"]["versionId"]}"'
    again = send(client, sent, "/ServiceRequest")
    assert check(again, 200)["id"] == resource["id"]
    del sent["contained"][2]["content"]
    response = send(client, sent | {"identifier": [{"value": "4713"}]}, "/ServiceRequest")
    assert places(response) == [("required", "ServiceRequest.contained[2].content.data")]
