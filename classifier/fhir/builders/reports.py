"""A case's answer: what it is held for, preliminary from the model, final when signed, amended after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.domain.states import Headline
from classifier.domain.vocabulary import (
    Diagnosis,
    Histopathology,
    Management,
    ModelAnswer,
    Standing,
    StandingBasis,
)
from classifier.fhir.elements import drop_empty, instant, refer_to
from classifier.fhir.systems import (
    CASE,
    DIAGNOSIS,
    HISTOPATHOLOGY,
    HL7,
    LOINC,
    MANAGEMENT,
    OUTCOME,
    SNOMED_CT,
    STANDING,
    coded,
    coding,
    concept,
)
from classifier.labels.answers import choose_words
from classifier.labels.standing import (
    differs_from_model,
    format_case,
    format_finding_below,
    format_model_below,
    format_withdrawal,
)
from classifier.standing.hiding import hides_standing_of
from classifier.standing.reviews import find_review_in_force
from classifier.standing.summary import IN_WORK

if TYPE_CHECKING:
    import datetime as dt

    from django.db.models import TextChoices

    from classifier.fhir.systems import JSON
    from classifier.models import Review, Submission
    from classifier.standing.summary import CaseSummary

UNDECIDED = ("", Standing.IN_WORK, Standing.WITHDRAWN)
NOTHING_YET = IN_WORK | {Headline.FAILED, Headline.REJECTED, Headline.NOT_ASKED}
SNOMED_DIAGNOSES = {
    Diagnosis.MELANOMA: ("372244006", "Malignant melanoma"),
    Diagnosis.BASAL_CELL_CARCINOMA: ("254701007", "Basal cell carcinoma of skin"),
    Diagnosis.SQUAMOUS_CELL_CARCINOMA: ("254651007", "Squamous cell carcinoma of skin"),
}
SNOMED_HISTOPATHOLOGY = {
    Histopathology.BASAL_CELL_CARCINOMA: SNOMED_DIAGNOSES[Diagnosis.BASAL_CELL_CARCINOMA],
    Histopathology.SQUAMOUS_CELL_CARCINOMA: SNOMED_DIAGNOSES[Diagnosis.SQUAMOUS_CELL_CARCINOMA],
}
"""Only where the concept says no more and no less than our own word."""


def build_diagnostic_report(submission: Submission, summary: CaseSummary, *, pdf: str) -> JSON:
    """A case as the viewer of `summary` sees it. Needs what `summarise` and `format_case` need.

    `pdf` is where the report on paper is fetched, once there is something to report.
    """
    reviews = submission.reviews.all()
    current = find_review_in_force(reviews)
    issued = current.signed_at if current else _find_end(summary)
    if submission.standing_basis == StandingBasis.HISTOPATHOLOGY and submission.standing_at:
        issued = max(filter(None, (issued, submission.standing_at)))
    return drop_empty(
        {
            "resourceType": "DiagnosticReport",
            "id": str(submission.pk),
            "basedOn": [refer_to("ServiceRequest", submission.pk)],
            "status": find_status(summary, signed=len(reviews)),
            "category": [concept(coding(f"{HL7}/v2-0074", "IMG", "Diagnostic Imaging"))],
            "code": concept(
                coding(LOINC, "18748-4", "Diagnostic imaging study"),
                coding(CASE, "lesion-assessment", "Assessment of a skin lesion from images"),
                text="Assessment of a skin lesion from images",
            ),
            "subject": refer_to("Patient", submission.lesion.patient_id),
            "effectiveDateTime": instant(submission.submitted_at),
            "issued": issued and instant(issued),
            "performer": [refer_to("Organization", submission.clinic_id)],
            "resultsInterpreter": [refer_to("Practitioner", current.signed_by_id)] if current else [],
            "result": [refer_to("Observation", a.prediction.pk) for a in summary.answers if a.prediction],
            "media": [{"link": refer_to("Media", answer.image.pk)} for answer in summary.answers],
            "conclusion": _conclude(submission, current, summary),
            "conclusionCode": _code(submission, current, summary),
            "presentedForm": [_present(pdf)] if not summary.is_in_work else [],
        }
    )


def _present(pdf: str) -> JSON:
    # True of an earlier version too: there is one address, and it gives what stands today.
    title = "Dermoscopy report as it stands when it is fetched"
    return {"contentType": "application/pdf", "language": "en", "url": pdf, "title": title}


def find_status(summary: CaseSummary, *, signed: int) -> str:
    if summary.headline == Headline.CANCELLED:
        return "cancelled"
    if signed:
        return "amended" if signed > 1 else "final"
    # Registered says that a report will come and holds nothing yet: a model without an answer
    # leaves the case to the dermatologist.
    return "registered" if summary.headline in NOTHING_YET else "preliminary"


def _find_end(summary: CaseSummary) -> dt.datetime | None:
    if summary.headline in IN_WORK:
        return None
    ends = [a.prediction.finished_at for a in summary.answers if a.prediction and a.prediction.finished_at]
    return max(ends, default=None)


def _conclude(submission: Submission, review: Review | None, summary: CaseSummary) -> str:
    """What the case is held for comes first, and says whose word it is."""
    if _is_proven(submission, summary):
        # What was said before is told as that: a bare "naevus, no further action" would read as the finding,
        # and what the model advised was for a lesion that nobody had looked at under a microscope.
        words = format_case(submission, summary)
        parts = [words.sentence, *words.second, words.next_step]
        if review is not None:
            parts.insert(2, review.comment)
    elif review is None:
        parts = [
            _conclude_alone(summary),
            format_withdrawal(submission),
            *format_finding_below(submission, summary),
        ]
    else:
        second = format_model_below(submission) if differs_from_model(submission) else ""
        parts = [
            f"{review.get_diagnosis_display()}.",
            f"{review.get_management_display()}.",
            review.comment,
            *format_finding_below(submission, summary),
            f"{second}." if second else "",
        ]
    return " ".join(part for part in parts if part)


def _is_proven(submission: Submission, summary: CaseSummary) -> bool:
    """Whether the pathologist's word holds, and may be told: a blinded reader is not to infer the model's."""
    is_finding = submission.standing_basis == StandingBasis.HISTOPATHOLOGY
    return is_finding and not hides_standing_of(submission, summary)


def _conclude_alone(summary: CaseSummary) -> str:
    words = choose_words(summary)
    if not summary.is_judged:
        return f"{words.sentence} {words.next_step}".strip()
    return f"Preliminary, from the model alone. {words.sentence} {words.next_step}"


def _code(submission: Submission, review: Review | None, summary: CaseSummary) -> list[JSON]:
    """The diagnosis that holds, alone of its kind: whoever reads the first code reads the right one."""
    found = []
    if _is_proven(submission, summary):
        found.append(_code_diagnosis(HISTOPATHOLOGY, Histopathology, submission.standing_diagnosis))
    elif review is not None:
        found.append(_code_diagnosis(DIAGNOSIS, Diagnosis, review.diagnosis))
    elif summary.outcome:
        found.append(coded(OUTCOME, ModelAnswer, summary.outcome))
    if review is not None:
        found.append(coded(MANAGEMENT, Management, review.management))
    if not hides_standing_of(submission, summary) and submission.standing not in UNDECIDED:
        found.append(coded(STANDING, Standing, submission.standing))
    return found


def _code_diagnosis(system: str, words: type[TextChoices], code: str) -> JSON:
    diagnosis = coded(system, words, code)
    known: dict[Any, tuple[str, str]] = {
        **(SNOMED_HISTOPATHOLOGY if words is Histopathology else SNOMED_DIAGNOSES)
    }
    if code in known:
        diagnosis["coding"].append(coding(SNOMED_CT, *known[code]))
    return diagnosis
