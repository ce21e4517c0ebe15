"""From a case to what its report says, by the functions that its page uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.cases.histopathology import list_outcomes
from classifier.labels.looks import look_of_image
from classifier.labels.probability import format_score
from classifier.labels.text import name_site
from classifier.report.answering import build_answer
from classifier.report.content import (
    Footer,
    Report,
    ReportPicture,
    ReportStatus,
    build_clinical,
    build_finding,
    build_groups,
    build_review,
    build_standing,
    format_date,
    format_date_time,
)
from classifier.report.parts import (
    draw_answer,
    draw_clinical,
    draw_facts,
    draw_findings,
    draw_heading,
    draw_limits,
    draw_notes,
    draw_others,
    draw_review,
    draw_signature,
    draw_standing,
)
from classifier.report.sheet import SMALL, WIDTH, Sheet, make_printable
from classifier.standing.reviews import find_review_in_force

if TYPE_CHECKING:
    import datetime as dt
    import uuid
    from collections.abc import Callable, Mapping

    from classifier.models import Review, Submission
    from classifier.report.content import Report
    from classifier.report.parts import Reduced
    from classifier.standing.summary import CaseSummary, ImageAnswer


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
        subject=f"{site}, submitted {format_date(submission.submitted_at)}",
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
            f"Printed {format_date_time(printed_at)} by {printed_by}. {INTENDED_USE}",
        ),
    )


def _find_status(submission: Submission, review: Review | None) -> ReportStatus:
    if submission.cancelled_at is not None:
        word = f"WITHDRAWN: {UNSIGNED}"
        return ReportStatus(word, f"{word}, and without a result", is_signed=False, awaits_signature=False)
    if review is None:
        word = f"PRELIMINARY: {UNSIGNED}"
        return ReportStatus(word, word, is_signed=False, awaits_signature=True)
    word = "Amended" if review.amends_id else "Final"
    by = f"signed by {review.signed_by.get_full_name()} on {format_date_time(review.signed_at)}"
    return ReportStatus(word, f"{word}, {by}", is_signed=True, awaits_signature=False)


def _show(
    answer: ImageAnswer,
    summary: CaseSummary,
    site: str,
    pictures: Mapping[uuid.UUID, Reduced],
    *,
    is_large: bool,
) -> ReportPicture:
    """Large with what it is; small with its own word and, where it has one, figure."""
    image, picture, total = answer.image, pictures[answer.image.pk], len(summary.answers)
    look = look_of_image(answer)
    word = look.word
    if answer.outcome and total > 1 and answer.prediction and answer.prediction.score is not None:
        word = f"{word}, score {format_score(answer.prediction.score)}"
    name = f"Image {image.position} of {total}" if total > 1 else "Image"
    caption = f"{image.position}: {word}"
    if is_large:
        own = f"{name}: {word}." if total > 1 else ""
        kind = image.get_capture_kind_display()
        caption = f"{own} {kind}, {image.width}×{image.height} pixels; {_describe_print(picture)}".strip()
    return ReportPicture(
        jpeg=picture.jpeg,
        width=picture.width,
        height=picture.height,
        alternative=f"{site}, image {image.position} of {total}",
        icon=look.icon,
        caption=caption,
    )


def _describe_print(picture: Reduced) -> str:
    return f"printed here at {picture.width}×{picture.height}, re-encoded."


# --- PDF ----------------------------------------------------------------------------------------


GAPS = "Some characters can't be printed here: each stands as □. The portal shows them."


def draw_report(content: Report) -> bytes:
    """The PDF of a case: one page where its texts are short, as many as they need otherwise.

    A signature says nothing on a page of its own: where it would stand there, the part above it goes along.
    """
    report, has_gaps = make_printable(content)
    sheet, stands_alone = _draw(report, has_gaps=has_gaps)
    if stands_alone:
        sheet.close()
        sheet, _ = _draw(report, has_gaps=has_gaps, moves_last=True)
    return sheet.finish()


def _draw(report: Report, *, has_gaps: bool, moves_last: bool = False) -> tuple[Sheet, bool]:
    """The report, its last part on a new page if so asked, and whether its signature stands alone on one."""
    sheet = Sheet(status=report.status, footer=report.footer)
    sheet.set_fill_color(0)
    draw_heading(sheet, report)
    draw_standing(sheet, report.standing)
    draw_facts(sheet, report.groups)
    draw_answer(sheet, report)
    draw_notes(sheet, report.answer)
    draw_review(sheet, report.review)
    draw_others(sheet, report.others)
    parts: list[Callable[[], None]] = [lambda: draw_clinical(sheet, report.clinical)]
    if report.findings:
        parts.append(lambda: draw_findings(sheet, report.findings))
    if report.answer.limits or report.answer.making:
        parts.append(lambda: draw_limits(sheet, report.answer))
    for part in parts:
        if moves_last and part is parts[-1]:
            sheet.begin_page()
        part()
    if has_gaps:
        sheet.gap(2)
        sheet.paragraph(GAPS, width=WIDTH, points=SMALL, bold=True)
    return sheet, draw_signature(sheet, report)
