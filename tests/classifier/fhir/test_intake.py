"""A case sent as a transaction: what it makes, what it finds again, and what an error leaves (nothing)."""

import base64
import json

import pytest
from fhir.resources.R4B.bundle import Bundle
from rest_framework.test import APIClient

from classifier.models import Lesion, Patient, Prediction, Submission, SubmissionImage
from portal.audit.models import AuditEvent
from tests.classifier.fhir import orders
from tests.classifier.fhir.conftest import BASE, FHIR_JSON, ROOT, check, codes, ids, post_search
from tests.factories import LesionFactory, MembershipFactory, PatientFactory, draw_jpeg

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model", "stores")]


@pytest.fixture
def client(fhir, side) -> APIClient:
    return fhir(side.own.integration)


def send(client, resource, path: str = ""):
    return client.generic("POST", f"{ROOT}{path}", json.dumps(resource), content_type=FHIR_JSON)


def count_rows(stores) -> list[int]:
    rows = [m.objects.count() for m in (Patient, Lesion, Submission, SubmissionImage, Prediction, AuditEvent)]
    return [*rows, sum(path.is_file() for path in stores.rglob("*"))]


def places(response) -> list[tuple[str, str]]:
    """(our code, where) of every issue."""
    outcome = check(response, response.status_code)
    return [
        (issue["details"]["coding"][0]["code"], issue.get("expression", [""])[0])
        for issue in outcome["issue"]
    ]


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
    assert "4711" not in str(found["link"])


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


def wrong(**changes):
    return lambda clinic: orders.order(clinic, **changes)


def without(kind: str):
    def make(clinic):
        sent = orders.order(clinic)
        sent["entry"] = [one for one in sent["entry"] if one["resource"]["resourceType"] != kind]
        return sent

    return make


def with_more(resource, **request):
    def make(clinic):
        sent = orders.order(clinic)
        sent["entry"].append(orders.entry(resource, **request))
        return sent

    return make


