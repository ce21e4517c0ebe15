"""Who did what in the portal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.audit_words import describe_action
from classifier.fhir.elements import drop_empty, instant, refer_to
from classifier.fhir.systems import AUDIT_ACTION, CASE, coding

if TYPE_CHECKING:
    from classifier.fhir.systems import JSON
    from portal.audit.models import AuditEvent

KINDS = {
    "classifier.patient": "Patient",
    "classifier.lesion": "BodyStructure",
    "classifier.submission": "ServiceRequest",
    "classifier.submissionimage": "Media",
    "classifier.prediction": "Observation",
    "classifier.review": "Provenance",
    "classifier.modelversion": "Device",
    "accounts.user": "Practitioner",
    "accounts.clinic": "Organization",
}
"""Which resource stands for a row that an event names."""
VERBS = {
    **dict.fromkeys(("viewed", "listed"), "R"),
    **dict.fromkeys(("created", "signed", "amended", "registered"), "C"),
    **dict.fromkeys(("acknowledged", "reopened", "taken_over"), "U"),
    **dict.fromkeys(("updated", "cancelled", "role_changed", "activated", "deactivated"), "U"),
    **dict.fromkeys(("revoked", "erased", "deleted"), "D"),
}


def build_audit_event(event: AuditEvent) -> JSON:
    """An event of the clinic's trail: ids, codes and counts, as it is kept."""
    action = coding(AUDIT_ACTION, event.action, describe_action(event.action))
    actor = refer_to("Practitioner", event.actor_id) if event.actor_id else {"display": "The portal itself"}
    return drop_empty(
        {
            "resourceType": "AuditEvent",
            "id": str(event.pk),
            "type": coding(CASE, "portal-event", "Event of the portal"),
            "subtype": [action],
            "action": VERBS.get(event.action.rpartition(".")[2], "E"),
            "recorded": instant(event.occurred_at),
            "outcome": "0",
            "agent": [{"who": actor, "requestor": event.actor_id is not None}],
            "source": {"observer": refer_to("Organization", event.chain.clinic_id)},
            "entity": _entity(event),
        }
    )


def _entity(event: AuditEvent) -> list[JSON]:
    kind = KINDS.get(event.object_type)
    details = [
        {"type": name, "valueString": str(value)}
        for name, value in sorted(event.details.items())
        if value not in ("", None, [], {})
    ]
    return (
        [
            drop_empty(
                {
                    "what": refer_to(kind, event.object_id) if kind else None,
                    "name": "" if kind else event.object_type,
                    "detail": details,
                }
            )
        ]
        if kind or event.object_type or details
        else []
    )
