"""Send an order, and look at what it left behind."""

from __future__ import annotations

import json

from classifier.models import Lesion, Patient, Prediction, Submission, SubmissionImage
from portal.trust.audit.models import AuditEvent
from tests.classifier.fhir.conftest import FHIR_JSON, ROOT, check


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
