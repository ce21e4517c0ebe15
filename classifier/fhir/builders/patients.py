"""Patients and the spots on their skin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.fhir.elements import drop_empty, refer_to, side_of, site_of
from classifier.fhir.systems import (
    CONSENT_EXTENSION,
    HL7,
    PSEUDONYM,
    SKIN_TYPE_EXTENSION,
    coding,
    concept,
    mrn_system,
)

if TYPE_CHECKING:
    from classifier.fhir.systems import JSON
    from classifier.models import Lesion, Patient


def build_patient(patient: Patient) -> JSON:
    """Without a name: the portal keeps none."""
    return drop_empty(
        {
            "resourceType": "Patient",
            "id": str(patient.pk),
            "extension": [*_skin_type(patient), *_consent(patient)],
            "identifier": [
                {
                    "use": "usual",
                    "type": concept(coding(f"{HL7}/v2-0203", "MR", "Medical record number")),
                    "system": mrn_system(patient.clinic_id),
                    "value": patient.mrn,
                    "assigner": refer_to("Organization", patient.clinic_id),
                },
                {"use": "secondary", "system": PSEUDONYM, "value": patient.public_id},
            ],
            "active": True,
            "gender": patient.sex,
            "birthDate": patient.birth_date and patient.birth_date.isoformat(),
            "managingOrganization": refer_to("Organization", patient.clinic_id),
        }
    )


def _skin_type(patient: Patient) -> list[JSON]:
    return [{"url": SKIN_TYPE_EXTENSION, "valueCode": patient.skin_type}] if patient.skin_type else []


def _consent(patient: Patient) -> list[JSON]:
    """Left out where nobody asked: that is no answer."""
    agrees = patient.consents_to_inference
    return [] if agrees is None else [{"url": CONSENT_EXTENSION, "valueBoolean": agrees}]


def build_body_structure(lesion: Lesion) -> JSON:
    side = side_of(lesion)
    return drop_empty(
        {
            "resourceType": "BodyStructure",
            "id": str(lesion.pk),
            "identifier": [{"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{lesion.pk}"}],
            "active": True,
            "morphology": concept(text="Lesion of the skin"),
            "location": site_of(lesion),
            "locationQualifier": [side] if side else [],
            "description": lesion.note,
            "patient": refer_to("Patient", lesion.patient_id),
        }
    )
