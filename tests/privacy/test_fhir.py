"""What an EHR sends and reads as FHIR leaves no patient word behind, taken or refused."""

from __future__ import annotations

import base64
import json
from typing import Any

from classifier.models import Submission
from tests.classifier.fhir import orders
from tests.privacy.conftest import HISTORY, MRN, NAME, NOTE, QUESTION, Watch, find_canaries
from tests.privacy.test_words import read_audit_log

ROOT = "/fhir/r4"
FORM = "application/x-www-form-urlencoded"


def order(clinic: Any, number: str = "1", **patient: Any) -> dict[str, Any]:
    whose = orders.patient(
        clinic,
        identifier=[{"system": orders.mrn_system(clinic), "value": f"{MRN}-{number}"}],
        name=[{"text": NAME}],
        **patient,
    )
    request = orders.service_request(
        identifier=[{"value": f"{NAME} {number}"}], reasonCode=[{"text": QUESTION}], note=[{"text": HISTORY}]
    )
    return orders.order(
        clinic, patient=whose, lesion=orders.body_structure(description=NOTE), request=request
    )


def test_fhir(api, side, watch: Watch, django_capture_on_commit_callbacks) -> None:
    def send(sent: dict[str, Any]) -> Any:
        return watch.note(api.post(ROOT, json.dumps(sent), content_type="application/fhir+json"))

    with django_capture_on_commit_callbacks(execute=True):
        taken = send(order(side.own.clinic))
    assert taken.status_code == 200, taken.content
    assert len(watch.messages) == 1
    case = Submission.objects.get()
    image = case.images.get()
    for path in (
        f"Patient/{case.lesion.patient_id}",
        f"BodyStructure/{case.lesion_id}",
        f"ServiceRequest/{case.pk}",
        f"DiagnosticReport/{case.pk}",
        f"Media/{image.pk}",
        f"Binary/{image.pk}",
        f"Observation/{image.predictions.get().pk}",
        "ServiceRequest?_include=ServiceRequest:subject&_revinclude=Media:based-on",
        "Patient",
    ):
        assert watch.note(api.get(f"{ROOT}/{path}")).status_code == 200, path
    for kind, word in (("Patient", f"{MRN}-1"), ("ServiceRequest", f"{NAME} 1")):
        found = watch.note(api.post(f"{ROOT}/{kind}/_search", f"identifier={word}", content_type=FORM))
        assert found.json()["total"] == 1
        watch.addresses += [link["url"] for link in found.json()["link"]]

    # What is refused is as private as what is taken.
    refused = [
        send(order(side.own.clinic, "2", birthDate=HISTORY)),
        send(order(side.own.clinic, "2", gender=NAME)),
        send(order(side.own.clinic) | {"type": NAME}),
        send(orders.transaction({"resource": {"resourceType": NAME}, "fullUrl": NAME})),
        api.post(ROOT, f"{{{HISTORY}", content_type="application/fhir+json"),
        api.get(f"{ROOT}/Patient?identifier={MRN}"),
        api.get(f"{ROOT}/Patient?_lastUpdated={NAME}"),
        api.get(f"{ROOT}/Patient?_cursor={base64.b64encode(NAME.encode()).decode()}"),
    ]
    for answer in refused:
        assert 400 <= answer.status_code < 500
        assert find_canaries(answer.content.decode()) == []
    assert watch.leaks() == {}
    assert find_canaries(read_audit_log()) == []
