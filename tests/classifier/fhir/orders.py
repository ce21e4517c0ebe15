"""Orders as an EHR sends them."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import quote

from tests.factories import draw_jpeg

PATIENT, LESION, REQUEST = (f"urn:uuid:00000000-0000-4000-8000-00000000000{number}" for number in (1, 2, 3))
ORDER_SYSTEM = "urn:ehr.example:order"
MRN = "MRN-FHIR-1"


def mrn_system(clinic) -> str:
    return f"urn:dermaport:identifier:mrn:{clinic.pk}"


def patient(clinic, **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": mrn_system(clinic), "value": MRN}],
        "gender": "female",
        "birthDate": "1961-02-03",
        "extension": [consent()],
        **changes,
    }


def consent(agrees: bool = True) -> dict[str, Any]:
    return {"url": "urn:dermaport:extension:consents-to-inference", "valueBoolean": agrees}


def body_structure(subject: str = PATIENT, **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "BodyStructure",
        "patient": {"reference": subject},
        "location": {
            "coding": [{"system": "urn:dermaport:code:body-site", "code": "trunk_posterior_trunk_upper_back"}]
        },
        "locationQualifier": [{"coding": [{"system": "http://snomed.info/sct", "code": "7771000"}]}],
        "description": "By the scar",
        **changes,
    }


def service_request(subject: str = PATIENT, **changes: Any) -> dict[str, Any]:
    return {
        "resourceType": "ServiceRequest",
        "identifier": [{"system": ORDER_SYSTEM, "value": "4711"}],
        "status": "active",
        "intent": "order",
        "priority": "urgent",
        "subject": {"reference": subject},
        "reasonCode": [{"text": "Is excision advised?"}],
        "note": [{"text": "Grew since spring."}],
        **changes,
    }


def media(seed: int = 0, subject: str = PATIENT, data: bytes | None = None, **changes: Any) -> dict[str, Any]:
    content = draw_jpeg(seed) if data is None else data
    return {
        "resourceType": "Media",
        "status": "completed",
        "subject": {"reference": subject},
        "content": {"contentType": "image/jpeg", "data": base64.b64encode(content).decode()},
        **changes,
    }


def entry(resource: dict[str, Any], full_url: str = "", **request: str) -> dict[str, Any]:
    kind = resource["resourceType"]
    return {
        **({"fullUrl": full_url} if full_url else {}),
        "resource": resource,
        "request": {"method": "POST", "url": kind, **request},
    }


def transaction(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def order(clinic, *pictures: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A new patient, a new lesion and the images; `patient`, `lesion` and `request` replace a part."""
    whose = changes.get("patient", patient(clinic))
    number = whose["identifier"][0]
    condition = f"identifier={quote(number.get('system', ''))}|{quote(number['value'])}"
    spots = changes.get("lesion", body_structure())
    return transaction(
        entry(whose, PATIENT, ifNoneExist=condition),
        *([entry(spots, LESION)] if spots else []),
        entry(changes.get("request", service_request()), REQUEST),
        *(entry(picture) for picture in pictures or (media(),)),
    )
