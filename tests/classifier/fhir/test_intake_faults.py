"""What can't be taken: every fault is told with its place, and nothing is left behind."""

import pytest
from rest_framework.test import APIClient

from classifier.models import Patient
from tests.classifier.fhir import orders
from tests.classifier.fhir.conftest import FHIR_JSON, ROOT, codes
from tests.classifier.fhir.sending import count_rows, places, send
from tests.factories import LesionFactory, PatientFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model", "stores")]


@pytest.fixture
def client(fhir, side) -> APIClient:
    return fhir(side.own.integration)


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
    assert codes(response) == [("too-long", "request_too_large")]


def test_another_birth_date_stops_a_mix_up(client, side):
    PatientFactory(clinic=side.own.clinic, mrn=orders.MRN)
    response = send(client, orders.order(side.own.clinic))
    assert places(response) == [("birth_date_mismatch", "Bundle.entry[0].resource.birthDate")]
    assert "1970-05-17" not in response.content.decode()


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


OWN_SITE, OTHER_SITE = (
    {"coding": [{"system": "urn:dermaport:code:body-site", "code": code}]}
    for code in ("trunk_posterior_trunk_upper_back", "lower_extremity")
)


@pytest.mark.parametrize(
    ("sites", "expected"),
    [
        ([OWN_SITE], []),
        ([OTHER_SITE], [("body_site_mismatch", "Bundle.entry[2].resource.bodySite[0]")]),
        (
            [OWN_SITE, OTHER_SITE],
            [("one_lesion", "Bundle.entry[2].resource.bodySite[1].coding[0].code")],
        ),
    ],
    ids=["same", "another", "two"],
)
def test_body_structure_and_body_site_speak_of_one_lesion(client, side, sites, expected):
    response = send(client, orders.order(side.own.clinic, request=orders.service_request(bodySite=sites)))
    assert (places(response) if expected else response.status_code) == (expected or 200)


def test_an_order_is_about_one_lesion(client, side):
    """Whichever was left out, the pictures would land in the history of another spot."""
    patient = PatientFactory(clinic=side.own.clinic)
    known = [{"reference": f"BodyStructure/{LesionFactory(patient=patient).pk}"} for _ in range(2)]
    subject = f"Patient/{patient.pk}"
    structure, picture = orders.body_structure(subject), orders.media(subject=subject)
    for others, parts in ((known, []), (known[:1], [structure])):
        request = orders.service_request(subject, supportingInfo=others)
        response = send(client, orders.transaction(*map(orders.entry, [request, *parts, picture])))
        assert places(response) == [
            ("one_lesion", f"Bundle.entry[0].resource.supportingInfo[{len(others) - 1}]")
        ]


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


@pytest.mark.parametrize(
    ("sent", "code"),
    [("A\ud800-1", "surrogate_characters_not_allowed"), ("A\0-1", "null_characters_not_allowed")],
    ids=ascii,
)
def test_text_that_no_column_holds(client, side, stores, sent, code):
    """JSON can hold half a character (a lone surrogate) and NUL, in every text."""
    before = count_rows(stores)
    number = {"system": orders.mrn_system(side.own.clinic), "value": sent}
    bundle = orders.order(
        side.own.clinic,
        request=orders.service_request(reasonCode=[{"text": sent}], note=[{"text": sent}]),
    )
    bundle["entry"][0]["resource"]["identifier"] = [number]
    del bundle["entry"][0]["request"]["ifNoneExist"]
    found = places(send(client, bundle))
    assert {one for one, _ in found} >= {code}
    assert {place for one, place in found if one == code} == {
        "Bundle.entry[0].resource.identifier[0].value",
        "Bundle.entry[2].resource.reasonCode[0].text",
        "Bundle.entry[2].resource.note[0].text",
    }
    assert count_rows(stores) == before
