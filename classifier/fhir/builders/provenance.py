"""Who did what in the portal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.fhir.elements import drop_empty, instant, refer_to
from classifier.fhir.systems import AUDIT_ACTION, CASE, HL7, coding, concept
from classifier.labels.audit import describe_action

if TYPE_CHECKING:
    from classifier.fhir.systems import JSON
    from classifier.models import Prediction, Review
    from classifier.models.audit_subjects import NamedPatient
    from portal.trust.audit.models import AuditEvent


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
FAILED = frozenset({"refused", "not_found", "throttled", "failed", "rejected", "undelivered"})
"""Words of actions that came to nothing."""
VERBS = {
    **dict.fromkeys(("viewed", "listed"), "R"),
    **dict.fromkeys(("created", "signed", "amended", "registered"), "C"),
    **dict.fromkeys(("acknowledged", "reopened", "taken_over"), "U"),
    **dict.fromkeys(("updated", "cancelled", "role_changed", "activated", "deactivated"), "U"),
    **dict.fromkeys(("revoked", "erased", "deleted"), "D"),
}


def build_audit_event(event: AuditEvent, patient: NamedPatient | None) -> JSON:
    """An event of the clinic's audit log: ids, codes and counts, as it is kept, and the patient it is about."""
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
            # https://hl7.org/fhir/R4/valueset-audit-event-outcome.html: success, or a minor failure.
            "outcome": "4" if FAILED & set(event.action.split(".")) else "0",
            "agent": [{"who": actor, "requestor": event.actor_id is not None}],
            "source": {"observer": refer_to("Organization", event.chain.clinic_id)},
            "entity": [*_entity(event), *_entity_of_patient(event, patient)],
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


def _entity_of_patient(event: AuditEvent, patient: NamedPatient | None) -> list[JSON]:
    if patient is None or (KINDS.get(event.object_type), event.object_id) == ("Patient", str(patient.pk)):
        return []
    return [
        {
            "what": refer_to("Patient", patient.pk),
            "type": coding(f"{HL7}/audit-entity-type", "1", "Person"),
            "role": coding(f"{HL7}/object-role", "1", "Patient"),
        }
    ]


# --- Provenance ---------------------------------------------------------------------------------


def build_prediction_provenance(prediction: Prediction) -> JSON:
    """Of a finished prediction: which network made it, of which image."""
    return drop_empty(
        {
            "resourceType": "Provenance",
            "id": str(prediction.pk),
            "target": [refer_to("Observation", prediction.pk)],
            "occurredPeriod": _period(prediction),
            "recorded": prediction.finished_at and instant(prediction.finished_at),
            "activity": concept(coding(CASE, "inference", "Judged by a network")),
            "agent": [_agent("performer", refer_to("Device", prediction.model_version_id))],
            "entity": [{"role": "source", "what": refer_to("Media", prediction.image_id)}],
        }
    )


def _period(prediction: Prediction) -> JSON | None:
    if not (prediction.started_at and prediction.finished_at):
        return None
    return {"start": instant(prediction.started_at), "end": instant(prediction.finished_at)}


def build_review_provenance(review: Review) -> JSON:
    """Of a signature or an amendment: who signed the report, and why it was amended."""
    report = refer_to("DiagnosticReport", review.submission_id)
    signer = _agent("author", refer_to("Practitioner", review.signed_by_id))
    signer["onBehalfOf"] = refer_to("Organization", review.submission.clinic_id)
    signed = coding(CASE, "signature", "Signed by a dermatologist")
    amended = coding(CASE, "amendment", "Amended by a dermatologist")
    before = refer_to("Provenance", review.amends_id) if review.amends_id else None
    return drop_empty(
        {
            "resourceType": "Provenance",
            "id": str(review.pk),
            "target": [report],
            "occurredDateTime": instant(review.signed_at),
            "recorded": instant(review.signed_at),
            "reason": [concept(text=review.amendment_reason)] if review.amendment_reason else [],
            "activity": concept(amended if before else signed),
            "agent": [signer],
            "entity": [{"role": "revision", "what": before}] if before else [],
        }
    )


def _agent(part: str, who: JSON) -> JSON:
    return {"type": concept(coding(f"{HL7}/provenance-participant-type", part)), "who": who}
