"""Code systems: a standard one where a code says the same; else one of our own.

Each system of our own is a CodeSystem that this server publishes (`classifier.fhir.terminology`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import uuid

    from django.db.models import TextChoices

JSON = dict[str, Any]

FHIR = "http://hl7.org/fhir"
HL7 = "http://terminology.hl7.org/CodeSystem"
SNOMED_CT = "http://snomed.info/sct"
LOINC = "http://loinc.org"
DICOM = "http://dicom.nema.org/resources/ontology/DCM"
UCUM = "http://unitsofmeasure.org"
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
ICD_11 = "http://id.who.int/icd/release/11/mms"

OURS = "urn:dermaport:code:"
"""Followed by the CodeSystem's id."""
BODY_SITE = f"{OURS}body-site"
CAPTURE_KIND = f"{OURS}capture-kind"
CASE = f"{OURS}case"
DERMOSCOPIC_TYPE = f"{OURS}dermoscopic-type"
DIAGNOSIS = f"{OURS}diagnosis"
ERROR = f"{OURS}error"
FIGURE = f"{OURS}figure"
ISIC_DIAGNOSIS = f"{OURS}isic-diagnosis"
HISTOPATHOLOGY = f"{OURS}histopathology"
LATERALITY = f"{OURS}laterality"
MANAGEMENT = f"{OURS}management"
MODEL_DIAGNOSIS = f"{OURS}model-diagnosis"
NONE_STANDS_OUT = "none-stands-out"
"""A code of MODEL_DIAGNOSIS."""
OUTCOME = f"{OURS}outcome"
STANDING = f"{OURS}standing"
AUDIT_ACTION = f"{OURS}audit-action"

MODEL_SHA256 = "urn:dermaport:identifier:model-sha256"
PSEUDONYM = "urn:dermaport:identifier:patient-pseudonym"
SKIN_TYPE_EXTENSION = "urn:dermaport:extension:fitzpatrick-skin-type"
CONSENT_EXTENSION = "urn:dermaport:extension:consents-to-inference"
MRN_PREFIX = "urn:dermaport:identifier:mrn:"
"""Followed by the id of the clinic's Organization: two clinics may use one number for two people."""


def mrn_system(clinic_id: uuid.UUID) -> str:
    return f"{MRN_PREFIX}{clinic_id}"


def coding(system: str, code: str, display: str = "") -> JSON:
    return {"system": system, "code": code, **({"display": display} if display else {})}


def concept(*codings: JSON, text: str = "") -> JSON:
    """A CodeableConcept; its text is the first display unless given."""
    text = text or next((one["display"] for one in codings if "display" in one), "")
    return {**({"coding": list(codings)} if codings else {}), **({"text": text} if text else {})}


def coded(system: str, choices: type[TextChoices], code: str) -> JSON:
    """A CodeableConcept from one of our vocabularies."""
    return concept(coding(system, code, str(choices(code).label)))
