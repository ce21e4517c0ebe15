"""Consent and kinds over FHIR: what an order says, and what is presumed of it (nothing)."""

from __future__ import annotations

import pytest

from classifier.fhir.systems import CAPTURE_KIND, CONSENT_EXTENSION, DERMOSCOPIC_TYPE, DICOM, SNOMED_CT
from classifier.models import Consent, Patient, Prediction, SubmissionImage
from portal.trust.accounts.people.services import update_clinic
from tests.classifier.fhir import orders
from tests.classifier.fhir.conftest import read
from tests.classifier.fhir.sending import places, send
from tests.factories import LesionFactory, PatientFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("model", "stores")]


@pytest.fixture
def client(fhir, side):
    return fhir(side.own.integration)


def silent(clinic) -> dict:
    return {name: value for name, value in orders.patient(clinic).items() if name != "extension"}


def coded(*codes: tuple[str, str]) -> dict:
    return {"coding": [{"system": system, "code": code} for system, code in codes]}


def test_nothing_is_presumed_and_the_refusal_says_what_to_send(client, side):
    response = send(client, orders.order(side.own.clinic, patient=silent(side.own.clinic)))
    assert response.status_code == 422
    assert places(response) == [("consent_missing", "Bundle.entry[0].resource.extension")]
    assert CONSENT_EXTENSION in response.content.decode()
    assert not Patient.objects.exists()


@pytest.mark.parametrize("holder", ["patient", "request"])
def test_what_the_order_says_is_recorded(client, side, holder):
    said = orders.consent()
    parts = {
        "patient": {"patient": orders.patient(side.own.clinic, extension=[said])},
        "request": {
            "patient": silent(side.own.clinic),
            "request": orders.service_request(
                extension=[said], supportingInfo=[{"reference": orders.LESION}]
            ),
        },
    }[holder]
    response = send(client, orders.order(side.own.clinic, **parts))
    assert response.status_code == 200, response.content
    assert (Consent.objects.get().origin, Patient.objects.get().consents_to_inference) == ("stated", True)
    patient = read(client, f"Patient/{Patient.objects.get().pk}")
    assert said in patient["extension"]


def test_of_a_known_patient_the_request_says_it(client, side):
    patient = PatientFactory(clinic=side.own.clinic, consents_to_inference=None)
    lesion = LesionFactory(patient=patient)

    def request(**changes):
        return orders.service_request(
            f"Patient/{patient.pk}",
            supportingInfo=[{"reference": f"BodyStructure/{lesion.pk}"}],
            **changes,
        )

    def bundle(one):
        picture = orders.media(subject=f"Patient/{patient.pk}")
        return orders.transaction(orders.entry(one, orders.REQUEST), orders.entry(picture))

    assert places(send(client, bundle(request()))) == [
        ("consent_missing", "Bundle.entry[0].resource.extension")
    ]
    assert send(client, bundle(request(extension=[orders.consent()]))).status_code == 200
    patient.refresh_from_db()
    assert patient.consents_to_inference is True


@pytest.mark.parametrize(
    ("extensions", "code"),
    [
        ([orders.consent(agrees=False)], "consent_missing"),
        ([{"url": CONSENT_EXTENSION}], "required"),
        ([{"url": CONSENT_EXTENSION, "valueBoolean": "yes"}], "wrong_type"),
        ([orders.consent(), orders.consent(agrees=False)], "consent_mismatch"),
    ],
)
def test_a_no_or_a_riddle_is_no_consent(client, side, extensions, code):
    patient = orders.patient(side.own.clinic, extension=extensions)
    response = send(client, orders.order(side.own.clinic, patient=patient))
    assert response.status_code == 422
    assert code in [one for one, _ in places(response)]
    assert not Patient.objects.exists()


def test_a_clinic_that_records_consent_elsewhere_needs_no_word(client, side):
    update_clinic(actor=side.own.administrator, clinic=side.own.clinic, consent_recorded_in="Practice record")
    response = send(client, orders.order(side.own.clinic, patient=silent(side.own.clinic)))
    assert response.status_code == 200, response.content
    assert Consent.objects.get().origin == "elsewhere"


def test_each_picture_keeps_its_kind_and_one_is_judged(client, side):
    sent = [
        orders.media(0, modality=coded((CAPTURE_KIND, "overview"), (DICOM, "XC"))),
        orders.media(1, modality=coded((DICOM, "XC"))),
        orders.media(2, modality=coded((DICOM, "DMS"), (DERMOSCOPIC_TYPE, "non_contact_polarized"))),
    ]
    response = send(client, orders.order(side.own.clinic, *sent))
    assert response.status_code == 200, response.content
    rows = SubmissionImage.objects.order_by("position")
    assert list(rows.values_list("capture_kind", "dermoscopic_type")) == [
        ("overview", ""),
        ("clinical", ""),
        ("dermoscopic", "non_contact_polarized"),
    ]
    assert Prediction.objects.get().image == rows[2]
    codes = [one["code"] for one in read(client, f"Media/{rows[2].pk}")["modality"]["coding"]]
    assert codes == ["DMS", "dermoscopic", "non_contact_polarized"]


@pytest.mark.parametrize(
    ("modality", "code"),
    [
        (coded((CAPTURE_KIND, "selfie")), "capture_kind_unknown"),
        (coded((DICOM, "GM")), "modality_unknown"),
        (coded((DICOM, "DMS"), (DICOM, "GM")), "modality_unknown"),
        (coded((SNOMED_CT, "225362009")), "modality_unknown"),
        (coded((DICOM, "DMS"), (DERMOSCOPIC_TYPE, "bright")), "dermoscopic_type_unknown"),
        (coded((DICOM, "XC"), (DERMOSCOPIC_TYPE, "contact_polarized")), "type_of_other_kind"),
    ],
)
def test_a_kind_that_can_not_be_is_told_at_its_place(client, side, modality, code):
    response = send(client, orders.order(side.own.clinic, orders.media(modality=modality)))
    assert places(response) == [(code, "Bundle.entry[3].resource.modality")]
    assert not Patient.objects.exists()


@pytest.mark.parametrize(
    ("modality", "kind"),
    [
        ({"text": "Photograph"}, "dermoscopic"),
        (coded((DERMOSCOPIC_TYPE, "contact_polarized")), "dermoscopic"),
        (coded((SNOMED_CT, "225362009"), (DICOM, "XC")), "clinical"),
        (coded((SNOMED_CT, "225362009"), (CAPTURE_KIND, "overview")), "overview"),
    ],
)
def test_only_what_has_no_code_is_taken_for_dermoscopic(client, side, modality, kind):
    response = send(client, orders.order(side.own.clinic, orders.media(modality=modality)))
    assert response.status_code == 200, response.content
    assert SubmissionImage.objects.get().capture_kind == kind


def test_an_order_of_other_pictures_alone_waits_for_a_reader(client, side):
    sent = orders.media(modality=coded((DICOM, "XC")))
    order = orders.order(side.own.clinic, sent, patient=silent(side.own.clinic))
    assert send(client, order).status_code == 200
    (report,) = (entry["resource"] for entry in read(client, "DiagnosticReport")["entry"])
    assert report["status"] == "registered"
    assert not Prediction.objects.exists()
