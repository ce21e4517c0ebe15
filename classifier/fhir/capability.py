"""CapabilityStatement: what this server can do, in the form that a FHIR client reads first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.fhir.negotiation import FHIR_JSON
from classifier.fhir.resources import KINDS
from classifier.fhir.systems import (
    BODY_SITE,
    CAPTURE_KIND,
    CONSENT_EXTENSION,
    DERMOSCOPIC_TYPE,
    HL7,
    LATERALITY,
    MRN_PREFIX,
    SNOMED_CT,
    coding,
    concept,
)

if TYPE_CHECKING:
    from classifier.fhir.resources.base import Kind
    from classifier.fhir.systems import JSON

PUBLISHED = "2026-11-30"
"""When what stands here changed last."""
SECURITY = (
    "Send `Authorization: Bearer <token>`. A token comes from POST {token}, with the e-mail address and "
    "the password of a person or an integration, or from the portal's settings. Everybody sees the "
    "patients of their own clinics. Each read and search leaves an event in the clinic's audit log."
)
TRANSACTION = (
    "POST a transaction Bundle to the base address to submit a case; on an error nothing is kept. Its "
    "entries, each with request.method POST and the type as request.url: one ServiceRequest with an "
    "identifier of yours (sent again, it gives the case that it made first), whose subject is a Patient "
    "of this server or of the Bundle; at most one Patient, with an identifier whose system is "
    f"`{MRN_PREFIX}` and the id of the clinic's Organization (found by it, or created); at most one "
    "BodyStructure, whose patient is the same, referred to by the ServiceRequest's supportingInfo, as may "
    "be one of this server; from one Media, with content.data in base64, or content.url the fullUrl of a "
    f"Binary in the Bundle. The body site is a code of `{BODY_SITE}`, in BodyStructure.location or "
    f"ServiceRequest.bodySite; the side a code of {SNOMED_CT} (7771000 left, 24028007 right) or of "
    f"`{LATERALITY}`, in BodyStructure.locationQualifier or beside the site's code. Whether the patient "
    f"agrees that a model judges the images is the extension `{CONSENT_EXTENSION}`, valueBoolean, of the "
    "Patient or the ServiceRequest: nothing is presumed, and without it dermoscopic pictures of a patient "
    "whom nobody asked are refused, unless the clinic records consent elsewhere. Media.modality is DMS "
    f"(dermoscopic, as is what has no code), XC (close-up), or a code of `{CAPTURE_KIND}`; a picture with "
    "other codes alone is refused. Of a dermoscopic picture it "
    f"may have a code of `{DERMOSCOPIC_TYPE}` as well. The network judges dermoscopic pictures only, the "
    "others are shown and kept. Then read "
    "DiagnosticReport with the ServiceRequest's id until its status is preliminary, final, amended or "
    "cancelled."
)
CREATE = "As the transaction, with Patient, BodyStructure and Media in `contained`, referred to as #id."

HISTORY = "What it said before each signature, newest first, as you may see it today. Not paged."


def build_capability_statement(*, base: str, token_url: str) -> JSON:
    return {
        "resourceType": "CapabilityStatement",
        "id": "dermaport",
        "name": "Dermaport",
        "title": "Dermaport: classification and review of skin lesions",
        "status": "active",
        "date": PUBLISHED,
        "kind": "instance",
        "software": {"name": "Dermaport"},
        "implementation": {"description": "Dermaport's FHIR server", "url": base},
        "fhirVersion": "4.0.1",
        "format": [FHIR_JSON, "json"],
        "rest": [
            {
                "mode": "server",
                "documentation": TRANSACTION,
                "security": {
                    "cors": False,
                    "service": [concept(coding(f"{HL7}/restful-security-service", "OAuth", "OAuth"))],
                    "description": SECURITY.format(token=token_url),
                },
                "resource": [
                    *(_describe(kind) for kind in KINDS.values()),
                    _describe_binary(),
                    _describe_code_systems(),
                ],
                "interaction": [{"code": "transaction", "documentation": "The intake of a case."}],
            }
        ],
    }


def _describe(kind: Kind) -> JSON:
    described = {
        "type": kind.name,
        "documentation": kind.words,
        "interaction": _list_interactions(kind),
        "versioning": "versioned",
        "readHistory": kind.versions is not None,
        "searchInclude": [f"{kind.name}:{name}" for name in kind.includes],
        "searchRevInclude": list(kind.revincludes),
        "searchParam": [
            {"name": name, "type": param.kind, "documentation": param.words}
            for name, param in sorted(kind.params.items())
        ],
    }
    return {name: value for name, value in described.items() if value != []}


def _list_interactions(kind: Kind) -> list[JSON]:
    interactions: list[JSON] = [{"code": "read"}, {"code": "search-type"}]
    if kind.name == "ServiceRequest":
        interactions.append({"code": "create", "documentation": CREATE})
    if kind.versions is not None:
        interactions += [{"code": "vread"}, {"code": "history-instance", "documentation": HISTORY}]
    return interactions


def _describe_binary() -> JSON:
    return {
        "type": "Binary",
        "documentation": "The bytes of a Media; as a resource where Accept asks for application/fhir+json.",
        "interaction": [{"code": "read"}],
    }


def _describe_code_systems() -> JSON:
    return {
        "type": "CodeSystem",
        "documentation": "The codes of our own. Open without a log-in.",
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [
            {"name": "url", "type": "uri", "documentation": "The system, as it stands in a coding."}
        ],
    }
