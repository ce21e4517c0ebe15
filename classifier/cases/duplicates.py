"""Duplicates: the same picture, seen before in the clinic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classifier.labels.text import describe_day
from classifier.models import SubmissionImage

if TYPE_CHECKING:
    from classifier.models import Submission
    from classifier.standing.summary import CaseSummary


@dataclass(frozen=True)
class Duplicate:
    """One image of a case and the earlier case that holds the same picture."""

    position: int
    earlier: SubmissionImage
    is_same_patient: bool

    @property
    def words(self) -> str:
        return f"Image {self.position}: {describe_duplicate(self.earlier, same_patient=self.is_same_patient)}"


def describe_duplicate(earlier: SubmissionImage, *, same_patient: bool = False) -> str:
    """One sentence on where the picture was seen before."""
    case = earlier.submission
    whose = "this patient" if same_patient else f"patient {case.lesion.patient.public_id}"
    return f"The same picture was submitted on {describe_day(case.submitted_at)} for {whose}."


def find_duplicates(submission: Submission, summary: CaseSummary) -> list[Duplicate]:
    """Images of the case whose pixels an earlier, standing case of the clinic holds too."""
    by_pixels = {answer.image.pixel_sha256: answer.image.position for answer in summary.answers}
    earlier = (
        SubmissionImage.objects.filter(
            clinic_id=submission.clinic_id,
            pixel_sha256__in=list(by_pixels),
            submission__submitted_at__lt=submission.submitted_at,
            submission__cancelled_at__isnull=True,
        )
        .select_related("submission__lesion__patient")
        .order_by("submission__submitted_at")
    )
    newest = {image.pixel_sha256: image for image in earlier}
    patient_id = submission.lesion.patient_id
    return sorted(
        (
            Duplicate(by_pixels[key], image, image.submission.lesion.patient_id == patient_id)
            for key, image in newest.items()
        ),
        key=lambda duplicate: duplicate.position,
    )
