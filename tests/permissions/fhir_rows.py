"""The rows of the FHIR server."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Callable
from typing import Any

from classifier.fhir.resources.cases import DIAGNOSTIC_REPORT
from classifier.fhir.versions import list_report_versions
from classifier.fhir.viewer import Viewer
from tests.factories import draw_jpeg
from tests.permissions import expectations as may
from tests.permissions.rows import IMAGE, JUDGED, LESION, PATIENT, PREDICTION, Row, pk, sent
from tests.permissions.world import World, own_event

FHIR_KINDS: list[tuple[str, Callable[[World], dict[str, Any]], may.Policy]] = [
    ("patient", PATIENT, may.API_ROW),
    ("body-structure", LESION, may.API_ROW),
    ("service-request", JUDGED, may.API_ROW),
    ("media", IMAGE, may.API_ROW),
    ("diagnostic-report", JUDGED, may.API_ROW),
    ("observation", PREDICTION, may.API_ROW),
    ("provenance", PREDICTION, may.API_ROW),
    # A network is every clinic's.
    ("device", pk(lambda w: w.model), may.API_MEMBERS),
    ("organization", pk(lambda w: w.side.own.clinic), may.API_ROW),
    ("practitioner", pk(lambda w: w.side.own.clinician), may.API_ROW),
]
TARGET = sent(target=str(uuid.uuid4()))


def new_case_by_fhir(world: World, _: str) -> dict[str, Any]:
    subject = {"reference": f"Patient/{world.judged.lesion.patient_id}"}
    return {
        "resourceType": "ServiceRequest",
        "identifier": [{"value": uuid.uuid4().hex}],
        "status": "active",
        "intent": "order",
        "subject": subject,
        "bodySite": [{"text": "Arm"}],
        "contained": [
            {
                "resourceType": "Media",
                "id": "m",
                "status": "completed",
                "content": {"data": base64.b64encode(draw_jpeg(2)).decode()},
            }
        ],
    }


def new_case_by_bundle(world: World, actor: str) -> dict[str, Any]:
    request = new_case_by_fhir(world, actor)
    entries = [request, *request.pop("contained")]
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"resource": one, "request": {"method": "POST", "url": one["resourceType"]}} for one in entries
        ],
    }


def version_of_report(world: World) -> dict[str, Any]:
    clinician = world.side.own.clinician
    viewer = Viewer(clinician, "http://testserver/fhir/r4", {world.side.own.clinic.pk: "clinician"})
    row = DIAGNOSTIC_REPORT.find(viewer, world.judged.pk)
    (current,) = list_report_versions(row, viewer, DIAGNOSTIC_REPORT.build)
    return {"pk": world.judged.pk, "version": current.version_id}


FHIR = [
    Row("fhir-base", "POST", may.FHIR_SUBMITTERS, data=new_case_by_bundle),
    Row("fhir-service-request-search", "POST", may.FHIR_SUBMITTERS, 201, data=new_case_by_fhir),
    Row("fhir-metadata", "GET", may.EVERYBODY),
    Row("fhir-code-system-search", "GET", may.EVERYBODY),
    Row("fhir-code-system", "GET", may.EVERYBODY, at=lambda _: {"key": "outcome"}),
    Row("fhir-binary", "GET", may.API_ROW, at=IMAGE),
    *(Row(f"fhir-{kind}", "GET", policy, at=at) for kind, at, policy in FHIR_KINDS),
    *(Row(f"fhir-{kind}-search", "GET", may.API_MEMBERS, data=TARGET) for kind, *_ in FHIR_KINDS),
    *(Row(f"fhir-{kind}-post-search", "POST", may.API_MEMBERS, data=TARGET) for kind, *_ in FHIR_KINDS),
    Row("fhir-diagnostic-report-history", "GET", may.API_ROW, at=JUDGED),
    Row("fhir-diagnostic-report-version", "GET", may.API_ROW, at=version_of_report),
    Row("fhir-audit-event", "GET", may.API_ROW_OF_ADMINISTRATORS, at=pk(own_event)),
    Row("fhir-audit-event-search", "GET", may.API_ADMINISTRATORS),
    Row("fhir-audit-event-post-search", "POST", may.API_ADMINISTRATORS),
]
