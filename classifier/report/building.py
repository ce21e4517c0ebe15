"""From a case to what its report says, by the functions that its page uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.cases.reviews import find_review_in_force
from classifier.outcome_rows import list_outcomes
from classifier.report.answering import build_answer
from classifier.report.content import Footer, Picture, Report, Status
from classifier.report.facts import build_clinical, build_groups
from classifier.report.signing import build_finding, build_review
from classifier.report.standing import build_standing
from classifier.report.words import say_day, say_moment
from classifier.templatetags.cases import image_chip
from classifier.templatetags.ui import percent
from classifier.wording import name_site

if TYPE_CHECKING:
    import datetime as dt
    import uuid
    from collections.abc import Mapping

    from classifier.case_summary import CaseSummary, ImageAnswer
    from classifier.models import Review, Submission
    from classifier.report.pictures import Reduced

UNSIGNED = "not signed by a dermatologist"
INTENDED_USE = "A second look for trained clinicians; not a medical device."


def build_report(
    submission: Submission,
    summary: CaseSummary,
    *,
    pictures: Mapping[uuid.UUID, Reduced],
    printed_by: str,
    printed_at: dt.datetime,
) -> Report:
    """What the viewer of `summary` reads on paper. `submission` comes from `load_cases`."""
    review = find_review_in_force(submission.reviews.all())
    shown = next((a for a in summary.answers if a.image == summary.image), None)
    findings = tuple(build_finding(row) for row in list_outcomes(submission.lesion))
    site, patient = name_site(submission.lesion), submission.lesion.patient
    return Report(
        clinic=submission.clinic.name,
        subject=f"{site}, submitted {say_day(submission.submitted_at)}",
        status=_find_status(submission, review),
        standing=build_standing(submission, summary),
        groups=build_groups(submission),
        answer=build_answer(submission, summary, is_signed=review is not None),
        picture=_show(shown, summary, site, pictures, is_large=True) if shown else None,
        others=tuple(
            _show(a, summary, site, pictures, is_large=False) for a in summary.answers if a is not shown
        ),
        review=build_review(review) if review else None,
        clinical=build_clinical(submission, has_findings=bool(findings)),
        findings=findings,
        footer=Footer(
            f"Patient {patient.mrn} · Case {submission.pk}",
            f"Printed {say_moment(printed_at)} by {printed_by}. {INTENDED_USE}",
        ),
    )


def _find_status(submission: Submission, review: Review | None) -> Status:
    if submission.cancelled_at is not None:
        word = f"WITHDRAWN: {UNSIGNED}"
        return Status(word, f"{word}, and without a result", is_signed=False, awaits_signature=False)
    if review is None:
        word = f"PRELIMINARY: {UNSIGNED}"
        return Status(word, word, is_signed=False, awaits_signature=True)
    word = "Amended" if review.amends_id else "Final"
    by = f"signed by {review.signed_by.get_full_name()} on {say_moment(review.signed_at)}"
    return Status(word, f"{word}, {by}", is_signed=True, awaits_signature=False)


def _show(
    answer: ImageAnswer,
    summary: CaseSummary,
    site: str,
    pictures: Mapping[uuid.UUID, Reduced],
    *,
    is_large: bool,
) -> Picture:
    """Large with what it is; small with its own word and, where it has one, figure."""
    image, picture, total = answer.image, pictures[answer.image.pk], len(summary.answers)
    chip = image_chip(answer)
    word: str = chip["word"]
    if answer.outcome and not answer.is_refused and total > 1 and answer.prediction:
        word = f"{word}, {percent(answer.prediction.calibrated_probability)}"
    name = f"Image {image.position} of {total}" if total > 1 else "Image"
    caption = f"{image.position}: {word}"
    if is_large:
        own = f"{name}: {word}." if total > 1 else ""
        kind = image.get_capture_kind_display()
        caption = f"{own} {kind}, {image.width}×{image.height} pixels; {_describe_print(picture)}".strip()
    return Picture(
        jpeg=picture.jpeg,
        width=picture.width,
        height=picture.height,
        alternative=f"{site}, image {image.position} of {total}",
        icon=chip["look"].icon,
        caption=caption,
    )


def _describe_print(picture: Reduced) -> str:
    return f"printed here at {picture.width}×{picture.height}, re-encoded."
