"""Examples for the schema: invented, whole, and valid (a test checks each against its own schema)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer

PATIENT = "6f1c2d34-8c55-4b0e-9a3f-0d7f6f0a1b01"
LESION = "6f1c2d34-8c55-4b0e-9a3f-0d7f6f0a1b02"
PERSON = "6f1c2d34-8c55-4b0e-9a3f-0d7f6f0a1b04"
CASE = "6f1c2d34-8c55-4b0e-9a3f-0d7f6f0a1b03"
SITE = "https://portal.example.org/api/v1"


def asked(name: str, value: dict[str, Any]) -> Any:
    """An example of a body that is sent."""
    return extend_schema_serializer(examples=[OpenApiExample(name, value=value, request_only=True)])


def answered(status: int, name: str, value: dict[str, Any]) -> Any:
    """An example of an answer."""
    kind = "application/problem+json" if status >= 400 else "application/json"  # noqa: PLR2004
    example = OpenApiExample(
        name, value=value, response_only=True, status_codes=[str(status)], media_type=kind
    )
    return extend_schema_serializer(examples=[example])


NEW_PATIENT = {
    "mrn": "MRN-004711",
    "birth_date": "1961-02-03",
    "sex": "female",
    "skin_type": "II",
    "consents_to_inference": True,
}
PATIENT_CHANGES = {"birth_date": "1961-03-02", "consents_to_inference": True}
NEW_CONSENT = {"purpose": "training", "is_given": False}
CONSENTS = {
    "patient": PATIENT,
    "inference": True,
    "teaching": None,
    "training": False,
    "history": [
        {
            "purpose": "training",
            "is_given": False,
            "origin": "stated",
            "recorded_at": "2026-11-24T09:12:33Z",
            "recorded_by": {"id": PERSON, "name": "Ada Invented"},
        }
    ],
}
ERASURE = {"reason": "request", "public_id": "P-7KQ2MXWD"}
ERASED = {"id": PATIENT, "public_id": "P-7KQ2MXWD", "erased_at": "2026-11-24T09:12:33Z"}
NEW_LESION = {
    "patient": PATIENT,
    "body_site": "trunk_posterior_trunk_upper_back",
    "laterality": "left",
    "note": "By the scar",
}
LESION_CHANGES = {"laterality": "right"}
NEW_SUBMISSION = {
    "patient_mrn": "MRN-004711",
    "birth_date": "1961-02-03",
    "sex": "female",
    "consents_to_inference": True,
    "body_site": "trunk_posterior_trunk_upper_back",
    "laterality": "left",
    "clinical_question": "Is excision advised?",
    "images": [
        {
            "name": "lesion.jpg",
            "data": "/9j/4AAQSkZJRgABAQ==",
            "capture_kind": "dermoscopic",
            "dermoscopic_type": "contact_polarized",
        },
        {"name": "where.jpg", "data": "/9j/4AAQSkZJRgABAQ==", "capture_kind": "overview"},
    ],
}
NEW_WEBHOOK = {
    "url": "https://records.example.org/dermaport",
    "description": "The records system",
    "events": ["prediction.succeeded", "review.signed"],
}
WEBHOOK_CHANGES = {"events": ["review.signed", "review.amended"], "is_active": True}
NEW_REVIEW = {
    "submission": CASE,
    "diagnosis": "melanoma",
    "agreement": "agrees",
    "management": "excise",
    "comment": "Atypical network, blue-white veil.",
}
AMENDMENT = {
    "diagnosis": "naevus",
    "management": "no_action",
    "agreement": "disagrees",
    "amendment_reason": "Histopathology came back.",
}
NEW_OUTCOME = {
    "lesion": LESION,
    "diagnosis": "melanoma_invasive",
    "procedure": "excision",
    "specimen_taken_on": "2026-03-02",
    "reported_on": "2026-03-09",
    "breslow_mm": 0.8,
}
CORRECTION = {
    "diagnosis": "melanoma_in_situ",
    "procedure": "excision",
    "specimen_taken_on": "2026-03-02",
    "reported_on": "2026-03-16",
    "correction_reason": "Second opinion.",
}
NEW_ACKNOWLEDGEMENT = {"done": "referred", "done_on": "2026-03-03", "note": "To the skin cancer clinic"}
CLAIM = {"takeover": True}
WITHDRAWAL = {"reason": "Sent for another lesion by mistake."}
ACCEPTED = {
    "id": CASE,
    "state": "in_work",
    "patient": PATIENT,
    "lesion": LESION,
    "url": f"{SITE}/submissions/{CASE}/",
    "status_url": f"{SITE}/submissions/{CASE}/status/",
    "notices": [],
}
STATUS = {
    "id": CASE,
    "state": "awaiting_review",
    "is_finished": True,
    "images": 1,
    "images_finished": 1,
    "position_in_queue": None,
    "url": f"{SITE}/submissions/{CASE}/",
}
PROBLEM = {
    "type": "/api/v1/errors/#invalid_input",
    "title": "Invalid input",
    "status": 400,
    "code": "invalid_input",
    "detail": "The birth date lies in the future.",
    "fields": [
        {
            "field": "birth_date",
            "code": "birth_date_impossible",
            "detail": "The birth date lies in the future.",
        }
    ],
}
