"""Rows of lists: cases, and patients and lesions with the worst that is open of each, in a fixed number of queries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Case, Count, Exists, F, IntegerField, OuterRef, Q, Subquery, Value, When

from classifier.cases.search import MOST_FOUND, search_patients
from classifier.domain.states import SubmissionState
from classifier.domain.vocabulary import Standing
from classifier.labels.text import describe_birth
from classifier.models import Lesion, Patient, Submission
from classifier.patients.look_alikes import find_look_alikes
from classifier.standing.hiding import (
    has_unread_answer,
    hides_worst,
    is_blinded,
    when_place_is_hidden,
    when_worst_is_hidden,
)
from classifier.standing.queries import HIDDEN_RANK
from classifier.standing.summary import CaseSummary, summarise, summary_prefetches

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable

    from classifier.models.patient import PatientQuerySet
    from classifier.models.submission import SubmissionQuerySet
    from portal.trust.accounts.models import Clinic, User


# --- Cases --------------------------------------------------------------------------------------
# As every list of pages shows them, loaded in a fixed number of queries.


@dataclass(frozen=True)
class CaseRow:
    """One case in a list; `note` says why it stands there."""

    submission: Submission
    summary: CaseSummary
    note: str = ""


def load_cases(submissions: SubmissionQuerySet) -> SubmissionQuerySet:
    """Add everything that rows and summaries read."""
    return submissions.select_related(
        "clinic", "lesion__patient", "submitted_by", "responsible"
    ).prefetch_related(*summary_prefetches())


def build_rows(submissions: Iterable[Submission], *, role: str) -> list[CaseRow]:
    """Rows as a person with `role` in the cases' clinic may see them; the cases come from `load_cases`."""
    return [CaseRow(case, summarise(case, role=role)) for case in submissions]


# --- Patients and lesions -----------------------------------------------------------------------


FILTERS = {"work": "In work", "review": "Waiting for review", "none": "Without a case"}
LOOK_ALIKE = "alike"
FILTERS_OF_ADMINISTRATORS = {LOOK_ALIKE: "Look-alike numbers"}
FILTER_STATES = {
    "work": SubmissionState.IN_WORK,
    "review": SubmissionState.AWAITING_REVIEW,
}
ORDERS = {"": "Newest", "risk": "Risk"}
LESIONS_SHOWN = 24


@dataclass(frozen=True)
class PatientRow:
    """A patient in a list, with the case submitted last and the one that the standing comes from.

    `is_hidden` where the viewer is to read before knowing the standing.
    """

    patient: Patient
    latest: CaseRow | None
    worst: CaseRow | None = None
    is_hidden: bool = False

    @property
    def shown(self) -> CaseRow | None:
        """The case whose picture stands for the patient; it gives no hidden standing away."""
        return self.latest if self.is_hidden else self.worst or self.latest

    @property
    def facts(self) -> str:
        """Age, sex and how much there is: "born 1961, 65 years · female · 2 lesions"."""
        sex = self.patient.get_sex_display().lower() if self.patient.sex != "unknown" else ""
        lesions = _count(self.patient.lesion_count, "lesion")  # type: ignore[attr-defined]  # annotated by the query
        return " · ".join(part for part in (describe_birth(self.patient.birth_date), sex, lesions) if part)


