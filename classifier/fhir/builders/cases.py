"""What was asked about a lesion, and the pictures that were sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.domain.modalities import MODALITIES
from classifier.domain.vocabulary import CaptureKind, DermoscopicType
from classifier.fhir.elements import drop_empty, instant, refer_to, site_of
from classifier.fhir.systems import CAPTURE_KIND, CASE, DERMOSCOPIC_TYPE, DICOM, HL7, coded, coding, concept
from classifier.intake import DERIVATIVE_CONTENT_TYPE

if TYPE_CHECKING:
    from classifier.fhir.systems import JSON
    from classifier.models import Submission, SubmissionImage


def build_service_request(submission: Submission) -> JSON:
    """A case as an order. Needs its images and reviews."""
    lesion = submission.lesion
    pictures = sorted(submission.images.all(), key=lambda image: image.position)
    return drop_empty(
        {
            "resourceType": "ServiceRequest",
            "id": str(submission.pk),
            "status": _find_status(submission),
            "intent": "order",
            "priority": submission.priority,
            "code": concept(coding(CASE, "lesion-assessment", "Assessment of a skin lesion from images")),
            "subject": refer_to("Patient", lesion.patient_id),
            "authoredOn": instant(submission.submitted_at),
            "requester": refer_to("Practitioner", submission.submitted_by_id),
            "performer": [refer_to("Organization", submission.clinic_id)],
            "reasonCode": [{"text": submission.clinical_question}] if submission.clinical_question else [],
            "note": [{"text": submission.clinical_history}] if submission.clinical_history else [],
            "bodySite": [site_of(lesion)],
            "supportingInfo": [
                refer_to("BodyStructure", lesion.pk),
                *(refer_to("Media", image.pk) for image in pictures),
            ],
        }
    )


def _find_status(submission: Submission) -> str:
    if submission.cancelled_at is not None:
        return "revoked"
    return "completed" if submission.reviews.all() else "active"


def build_media(image: SubmissionImage, *, base: str) -> JSON:
    """An image; its bytes are the Binary of the same id, rebuilt from pixels and without metadata."""
    lesion = image.submission.lesion
    sent_at = instant(image.submission.submitted_at)
    kind = CaptureKind(image.capture_kind)
    return {
        "resourceType": "Media",
        "id": str(image.pk),
        "basedOn": [refer_to("ServiceRequest", image.submission_id)],
        "status": "completed",
        "type": concept(coding(f"{HL7}/media-type", "image", "Image")),
        "modality": concept(
            coding(DICOM, *MODALITIES[kind]),
            coded(CAPTURE_KIND, CaptureKind, kind)["coding"][0],
            *_code_type(image),
        ),
        "subject": refer_to("Patient", lesion.patient_id),
        "issued": sent_at,
        "bodySite": site_of(lesion),
        "width": image.width,
        "height": image.height,
        "content": {
            "contentType": DERIVATIVE_CONTENT_TYPE,
            "url": f"{base}/Binary/{image.pk}",
            "creation": sent_at,
        },
    }


def _code_type(image: SubmissionImage) -> list[JSON]:
    """How a dermoscopic picture was lit, where its sender said it."""
    if not image.dermoscopic_type:
        return []
    found: list[JSON] = coded(DERMOSCOPIC_TYPE, DermoscopicType, image.dermoscopic_type)["coding"]
    return found
