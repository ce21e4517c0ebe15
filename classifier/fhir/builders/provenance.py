"""Who or what made a result or a signature."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.fhir.elements import drop_empty, instant, refer_to
from classifier.fhir.systems import CASE, HL7, coding, concept

if TYPE_CHECKING:
    from classifier.fhir.systems import JSON
    from classifier.models import Prediction, Review


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
