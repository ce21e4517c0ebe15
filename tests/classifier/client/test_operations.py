"""Every operation of the schema is a method of the client, asked as the schema takes it."""

from __future__ import annotations

import datetime as dt
import json
import re
from email.parser import BytesParser
from email.policy import HTTP

import httpx
import pytest

from classifier.client import ImageFile
from classifier.client.reading import read_record
from classifier.client.records import PatientRecord, SubmissionRecord
from tests.classifier.client.portal import Portal
from tests.classifier.client.shapes import ID, component, example, operations

DAY = dt.date(2026, 3, 2)
PICTURE = ImageFile(name="a.jpg", data=b"\xff\xd8")
COLLECTIONS = (
    *("clinics", "lesions", "model_versions", "outcomes", "patients"),
    *("predictions", "reviews", "submissions", "webhooks"),
)
FINDING = {"diagnosis": "naevus", "procedure": "biopsy", "specimen_taken_on": DAY, "reported_on": DAY}
DECISION = {
    "diagnosis": "naevus",
    "management": "biopsy",
    "agreement": "agrees",
    "comment": "x",
    "unseen_reason": "x",
}
PATIENT = read_record(
    PatientRecord, example({"$ref": "#/components/schemas/Patient"}) | {"id": ID}, etag='"tag"'
)
CASE = read_record(
    SubmissionRecord, example({"$ref": "#/components/schemas/Submission"}) | {"id": ID}, etag='"tag"'
)
WHO = {"birth_date": DAY, "sex": "female", "skin_type": "II"}

CALLS = {
    **{f"{name}_list": lambda c, name=name: list(getattr(c, name).list(page_size=7)) for name in COLLECTIONS},
    **{f"{name}_read": lambda c, name=name: getattr(c, name).get(ID) for name in COLLECTIONS},
    "me_read": lambda c: c.me(),
    "token_revoke": lambda c: c.revoke_token(),
    "images_derivative": lambda c: c.images.derivative(ID),
    "images_outline_request": lambda c: c.images.request_outline(ID),
    "images_outline_read": lambda c: c.images.outline(ID),
    "images_dicom": lambda c: c.images.dicom(ID, patient="identified"),
    "patients_create": lambda c: c.patients.create("A-1", clinic=ID, consents_to_inference=True, **WHO),
    "patients_change": lambda c: c.patients.change(ID, consents_to_inference=True, **WHO),
    "patients_consents": lambda c: c.patients.consents(ID),
    "patients_consent": lambda c: c.patients.record_consent(ID, "training", is_given=False),
    "patients_archive": lambda c: c.patients.archive(ID),
    "patients_erase": lambda c: c.patients.erase(PATIENT, reason="request"),
    "lesions_create": lambda c: c.lesions.create(ID, "unspecified", laterality="left", note="x"),
    "lesions_change": lambda c: c.lesions.change(ID, body_site="unspecified", laterality="left", note="x"),
    "submissions_create": lambda c: c.submissions.create(
        [PICTURE],
        **dict.fromkeys(("clinic", "patient", "lesion"), ID),
        **dict.fromkeys(("patient_mrn", "note", "clinical_question", "clinical_history"), "x"),
        **WHO,
        consents_to_inference=True,
        body_site="unspecified",
        laterality="left",
        priority="urgent",
    ),
    "submissions_status": lambda c: c.submissions.status(ID, wait=3),
    "submissions_report": lambda c: c.reports.pdf(ID),
    "submissions_cancel": lambda c: c.submissions.cancel(ID, reason="x", if_match='"tag"'),
    "submissions_acknowledge": lambda c: c.submissions.acknowledge(
        ID, "referred", done_on=DAY, note="x", if_match='"tag"'
    ),
    "submissions_take_back_acknowledgement": lambda c: c.submissions.take_back(CASE),
    "submissions_claim": lambda c: c.submissions.claim(ID, takeover=True),
    "submissions_release": lambda c: c.submissions.release(ID),
    "reviews_sign": lambda c: c.reviews.sign(ID, **DECISION, if_match='"tag"'),
    "reviews_amend": lambda c: c.reviews.amend(ID, reason="x", **DECISION),
    "outcomes_create": lambda c: c.outcomes.record(ID, **FINDING, breslow_mm=0.8, comment="x"),
    "outcomes_correct": lambda c: c.outcomes.correct(ID, **FINDING, reason="x", breslow_mm=0.8, comment="x"),
    "webhooks_create": lambda c: c.webhooks.create(
        "https://a.example", ["review.signed"], clinic=ID, description="x"
    ),
    "webhooks_update": lambda c: c.webhooks.change(
        ID, url="https://a.example", events=["review.signed"], description="x", is_active=True
    ),
    "webhooks_delete": lambda c: c.webhooks.delete(ID),
    "webhooks_test": lambda c: c.webhooks.test(ID),
    "webhooks_rotate_secret": lambda c: c.webhooks.rotate_secret(ID),
    "webhooks_deliveries_list": lambda c: list(c.webhooks.deliveries(ID, page_size=7)),
    "webhook_deliveries_redeliver": lambda c: c.webhooks.redeliver(ID),
}
WITHOUT = {"token_create"}
"""A program holds a token. It has no business with anybody's password."""


def answer_of(operation) -> httpx.Response:
    status = next(code for code in operation["responses"] if code.startswith("2"))
    content = operation["responses"][status].get("content", {})
    if "application/json" not in content:
        return httpx.Response(int(status), content=b"bytes")
    body = example(content["application/json"]["schema"])
    return httpx.Response(int(status), json=body)


def read_body(request: httpx.Request) -> dict:
    kind = request.headers.get("Content-Type", "")
    if not kind.startswith("multipart/"):
        return json.loads(request.content) if request.content else {}
    message = BytesParser(policy=HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n".encode() + request.content)
    return {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}


def test_no_operation_is_forgotten():
    assert set(CALLS) == set(operations()) - WITHOUT


@pytest.mark.parametrize("name", CALLS)
def test_operation_is_asked_as_the_schema_says(name):
    path, method, operation = operations()[name]
    portal = Portal([answer_of(operation)])
    CALLS[name](portal.client())
    (request,) = portal.asked
    assert request.method == method
    assert re.fullmatch(re.sub(r"\{\w+\}", ID, path), request.url.path)
    taken = {parameter["name"] for parameter in operation.get("parameters", ())}
    assert set(request.url.params) <= taken
    for header in ("Idempotency-Key", "If-Match", "If-None-Match"):
        assert header not in request.headers or header in taken, header
    assert ("Idempotency-Key" in request.headers) == ("Idempotency-Key" in taken)


@pytest.mark.parametrize("name", [name for name in CALLS if "requestBody" in operations()[name][2]])
def test_body_has_the_fields_of_the_schema(name):
    """All of them: what the API takes can be given."""
    operation = operations()[name][2]
    portal = Portal([answer_of(operation)])
    CALLS[name](portal.client())
    sent = read_body(portal.last)
    kinds = operation["requestBody"]["content"]
    kind = "multipart/form-data" if "multipart/form-data" in kinds else "application/json"
    taken = component(kinds[kind]["schema"]["$ref"].rpartition("/")[2])
    assert set(sent) == set(taken["properties"])
