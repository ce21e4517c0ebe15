"""Whose lesion it is, and what was asked about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifier.report.content import Fact, Group
from classifier.report.words import say_day, say_moment
from classifier.vocabulary import Source
from classifier.wording import describe_birth

if TYPE_CHECKING:
    from classifier.models import Lesion, Patient, Submission


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
    return (
        Fact("Question", submission.clinical_question.strip() or "None asked"),
        Fact("History", submission.clinical_history.strip() or "None given"),
        *histology,
    )


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
    return f"{say_day(patient.birth_date)}, {age}"


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
        Fact("Submitted", say_moment(submission.submitted_at)),
        Fact("By", by),
        *followed,
        Fact("Priority", submission.get_priority_display()),
    )
