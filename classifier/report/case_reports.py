"""PDF report: a case for the patient's record, with one event that says who took it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from classifier.cases.rows import load_cases
from classifier.domain.errors import ConflictError, UnavailableError
from classifier.domain.states import Headline
from classifier.intake.stored import read_derivative
from classifier.models import Submission
from classifier.report.building import build_report
from classifier.report.parts import LARGE_SIDE, SMALL_SIDE, Reduced, UnreadableError, reduce_picture
from classifier.standing.summary import CaseSummary, summarise
from portal.trust.accounts.permissions import require, role_in
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    import uuid

    from classifier.models import SubmissionImage
    from portal.trust.accounts.models import User

PDF_TYPE = "application/pdf"


@dataclass(frozen=True)
class CaseReport:
    """The file, and a name for it that tells nothing."""

    data: bytes
    filename: str


def export_report(*, actor: User, submission_id: uuid.UUID) -> CaseReport:
    """The report of a case as `actor` may see it: preliminary until a dermatologist signed.

    It is care, as printing the page is: consent to exports doesn't matter, and nothing is asked
    again. Raises PermissionDenied; ConflictError (report_unfinished, patient_erased);
    UnavailableError (image_unavailable).
    """
    # Half a second and 30 MB that most processes never need.
    from classifier.report.building import draw_report  # noqa: PLC0415

    submission, summary = _load(actor, submission_id)
    # Before the transaction: stores can be slow, and on SQLite others wait for its end.
    pictures = {a.image.pk: _reduce(a.image, summary) for a in summary.answers}
    with transaction.atomic():
        submission, summary = _load(actor, submission_id)
        content = build_report(
            submission,
            summary,
            pictures=pictures,
            printed_by=actor.get_full_name(),
            printed_at=timezone.now(),
        )
        record_event(
            clinic_id=submission.clinic_id,
            action="submission.report_exported",
            actor=actor,
            obj=submission,
            details={"format": "PDF"},
        )
    return CaseReport(draw_report(content), f"{submission.pk}.pdf")


def _load(actor: User, submission_id: uuid.UUID) -> tuple[Submission, CaseSummary]:
    """The case as it stands and as `actor` sees it, once there is something to report."""
    rows = load_cases(Submission.objects.all()).select_related("responsible")
    submission = rows.get(pk=submission_id)
    require(actor, submission.clinic_id, Action.REPORT)
    if submission.lesion.patient.erased_at is not None:
        raise ConflictError("patient_erased", "The patient's data were erased, so there is no report.")
    summary = summarise(submission, role=role_in(actor, submission.clinic_id))
    if summary.is_in_work:
        where = "waits in the queue" if summary.headline == Headline.QUEUED else "is in work"
        raise ConflictError(
            "report_unfinished",
            f"The case {where}, so there is nothing to report yet. Take the report when it is finished.",
        )
    return submission, summary


def _reduce(image: SubmissionImage, summary: CaseSummary) -> Reduced:
    """As large as its place needs: the image that speaks for the case is drawn large."""
    longest = LARGE_SIDE if image == summary.image else SMALL_SIDE
    try:
        return reduce_picture(read_derivative(image), longest)
    except UnreadableError as error:
        raise UnavailableError(
            "image_unavailable", "A stored image of this case can't be read. Tell your operator."
        ) from error
