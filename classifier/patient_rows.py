"""Patients and lesions as rows, each with its latest case, in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Exists, F, OuterRef, Subquery

from classifier.case_rows import CaseRow, build_rows, load_cases
from classifier.cases.search import search_patients
from classifier.models import Lesion, Patient, Submission
from classifier.states import SubmissionState
from classifier.wording import describe_birth

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from classifier.models.patient import PatientQuerySet
    from portal.accounts.models import Clinic, User

FILTERS = {"work": "In work", "review": "Waiting for review", "none": "Without a case"}
FILTER_STATES = {
    "work": SubmissionState.IN_WORK,
    "review": SubmissionState.AWAITING_REVIEW,
}
LESIONS_SHOWN = 24


@dataclass(frozen=True)
class PatientRow:
    """A patient in a list, with the case submitted last."""

    patient: Patient
    latest: CaseRow | None

    @property
    def facts(self) -> str:
        """Age, sex and how much there is: "born 1961, 65 years · female · 2 lesions"."""
        sex = self.patient.get_sex_display().lower() if self.patient.sex != "unknown" else ""
        lesions = _count(self.patient.lesion_count, "lesion")
        return " · ".join(part for part in (describe_birth(self.patient.birth_date), sex, lesions) if part)


@dataclass(frozen=True)
class LesionRow:
    """A lesion of a patient, with the case submitted last."""

    lesion: Lesion
    latest: CaseRow | None
    case_count: int


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def list_patients(*, user: User, clinic: Clinic, words: str, show: str) -> PatientQuerySet:
    """Patients of the clinic, the one submitted last first; `show` is a key of FILTERS."""
    patients = search_patients(Patient.objects.visible_to(user).filter(clinic=clinic), words, clinic=clinic)
    cases = Submission.objects.filter(lesion__patient=OuterRef("pk"))
    if show in FILTER_STATES:
        patients = patients.filter(Exists(cases.with_state(FILTER_STATES[show])))
    elif show == "none":
        patients = patients.filter(~Exists(cases))
    newest = cases.order_by("-submitted_at", "-id")
    return patients.annotate(
        latest_id=Subquery(newest.values("pk")[:1]),
        latest_at=Subquery(newest.values("submitted_at")[:1]),
        lesion_count=Count("lesions"),
    ).order_by(F("latest_at").desc(nulls_last=True), "-created_at", "pk")


def build_patient_rows(patients: Iterable[Patient], *, role: str) -> list[PatientRow]:
    """Rows with the latest case of each."""
    patients = list(patients)
    latest = _load_latest((p.latest_id for p in patients), role)
    return [PatientRow(p, latest.get(p.latest_id)) for p in patients]


def build_lesion_rows(patient: Patient, *, role: str) -> tuple[list[LesionRow], int]:
    """The lesions submitted last, at most LESIONS_SHOWN, and how many there are."""
    newest = Submission.objects.filter(lesion=OuterRef("pk")).order_by("-submitted_at", "-id")
    every = patient.lesions.annotate(
        latest_id=Subquery(newest.values("pk")[:1]),
        latest_at=Subquery(newest.values("submitted_at")[:1]),
        case_count=Count("submissions"),
    ).order_by(F("latest_at").desc(nulls_last=True), "-created_at")
    lesions = list(every[: LESIONS_SHOWN + 1])
    count = len(lesions) if len(lesions) <= LESIONS_SHOWN else patient.lesions.count()
    latest = _load_latest((lesion.latest_id for lesion in lesions), role)
    rows = [LesionRow(lesion, latest.get(lesion.latest_id), lesion.case_count) for lesion in lesions]
    return rows[:LESIONS_SHOWN], count


def _load_latest(ids: Iterable[uuid.UUID | None], role: str) -> dict[uuid.UUID | None, CaseRow]:
    cases = load_cases(Submission.objects.filter(pk__in=[pk for pk in ids if pk]))
    return {row.submission.pk: row for row in build_rows(cases, role=role)}
