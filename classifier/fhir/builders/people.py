"""Patients and the spots on their skin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.domain.vocabulary import ModelLifecycle
from classifier.fhir.elements import drop_empty, refer_to, side_of, site_of
from classifier.fhir.systems import (
    CASE,
    CONSENT_EXTENSION,
    FIGURE,
    HL7,
    MODEL_SHA256,
    PSEUDONYM,
    SKIN_TYPE_EXTENSION,
    UCUM,
    coding,
    concept,
    mrn_system,
)

if TYPE_CHECKING:
    from classifier.fhir.systems import JSON
    from classifier.models import Lesion, ModelVersion, Patient
    from portal.trust.accounts.models import Clinic, User


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


# --- References ---------------------------------------------------------------------------------


IN_USE = {ModelLifecycle.ACTIVE, ModelLifecycle.SHADOW}


def build_organization(clinic: Clinic) -> JSON:
    return {
        "resourceType": "Organization",
        "id": str(clinic.pk),
        # What a sender needs to know beforehand: the system of this clinic's record numbers.
        "identifier": [
            {
                "type": concept(text="System of this clinic's medical record numbers"),
                "system": "urn:ietf:rfc:3986",
                "value": mrn_system(clinic.pk),
            }
        ],
        "active": True,
        "type": [concept(coding(f"{HL7}/organization-type", "prov", "Healthcare Provider"))],
        "name": clinic.name,
    }


def build_practitioner(user: User) -> JSON:
    """A person, or a system that acts in the portal."""
    return {
        "resourceType": "Practitioner",
        "id": str(user.pk),
        "active": user.is_active,
        "name": [{"use": "official", "text": user.get_full_name()}],
    }


def build_device(version: ModelVersion) -> JSON:
    """A network as registered: which file, and the policy that makes outcomes of its figures."""
    return drop_empty(
        {
            "resourceType": "Device",
            "id": str(version.pk),
            "identifier": [{"system": MODEL_SHA256, "value": version.sha256}],
            "status": "active" if version.lifecycle in IN_USE else "inactive",
            "deviceName": [{"name": version.name, "type": "model-name"}],
            "version": [{"value": version.version}],
            "type": concept(coding(CASE, "classifier", "Network that classifies dermoscopic images")),
            "property": _list_limits(version),
            "note": [{"text": "A second look for trained clinicians; not a medical device."}],
        }
    )


def _list_limits(version: ModelVersion) -> list[JSON]:
    names = {"threshold": "threshold", "refer_low": "refer-low", "refer_high": "refer-high"}
    policy = version.policy
    return [
        {
            "type": concept(coding(FIGURE, code)),
            "valueQuantity": [{"value": policy[name], "system": UCUM, "code": "1"}],
        }
        for name, code in names.items()
        if name in policy
    ]
