"""What the model says, what a dermatologist signs, and what each viewer gets to see of it."""

import pytest

from classifier.models import Prediction
from portal.trust.audit.services import record_event
from tests.classifier.fhir.conftest import ROOT, codes, included, read, search
from tests.factories import (
    TOO_BLURRED,
    ModelVersionFactory,
    OutcomeFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    answered_submission,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(fhir, side):
    return fhir(side.own.integration)


def read_result(client, case):
    """The report of a case, and its observations."""
    report = read(client, f"DiagnosticReport/{case.pk}")
    return report, [read(client, one["reference"]) for one in report.get("result", [])]


def code_of(concept) -> str:
    return concept["coding"][0]["code"]


def test_preliminary_from_the_model(client, side):
    case = answered_submission(side.own, "malignant")
    prediction = Prediction.objects.get()
    report, (observation,) = read_result(client, case)
    assert report["status"] == observation["status"] == "preliminary"
    assert report["basedOn"] == [{"reference": f"ServiceRequest/{case.pk}"}]
    assert code_of(report["conclusionCode"][0]) == "malignant"
    assert report["conclusion"].startswith("Preliminary, from the model alone.")
    assert "resultsInterpreter" not in report
    assert report["media"] == [{"link": {"reference": f"Media/{prediction.image_id}"}}]
    assert observation["valueQuantity"]["value"] == prediction.calibrated_probability == 0.91
    assert code_of(observation["interpretation"][0]) == "malignant"
    assert observation["device"]["reference"] == f"Device/{prediction.model_version_id}"
    assert observation["derivedFrom"] == [{"reference": f"Media/{prediction.image_id}"}]
    assert {code_of(one["code"]): one["valueQuantity"]["value"] for one in observation["component"]} == {
        "raw-probability": 0.91,
        "threshold": 0.5,
        "refer-low": 0.4,
        "refer-high": 0.6,
        "predictive-value": prediction.predictive_value,
        "prevalence": 0.03,
    }


def test_report_leads_to_its_paper(client, side):
    case = answered_submission(side.own, "malignant")
    (paper,) = read_result(client, case)[0]["presentedForm"]
    assert paper["contentType"] == "application/pdf"
    assert paper["url"] == f"http://testserver/api/v1/submissions/{case.pk}/report/"
    assert paper["title"] == "Dermoscopy report as it stands when it is fetched"
    waiting = PredictionFactory(submission=SubmissionFactory(clinic=side.own.clinic)).image.submission
    assert "presentedForm" not in read_result(client, waiting)[0]


def test_another_host_name_makes_no_version(client, side):
    case = answered_submission(side.own, "malignant")
    reports = [
        client.get(f"{ROOT}/DiagnosticReport/{case.pk}", headers={"host": host}).json()
        for host in ("testserver", "localhost")
    ]
    one, other = ((report["presentedForm"][0]["url"], report["meta"]["versionId"]) for report in reports)
    assert one[0] != other[0]
    assert one[1] == other[1]


def test_final_when_signed_and_amended_after(client, side):
    case = answered_submission(side.own, "malignant")
    signed = ReviewFactory(submission=case, diagnosis="melanoma", management="excise", comment="Atypical.")
    report, (observation,) = read_result(client, case)
    assert report["status"] == observation["status"] == "final"
    assert report["conclusion"] == "Melanoma. Excise. Atypical."
    assert [[one["code"] for one in concept["coding"]] for concept in report["conclusionCode"]] == [
        ["melanoma", "372244006"],
        ["excise"],
        ["malignant"],
    ]
    assert report["resultsInterpreter"] == [{"reference": f"Practitioner/{signed.signed_by_id}"}]
    assert read(client, f"ServiceRequest/{case.pk}")["status"] == "completed"

    amended = ReviewFactory(amends=signed, diagnosis="naevus")
    report, (observation,) = read_result(client, case)
    assert (report["status"], observation["status"]) == ("amended", "final")
    assert code_of(report["conclusionCode"][0]) == "naevus"
    model, first, second = (
        *search(client, f"Provenance?target=Observation/{observation['id']}"),
        *search(client, f"Provenance?target=DiagnosticReport/{case.pk}"),
    )
    assert model["agent"][0]["who"] == observation["device"]
    assert code_of(first["activity"]) == "signature"
    assert (code_of(second["activity"]), second["id"]) == ("amendment", str(amended.pk))
    assert second["reason"] == [{"text": "Histology came back."}]
    assert second["entity"] == [{"role": "revision", "what": {"reference": f"Provenance/{signed.pk}"}}]
    assert read(client, f"Provenance/{signed.pk}") == first


def test_an_unsigned_case_with_histopathology_gives_no_advice_of_the_model(client, side):
    case = answered_submission(side.own, "benign")
    OutcomeFactory(lesion=case.lesion, diagnosis="melanoma_invasive")
    conclusion = read(client, f"DiagnosticReport/{case.pk}")["conclusion"]
    assert conclusion.startswith("Pathologist: invasive melanoma, reported ")
    assert "The model had said benign" in conclusion
    assert "reads this lesion as benign" not in conclusion
    assert "A dermatologist reviews it before it counts" not in conclusion
    assert "Have a dermatologist decide it now." in conclusion


@pytest.mark.parametrize("state", ["queued", "running"])
def test_registered_while_the_model_works(client, side, state):
    case = answered_submission(side.own, "malignant")
    PredictionFactory(submission=case, state=state)
    report, observations = read_result(client, case)
    assert report["status"] == "registered"
    assert "conclusionCode" not in report
    for observation in observations:
        assert code_of(observation["dataAbsentReason"]) == "temp-unknown"
        assert "valueQuantity" not in observation
        assert "interpretation" not in observation


def test_refused_by_the_gates(client, side):
    case = SubmissionFactory(clinic=side.own.clinic)
    PredictionFactory(submission=case, refused=True)
    report, (observation,) = read_result(client, case)
    assert code_of(report["conclusionCode"][0]) == "refer"
    assert observation["status"] == "preliminary"
    assert [one["code"] for one in observation["dataAbsentReason"]["coding"]] == ["not-performed", "blurred"]
    assert code_of(observation["interpretation"][0]) == "refer"
    assert observation["note"] == [{"text": TOO_BLURRED["message"]}]


@pytest.mark.parametrize(("state", "own_code"), [("failed", "attempts_exhausted"), ("rejected", "truncated")])
def test_no_result(client, side, state, own_code):
    case = SubmissionFactory(clinic=side.own.clinic)
    PredictionFactory(submission=case, state=state)
    report, (observation,) = read_result(client, case)
    assert report["status"] == "registered"
    assert observation["status"] == "cancelled"
    assert [one["code"] for one in observation["dataAbsentReason"]["coding"]] == ["error", own_code]


def test_cancelled(client, side):
    from django.utils import timezone

    case = answered_submission(
        side.own, "malignant", cancelled_at=timezone.now(), cancelled_by=side.own.clinician
    )
    report, (observation,) = read_result(client, case)
    assert (report["status"], observation["status"]) == ("cancelled", "cancelled")
    assert "conclusionCode" not in report
    assert "valueQuantity" not in observation
    assert read(client, f"ServiceRequest/{case.pk}")["status"] == "revoked"


def test_hidden_until_read_from_dermatologists_alone(fhir, client, side):
    side.own.clinic.hide_result_until_read = True
    side.own.clinic.save()
    case = answered_submission(side.own, "malignant")
    reader = fhir(side.own.dermatologist)
    report, (observation,) = read_result(reader, case)
    assert report["status"] == "preliminary"
    assert "malignant" not in str(report | observation).lower().replace("malignancy", "").replace(
        "probability that the lesion is malignant", ""
    )
    assert code_of(observation["dataAbsentReason"]) == "masked"
    assert not {"valueQuantity", "interpretation", "component"} & set(observation)
    assert read_result(client, case)[1][0]["valueQuantity"]["value"] == 0.91

    ReviewFactory(submission=case)
    assert read_result(reader, case)[1][0]["valueQuantity"]["value"] == 0.91


def test_shadows_are_not_told(client, side):
    case = answered_submission(side.own)
    shadow = PredictionFactory(
        image=case.images.get(),
        model_version=ModelVersionFactory(shadow=True),
        is_shadow=True,
        state="succeeded",
    )
    assert len(read_result(client, case)[1]) == 1
    for kind in ("Observation", "Provenance"):
        assert client.get(f"{ROOT}/{kind}/{shadow.pk}").status_code == 404


def test_newest_answer_of_an_image_counts(client, side):
    case = SubmissionFactory(clinic=side.own.clinic)
    failed = PredictionFactory(submission=case, state="failed")
    again = PredictionFactory(image=failed.image, state="succeeded", outcome="benign")
    report, _ = read_result(client, case)
    assert report["result"] == [{"reference": f"Observation/{again.pk}"}]
    assert {one["id"] for one in search(client, f"Observation?based-on=ServiceRequest/{case.pk}")} == {
        str(failed.pk),
        str(again.pk),
    }


def test_report_with_all_that_it_rests_on(client, side):
    case = answered_submission(side.own, "malignant")
    signed = ReviewFactory(submission=case, signed_by=side.own.dermatologist)
    prediction = Prediction.objects.get()
    includes = "&".join(
        f"_include=DiagnosticReport:{name}"
        for name in ("result", "media", "subject", "based-on", "results-interpreter")
    )
    found = included(client, f"DiagnosticReport?_id={case.pk}&{includes}&_revinclude=Provenance:target")
    assert found == sorted(
        [
            ("Media", str(prediction.image_id)),
            ("Observation", str(prediction.pk)),
            ("Patient", str(case.lesion.patient_id)),
            ("Practitioner", str(side.own.dermatologist.pk)),
            ("Provenance", str(signed.pk)),
            ("ServiceRequest", str(case.pk)),
        ]
    )


def test_audit_log_is_for_administrators(fhir, client, side):
    event = record_event(
        clinic_id=side.own.clinic.pk,
        action="submission.created",
        actor=side.own.clinician,
        obj=answered_submission(side.own),
        details={"images": 1, "source": "api"},
    )
    record_event(clinic_id=side.own.clinic.pk, action="membership.created")
    administrator = fhir(side.own.administrator)
    resource = read(administrator, f"AuditEvent/{event.pk}")
    assert resource["subtype"][0]["code"] == "submission.created"
    assert resource["action"] == "C"
    assert resource["agent"] == [
        {"who": {"reference": f"Practitioner/{side.own.clinician.pk}"}, "requestor": True}
    ]
    assert resource["entity"][0]["what"]["reference"] == f"ServiceRequest/{event.object_id}"
    assert resource["entity"][0]["detail"] == [
        {"type": "images", "valueString": "1"},
        {"type": "source", "valueString": "api"},
    ]
    path = f"AuditEvent?entity=ServiceRequest/{event.object_id}&subtype=submission.created"
    assert [one["id"] for one in search(administrator, path)] == [str(event.pk)]
    assert search(administrator, "AuditEvent?subtype=membership.created")[0]["agent"] == [
        {"who": {"display": "The portal itself"}, "requestor": False}
    ]
    assert codes(client.get(f"{ROOT}/AuditEvent")) == [("forbidden", "permission_denied")]
    assert search(fhir(side.other.administrator), "AuditEvent?subtype=submission.created") == []


def test_audit_event_names_the_patient_and_what_came_to_nothing(fhir, side, django_assert_max_num_queries):
    """By the registered way of each kind of row to its patient; of other clinics' patients nothing is said."""
    case = answered_submission(side.own)
    patient, stranger = case.lesion.patient, answered_submission(side.other)
    own = {"clinic_id": side.own.clinic.pk, "actor": side.own.clinician}
    rows = [case, case.images.get(), patient]
    events = [record_event(action=f"{row._meta.model_name}.viewed", obj=row, **own) for row in rows]
    refused = record_event(action="access.refused", details={"object": str(case.pk)}, **own)
    elsewhere = record_event(action="submission.viewed", obj=stranger, **own)
    administrator = fhir(side.own.administrator)
    # One query for each kind of row, however many events there are.
    with django_assert_max_num_queries(50):
        found = search(administrator, f"AuditEvent?patient=Patient/{patient.pk}")
    named = {
        one["id"]: [entity["what"]["reference"] for entity in one["entity"] if "what" in entity]
        for one in found
    }
    whose = f"Patient/{patient.pk}"
    assert [named[str(event.pk)] for event in events] == [
        [f"ServiceRequest/{case.pk}", whose],
        [f"Media/{rows[1].pk}", whose],
        [whose],
    ]
    assert named[str(refused.pk)] == [whose]
    assert str(elsewhere.pk) not in named
    outcomes = {one["id"]: one["outcome"] for one in found}
    assert (outcomes[str(refused.pk)], outcomes[str(events[0].pk)]) == ("4", "0")
    other = f"Patient/{stranger.lesion.patient_id}"
    assert other not in str(read(administrator, f"AuditEvent/{elsewhere.pk}"))
    assert search(administrator, f"AuditEvent?patient={other}") == []
