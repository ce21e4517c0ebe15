"""What a report says, ready to be drawn: words and numbers alone."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.formats import date_format

from classifier.domain.vocabulary import Source, StandingBasis
from classifier.labels.standing import format_case, format_finding_below, format_withdrawal, label_case
from classifier.labels.text import describe_birth, list_texts
from classifier.standing.hiding import hides_standing_of

if TYPE_CHECKING:
    from classifier.labels.diagnoses import DiagnosisList
    from classifier.models import Lesion, Outcome, Patient, Review, Submission
    from classifier.standing.summary import CaseSummary


@dataclass(frozen=True)
class Fact:
    label: str
    text: str


@dataclass(frozen=True)
class Group:
    """Facts that stand under one heading."""

    title: str
    facts: tuple[Fact, ...]


@dataclass(frozen=True)
class ReportStatus:
    """How far the report may be relied upon: a word for every page's foot, and the whole line."""

    word: str
    line: str
    is_signed: bool
    awaits_signature: bool
    """Whether there is something left to sign, by hand if need be."""


@dataclass(frozen=True)
class ReportStanding:
    """What the case is held for, and on whose word: what the report opens with.

    second: what the others had said, each a sentence.
    """

    icon: str
    word: str
    sentence: str
    second: tuple[str, ...]
    next_step: str
    by_people: bool


@dataclass(frozen=True)
class Scale:
    """The calibrated figure from 0 to 1, with the policy that made the outcome."""

    figure: str
    marker: float
    threshold: float
    low: float
    high: float
    has_band: bool
    key: str


@dataclass(frozen=True)
class ReportAnswer:
    """What the model says, or why it says nothing."""

    title: str
    icon: str
    word: str
    sentence: str
    scale: Scale | None
    frequency: str
    could_be: DiagnosisList | None
    next_step: str
    notes: tuple[str, ...]
    limits: tuple[str, ...]
    making: str


@dataclass(frozen=True)
class ReportPicture:
    """A JPEG, and what is said below it; `alternative` is for those who don't see it."""

    jpeg: bytes
    width: int
    height: int
    alternative: str
    icon: str
    caption: str


@dataclass(frozen=True)
class ReportReview:
    """The signed decision that stands."""

    management: str
    diagnosis: str
    comment: str
    amendment: str
    signature: str


@dataclass(frozen=True)
class ReportFinding:
    """One result of histopathology, oldest corrections included."""

    text: str
    is_current: bool
    details: tuple[str, ...]


@dataclass(frozen=True)
class Footer:
    """Stands on every page: a page that got lost still says whose it is."""

    subject: str
    printed: str


@dataclass(frozen=True)
class Report:
    clinic: str
    subject: str
    status: ReportStatus
    standing: ReportStanding
    groups: tuple[Group, ...]
    answer: ReportAnswer
    picture: ReportPicture | None
    others: tuple[ReportPicture, ...]
    review: ReportReview | None
    clinical: tuple[Fact, ...]
    findings: tuple[ReportFinding, ...]
    footer: Footer


# --- Moments and days ---------------------------------------------------------------------------
# Always with the year, since paper is kept.


def format_date_time(moment: dt.datetime) -> str:
    """As a case's page does: "3 March 2026, 14:02"."""
    return date_format(timezone.localtime(moment), "j F Y, H:i")


def format_date(day: dt.date | dt.datetime) -> str:
    return date_format(timezone.localtime(day) if isinstance(day, dt.datetime) else day, "j F Y")


# --- Patient and question -----------------------------------------------------------------------


def build_groups(submission: Submission) -> tuple[Group, ...]:
    lesion = submission.lesion
    return (
        Group("Patient", _describe_patient(lesion.patient)),
        Group("Lesion", _describe_lesion(lesion)),
        Group("Case", _describe_case(submission)),
    )


def build_clinical(submission: Submission, *, has_findings: bool) -> tuple[Fact, ...]:
    """What was asked; that there is no histopathology is said in a line, what there is has its own part."""
    histology = () if has_findings else (Fact("Histology", "None is recorded for this lesion"),)
    return (*(Fact(label, words) for label, words in list_texts(submission)), *histology)