REQUEST = "Bundle.entry[2].resource"
FAULTS = {
    "no request": (without("ServiceRequest"), [("one_request", "")]),
    "no image": (without("Media"), [("no_images", REQUEST)]),
    "no patient": (without("Patient"), [("unknown_patient", "Bundle.entry[1].resource.subject")]),
    "no site": (wrong(lesion=None), [("required", "Bundle.entry[1].resource.bodySite")]),
    "no identifier": (
        wrong(request=orders.service_request(identifier=[])),
        [("required", f"{REQUEST}.identifier")],
    ),
    "long identifier": (
        wrong(request=orders.service_request(identifier=[{"value": "9" * 256}])),
        [("identifier_too_long", f"{REQUEST}.identifier[0].value")],
    ),
    "revoked": (
        wrong(request=orders.service_request(status="revoked")),
        [("unsupported_status", f"{REQUEST}.status")],
    ),
    "priority": (
        wrong(request=orders.service_request(priority="someday")),
        [("priority_unknown", f"{REQUEST}.priority")],
    ),
    "long question": (
        wrong(request=orders.service_request(reasonCode=[{"text": "x" * 501}])),
        [("clinical_question_too_long", f"{REQUEST}.reasonCode")],
    ),
    "wrong types": (
        wrong(request=orders.service_request(reasonCode="itch", note=["grew"], priority=7)),
        [
            ("wrong_type", f"{REQUEST}.priority"),
            ("wrong_type", f"{REQUEST}.reasonCode"),
            ("wrong_type", f"{REQUEST}.note[0]"),
        ],
    ),
    "unknown site": (
        wrong(
            lesion=orders.body_structure(
                location={"coding": [{"system": "urn:dermaport:code:body-site", "code": "nowhere"}]}
            )
        ),
        [("body_site_unknown", f"{REQUEST}.bodySite")],
    ),
    "lesion of somebody else": (
        wrong(lesion=orders.body_structure("Patient/1")),
        [("another_patient", "Bundle.entry[1].resource.patient")],
    ),
    "broken base64": (
        lambda clinic: orders.order(clinic, orders.media(content={"data": "§"})),
        [("invalid_base64", "Bundle.entry[3].resource.content.data")],
    ),
    "no bytes": (
        lambda clinic: orders.order(clinic, orders.media(content={"url": "http://elsewhere.example/1.jpg"})),
        [("required", "Bundle.entry[3].resource.content.data")],
    ),
    "no pictures": (
        lambda clinic: orders.order(
            clinic, orders.media(data=b"GIF89a"), orders.media(1), orders.media(data=b"")
        ),
        [("required", "Bundle.entry[5].resource.content.data")],
    ),
    "two that are no pictures": (
        lambda clinic: orders.order(
            clinic, orders.media(data=b"BM"), orders.media(1), orders.media(data=b"x")
        ),
        [
            ("unsupported_format", "Bundle.entry[3].resource.content.data"),
            ("unsupported_format", "Bundle.entry[5].resource.content.data"),
        ],
    ),
    "too many": (
        lambda clinic: orders.order(clinic, *[orders.media(content={"data": "eA=="})] * 11),
        [("too_many_images", REQUEST)],
    ),
    "other type": (with_more({"resourceType": "Claim"}), [("unsupported_type", "Bundle.entry[4].resource")]),
    "other method": (
        with_more(orders.media(3), method="PUT", url="Media/1"),
        [("unsupported_request", "Bundle.entry[4].request")],
    ),
    "stray binary": (
        with_more({"resourceType": "Binary", "contentType": "image/jpeg", "data": "eA=="}),
        [("not_referred_to", "Bundle.entry[4].resource")],
    ),
    "stray patient": (
        with_more({"resourceType": "Patient"}),
        [("not_referred_to", "Bundle.entry[4].resource")],
    ),
    "other condition": (
        lambda clinic: orders.transaction(
            orders.entry(orders.patient(clinic), orders.PATIENT, ifNoneExist="birthdate=1961-02-03"),
            *orders.order(clinic)["entry"][1:],
        ),
        [("unsupported_condition", "Bundle.entry[0].resource.identifier")],
    ),
    "no record number": (
        lambda clinic: orders.transaction(
            orders.entry({"resourceType": "Patient"}, orders.PATIENT), *orders.order(clinic)["entry"][1:]
        ),
        [("mrn_missing", "Bundle.entry[0].resource.identifier")],
    ),
    "half a birth date": (
        lambda clinic: orders.order(clinic, patient=orders.patient(clinic, birthDate="1961")),
        [("invalid_date", "Bundle.entry[0].resource.birthDate")],
    ),
    "impossible birth date": (
        lambda clinic: orders.order(clinic, patient=orders.patient(clinic, birthDate="1861-01-01")),
        [("birth_date_impossible", "Bundle.entry[0].resource.birthDate")],
    ),
    "gender": (
        lambda clinic: orders.order(clinic, patient=orders.patient(clinic, gender="x")),
        [("sex_unknown", "Bundle.entry[0].resource.gender")],
    ),
    "not a transaction": (
        lambda clinic: orders.order(clinic) | {"type": "batch"},
        [("not_a_transaction", "Bundle.type")],
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_left_behind_by_a_fault(client, side, stores, fault):
    make, expected = FAULTS[fault]
    before = count_rows(stores)
    response = send(client, make(side.own.clinic))
    assert response.status_code == 422, response.content.decode()
    assert places(response) == expected
    assert count_rows(stores) == before


@pytest.mark.parametrize(
    "sent", [b"{", b"[]", b'{"resourceType": "Patient"}', b"", b"null", b"NaN", b"[" * 9999]
)
def test_what_is_no_bundle(client, sent):
    response = client.generic("POST", ROOT, sent, content_type=FHIR_JSON)
    assert response.status_code == 400
    assert codes(response)[0][0] in {"structure", "invalid"}


def test_more_than_the_site_reads(client, side, settings):
    settings.DERMAPORT_FHIR_MAX_BYTES = 2000
    response = send(client, orders.order(side.own.clinic))
    assert response.status_code == 413
    assert codes(response) == [("too-long", "too_large")]


def test_another_birth_date_stops_a_mix_up(client, side):
    PatientFactory(clinic=side.own.clinic, mrn=orders.MRN)
    response = send(client, orders.order(side.own.clinic))
    assert places(response) == [("birth_date_mismatch", "Bundle.entry[0].resource.birthDate")]
    assert "1970" not in response.content.decode()


def test_consent_and_models_are_asked_for(client, side, model):
    PatientFactory(clinic=side.own.clinic, mrn=orders.MRN, birth_date=None, consents_to_inference=False)
    response = send(client, orders.order(side.own.clinic))
    assert places(response) == [("consent_missing", "Bundle.entry[2].resource.subject")]
    Patient.objects.update(consents_to_inference=True)
    model.lifecycle = "retired"
    model.save()
    response = send(client, orders.order(side.own.clinic))
    assert response.status_code == 503
    assert codes(response) == [("transient", "no_active_model")]


def test_rows_and_clinics_of_others_do_not_exist(client, side):
    lesion = LesionFactory(clinic=side.other.clinic)
    own = PatientFactory(clinic=side.own.clinic)
    by_patient = orders.service_request(f"Patient/{lesion.patient_id}", bodySite=[{"text": "Arm"}])
    by_lesion = orders.service_request(
        f"Patient/{own.pk}", supportingInfo=[{"reference": f"BodyStructure/{lesion.pk}"}]
    )
    for request, expected in (
        (by_patient, ("unknown_patient", "Bundle.entry[0].resource.subject")),
        (by_lesion, ("unknown_lesion", "Bundle.entry[0].resource.supportingInfo[0]")),
    ):
        picture = {name: value for name, value in orders.media().items() if name != "subject"}
        response = send(client, orders.transaction(orders.entry(request), orders.entry(picture)))
        assert places(response) == [expected]
    response = send(client, orders.order(side.other.clinic))
    assert places(response) == [("mrn_missing", "Bundle.entry[0].resource.identifier")]


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