@dataclass(frozen=True)
class LesionRow:
    """A lesion of a patient, with the case submitted last and the one that the standing comes from."""

    lesion: Lesion
    latest: CaseRow | None
    case_count: int
    worst: CaseRow | None = None
    is_hidden: bool = False

    @property
    def shown(self) -> CaseRow | None:
        """The case whose picture stands for the lesion; it gives no hidden standing away."""
        return self.latest if self.is_hidden else self.worst or self.latest


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def list_patients(
    *, user: User, clinic: Clinic, words: str, show: str, by: str = "", hides_unread: bool = False
) -> PatientQuerySet:
    """Patients of the clinic, the one submitted last first, or `by` risk the most worrying.

    `show` is a key of FILTERS or FILTERS_OF_ADMINISTRATORS, `by` one of ORDERS. Of look-alike record numbers
    those that are alike stand together. `hides_unread` is for a dermatologist of a clinic that
    hides results until they are read: what follows from one moves no patient up or down.
    """
    everybody = Patient.objects.visible_to(user).filter(clinic=clinic)
    patients = search_patients(everybody, words, clinic=clinic)
    cases = Submission.objects.filter(lesion__patient=OuterRef("pk"))
    if show in FILTER_STATES:
        patients = patients.filter(Exists(cases.with_state(FILTER_STATES[show])))
    elif show == "none":
        patients = patients.filter(~Exists(cases))
    elif show == LOOK_ALIKE:
        groups = find_look_alikes(everybody)
        if words:
            # Words that find one find those that look like it, too: theirs may be spelt so that they don't.
            found = set(patients.values_list("pk", flat=True))
            groups = [group for group in groups if found.intersection(group)]
        alike = [pk for group in groups for pk in group][:MOST_FOUND]
        patients = everybody.filter(pk__in=alike)
    newest = cases.order_by("-submitted_at", "-id")
    patients = patients.select_related("clinic").annotate(
        latest_id=Subquery(newest.values("pk")[:1]),
        latest_at=Subquery(newest.values("submitted_at")[:1]),
        worst_id=F("standing_lesion__standing_case"),
        has_unread=has_unread_answer(cases),
        lesion_count=Count("lesions"),
    )
    last_first = (F("latest_at").desc(nulls_last=True), "-created_at", "pk")
    if show == LOOK_ALIKE and alike:
        places = [When(pk=pk, then=Value(place)) for place, pk in enumerate(alike)]
        return patients.annotate(place=Case(*places, output_field=IntegerField())).order_by("place")
    if by != "risk":
        return patients.order_by(*last_first)
    is_hidden = when_place_is_hidden(when_worst_is_hidden(cases))
    hidden = [When(is_hidden, then=Value(HIDDEN_RANK))] if hides_unread else []
    rank = Case(*hidden, default=F("standing_rank"), output_field=IntegerField())
    return patients.annotate(risk_rank=rank).order_by("risk_rank", *last_first)


def build_patient_rows(patients: Iterable[Patient], *, role: str) -> list[PatientRow]:
    """Rows with the latest and the most worrying case of each."""
    annotated: list[Any] = list(patients)
    cases = _load_cases((pk for p in annotated for pk in (p.latest_id, p.worst_id)), role)
    return [
        PatientRow(
            p,
            cases.get(p.latest_id),
            cases.get(p.worst_id),
            is_hidden=hides_worst(p, p.clinic, role, has_unread=p.has_unread),
        )
        for p in annotated
    ]


def build_lesion_rows(patient: Patient, *, role: str, shows_all: bool = False) -> tuple[list[LesionRow], int]:
    """Lesions as rows, at most LESIONS_SHOWN unless `shows_all`, and how many there are.

    First what must not fall behind the end of the list: malignant ones, those with an open order, and the
    one that the patient's standing comes from; then those submitted last. From who is to read before
    seeing the model's answer, the place of a lesion tells nothing that follows from it alone.
    """
    cases_of = Submission.objects.filter(lesion=OuterRef("pk"))
    newest = cases_of.order_by("-submitted_at", "-id")
    is_grave = Q(standing=Standing.MALIGNANT)
    if is_blinded(patient.clinic, role):
        is_grave &= ~when_worst_is_hidden(cases_of)
    else:
        is_grave |= Q(pk=patient.standing_lesion_id)
    every = patient.lesions.annotate(
        is_first=Case(
            When(is_grave | Exists(cases_of.with_open_order()), then=Value(0)),
            default=Value(1),
            output_field=IntegerField(),
        ),
        latest_id=Subquery(newest.values("pk")[:1]),
        latest_at=Subquery(newest.values("submitted_at")[:1]),
        case_count=Count("submissions"),
        has_unread=has_unread_answer(cases_of),
    ).order_by("is_first", F("latest_at").desc(nulls_last=True), "-created_at", "pk")
    lesions: list[Any] = list(every if shows_all else every[:LESIONS_SHOWN])
    count = len(lesions) if shows_all or len(lesions) < LESIONS_SHOWN else patient.lesions.count()
    cases = _load_cases((pk for row in lesions for pk in (row.latest_id, row.standing_case_id)), role)
    rows = [
        LesionRow(
            lesion,
            cases.get(lesion.latest_id),
            lesion.case_count,
            cases.get(lesion.standing_case_id),
            is_hidden=hides_worst(lesion, patient.clinic, role, has_unread=lesion.has_unread),
        )
        for lesion in lesions
    ]
    return rows, count


def _load_cases(ids: Iterable[uuid.UUID | None], role: str) -> dict[uuid.UUID | None, CaseRow]:
    cases = load_cases(Submission.objects.filter(pk__in={pk for pk in ids if pk}))
    return {row.submission.pk: row for row in build_rows(cases, role=role)}