def _describe_patient(patient: Patient) -> tuple[Fact, ...]:
    return (
        Fact("MRN", patient.mrn),
        Fact("Pseudonym", patient.public_id),
        Fact("Born", _describe_birth(patient)),
        Fact("Sex", patient.get_sex_display()),
        Fact("Skin type", patient.skin_type or "Not given"),
    )


def _describe_birth(patient: Patient) -> str:
    if patient.birth_date is None:
        return "Birth date not given"
    age = describe_birth(patient.birth_date).partition(", ")[2]
    return f"{format_date(patient.birth_date)}, {age}"


def _describe_lesion(lesion: Lesion) -> tuple[Fact, ...]:
    note = (Fact("Note", lesion.note),) if lesion.note else ()
    return (Fact("Site", lesion.site_name), Fact("Side", lesion.get_laterality_display()), *note)


def _describe_case(submission: Submission) -> tuple[Fact, ...]:
    by = submission.submitted_by.get_full_name()
    if submission.source != Source.PAGE:
        by = f"{by} ({submission.get_source_display()})"
    responsible = submission.responsible
    followed = (Fact("Followed by", responsible.get_full_name()),) if responsible else ()
    return (
        Fact("Submitted", format_date_time(submission.submitted_at)),
        Fact("By", by),
        *followed,
        Fact("Priority", submission.get_priority_display()),
    )


# --- Standing -----------------------------------------------------------------------------------


BY_THE_MODEL = "Preliminary, from the model alone."


def build_standing(submission: Submission, summary: CaseSummary) -> ReportStanding:
    """As the viewer of `summary` may read it. What the model says in sentences stands below, once."""
    is_hidden = hides_standing_of(submission, summary)
    label = label_case(submission, is_hidden=is_hidden)
    by_people = submission.standing_basis in (StandingBasis.HISTOPATHOLOGY, StandingBasis.REVIEW)
    if not by_people:
        is_answer = submission.standing_basis == StandingBasis.MODEL and not is_hidden
        sentence = BY_THE_MODEL if is_answer else format_withdrawal(submission)
        below = format_finding_below(submission, summary)
        return ReportStanding(label.icon, label.word, sentence, below, "", by_people=False)
    words = format_case(submission, summary)
    return ReportStanding(
        label.icon, label.word, words.sentence, words.second, words.next_step, by_people=True
    )


# --- Review and histopathology ------------------------------------------------------------------


def build_review(review: Review) -> ReportReview:
    amendment = f"Amended because: {review.amendment_reason}" if review.amendment_reason else ""
    return ReportReview(
        management=review.get_management_display(),
        diagnosis=f"{review.get_diagnosis_display()} · {review.get_agreement_display().lower()}",
        comment=review.comment,
        amendment=amendment,
        signature=(
            f"Signed electronically by {review.signed_by.get_full_name()}, {format_date_time(review.signed_at)}."
        ),
    )


def build_finding(outcome: Outcome) -> ReportFinding:
    """A row of `list_outcomes`, which says whether it is the one that counts."""
    is_current: bool = outcome.is_current  # type: ignore[attr-defined] # annotated by with_standing()
    name = outcome.get_diagnosis_display()
    name = name if is_current else f"{name} (changed since)"
    taken = f"{outcome.get_procedure_display().lower()} of {format_date(outcome.specimen_taken_on)}"
    breslow = f", Breslow {outcome.breslow_mm} mm" if outcome.breslow_mm else ""
    reason = f"Why changed: {outcome.correction_reason}" if outcome.correction_reason else ""
    recorded = f"Recorded {format_date_time(outcome.recorded_at)} by {outcome.recorded_by.get_full_name()}."
    return ReportFinding(
        text=f"{format_date(outcome.reported_on)}: {name}, {taken}{breslow}",
        is_current=is_current,
        details=tuple(filter(None, (outcome.comment, reason, recorded))),
    )
