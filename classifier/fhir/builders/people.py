"""Who a resource refers to: clinics, the people in them, and the networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.fhir.elements import drop_empty
from classifier.fhir.systems import CASE, FIGURE, HL7, MODEL_SHA256, UCUM, coding, concept, mrn_system
from classifier.vocabulary import ModelLifecycle

if TYPE_CHECKING:
    from classifier.fhir.systems import JSON
    from classifier.models import ModelVersion
    from portal.accounts.models import Clinic, User

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
