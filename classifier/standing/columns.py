"""Standing columns: write what cases, lesions and patients are held for, and check it against the rows.

The answer of `classifier.standing.standing` is kept in columns, so that lists filter and sort by an index.
`refresh_standing` writes them in the transaction of whatever changes a case, behind the locks of
`classifier.standing.locks`; `find_differences` works them out again and compares.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from django.apps import apps
from django.db import transaction
from django.db.models import Prefetch
from django.utils import timezone

from classifier.domain.states import SubmissionState
from classifier.domain.vocabulary import Standing
from classifier.standing.locks import lock_patients
from classifier.standing.standing import (
    CaseFacts,
    Held,
    LesionCase,
    decide_case,
    decide_lesion,
    decide_patient,
    find_due_at,
)

if TYPE_CHECKING:
    import datetime as dt
    import uuid
    from collections.abc import Iterable, Iterator, Sequence

    from portal.trust.accounts.models import User

BATCH = 500
"""Cases at once: SQLite takes a limited number of parameters."""


class Tables(NamedTuple):
    """The models to read and write: today's, or those of a migration."""

    submission: Any
    lesion: Any
    patient: Any
    image: Any
    prediction: Any
    review: Any
    outcome: Any
    acknowledgement: Any

    @classmethod
    def load(cls, registry: Any = None) -> Tables:
        """Of the app registry `registry`; by default today's."""
        names = ("Submission", "Lesion", "Patient", "SubmissionImage", "Prediction", "Review")
        models = [(registry or apps).get_model("classifier", name) for name in (*names, "Outcome")]
        return cls._make([*models, (registry or apps).get_model("classifier", "Acknowledgement")])


def _set_day(case: Any, facts: CaseFacts) -> CaseFacts:
    """The day of an order that is open anew, by what the clinic gives at this moment.

    Its row stays locked to the end: who changes the days at the same time sees this order, or is seen here.
    """
    if case.order_due_at is not None or facts.order_due_at is None:
        return facts
    clinics = type(case.clinic)._base_manager  # noqa: SLF001
    case.clinic = clinics.select_for_update(of=("self",), no_key=True).get(pk=case.clinic_id)
    return replace(facts, order_due_at=find_due_at(case, list(case.reviews.all())))


def refresh_standing(submission_ids: Iterable[Any], *, actor: User | None = None) -> None:
    """Work out the columns of these cases, of their lesions and patients, and write what changed.

    Call it in the transaction of the change, whose first lock was `lock_patients`. What changed is
    unread for whoever follows the case up, unless that is `actor`, whose own act it was.
    """
    tables, now = Tables.load(), timezone.now()
    lesions = {}
    for case, facts in _decide_all(tables, submission_ids):
        lesions[case.lesion_id] = case.lesion
        current = _set_day(case, facts)
        columns = _list_changes(case, current.columns())
        if not columns:
            continue
        columns |= _note_news(case, current, columns, actor, now)
        tables.submission.objects.filter(pk=case.pk).update(**columns)
    _refresh_lesions(list(lesions.values()), tables)


def refresh_lesions(lesion_ids: Iterable[Any], *, tables: Tables | None = None) -> None:
    """Work out what these lesions and their patients are held for; cases are taken as they stand."""
    tables = tables or Tables.load()
    _refresh_lesions(_load_lesions(tables, lesion_ids), tables)


def _refresh_lesions(lesions: Sequence[Any], tables: Tables) -> None:
    patients = {}
    for lesion, held, case_id in _decide_lesions(tables, lesions):
        patients[lesion.patient_id] = lesion.patient
        if changes := _list_changes(lesion, asdict(held) | {"standing_case_id": case_id}):
            tables.lesion.objects.filter(pk=lesion.pk).update(**changes)
    _refresh_patients(list(patients.values()), tables)


def _refresh_patients(patients: Sequence[Any], tables: Tables) -> None:
    for patient, held, lesion_id in _decide_patients(tables, patients):
        if changes := _list_changes(patient, asdict(held) | {"standing_lesion_id": lesion_id}):
            tables.patient.objects.filter(pk=patient.pk).update(**changes)


def refresh_everything(tables: Tables, *, after: Any = None) -> Iterator[int]:
    """Fill the columns of every row, a batch at a time; yields how many cases each had.

    `after` goes on behind that id. No news come of it: nothing new was said.
    """
    while True:
        rows = tables.submission.objects.order_by("pk")
        ids = list((rows.filter(pk__gt=after) if after else rows).values_list("pk", flat=True)[:BATCH])
        if not ids:
            break
        for case, facts in _decide_all(tables, ids):
            if columns := _list_changes(case, facts.columns()):
                tables.submission.objects.filter(pk=case.pk).update(**columns)
        after = ids[-1]
        yield len(ids)
    lesions = list(tables.lesion.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(lesions), BATCH):
        refresh_lesions(lesions[start : start + BATCH], tables=tables)


@dataclass(frozen=True)
class StaleColumn:
    """A column that doesn't say what the rows do."""

    table: str
    pk: Any
    column: str
    stored: Any
    expected: Any


def find_differences() -> Iterator[StaleColumn]:
    """Work everything out from the rows and compare it with the columns; nothing is written."""
    tables = Tables.load()
    for ids in _in_batches(tables.submission):
        for case, facts in _decide_all(tables, ids):
            yield from _compare("submission", case, facts.columns())
    for ids in _in_batches(tables.lesion):
        for lesion, held, case_id in _decide_lesions(tables, _load_lesions(tables, ids)):
            yield from _compare("lesion", lesion, asdict(held) | {"standing_case_id": case_id})
    for ids in _in_batches(tables.patient):
        for patient, held, lesion_id in _decide_patients(tables, _load_patients(tables, ids)):
            yield from _compare("patient", patient, asdict(held) | {"standing_lesion_id": lesion_id})


def mend(differences: Iterable[StaleColumn]) -> int:
    """Write what the rows say where a column says another thing; return how many patients that concerned.

    Each patient in a transaction of its own, under the lock that every change takes. What a case stands
    for anew is news.
    """
    tables = Tables.load()
    paths = {"submission": "lesions__submissions", "lesion": "lesions", "patient": "pk"}
    patients = set()
    for found in differences:
        row = tables.patient.objects.filter(**{paths[found.table]: found.pk})
        patients.update(row.values_list("pk", flat=True))
    for patient in sorted(patients, key=str):
        with transaction.atomic():
            lock_patients(patients=[patient])
            lesions = tables.lesion.objects.filter(patient=patient)
            cases = tables.submission.objects.filter(lesion__patient=patient)
            refresh_standing(cases.values_list("pk", flat=True))
            refresh_lesions(lesions.values_list("pk", flat=True))
            _refresh_patients(_load_patients(tables, [patient]), tables)
    return len(patients)


def _compare(table: str, row: Any, expected: dict[str, Any]) -> Iterator[StaleColumn]:
    for name, value in _list_changes(row, expected).items():
        yield StaleColumn(table, row.pk, name, getattr(row, name), value)


def _in_batches(model: Any) -> Iterator[list[Any]]:
    ids = list(model.objects.order_by("pk").values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        yield ids[start : start + BATCH]


def _list_changes(row: Any, values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if getattr(row, name) != value}


def _note_news(
    case: Any, facts: CaseFacts, changes: dict[str, Any], actor: User | None, now: dt.datetime
) -> dict[str, Any]:
    """What the changes of a case mean to who follows it up.

    An order that was carried out, or got another day, is none: the list of open orders shows it. Nor is
    work that begins anew; what was unread then stays unread, unless it is what is judged again.
    """
    if facts.held.standing == Standing.IN_WORK:
        return {"is_unread": False}
    if facts.state == SubmissionState.IN_WORK and not changes.keys() & Held.__dataclass_fields__.keys():
        return {}
    if changes.keys() <= {"order_due_at"}:
        return {}
    awaited_by = case.responsible_id or case.submitted_by_id
    is_own = actor is not None and actor.pk == awaited_by
    if facts.held.standing == Standing.WITHDRAWN and is_own:
        return {"is_unread": False}
    return {"news_at": now} if is_own else {"news_at": now, "is_unread": True}


def _decide_all(tables: Tables, submission_ids: Iterable[Any]) -> Iterator[tuple[Any, CaseFacts]]:
    # Nothing that is decided here hangs on an order but that of images and reviews, and an order that goes
    # by another table joins it.
    predictions = tables.prediction.objects.filter(is_shadow=False).order_by()
    predictions = predictions.only(
        "image_id",
        "is_shadow",
        "queued_at",
        "state",
        "outcome",
        "refusal_code",
        "calibrated_probability",
        "finished_at",
        # The models of an earlier migration haven't got it.
        *(name for name in ["is_far"] if name in {field.name for field in tables.prediction._meta.fields}),  # noqa: SLF001
    )
    reviews = tables.review.objects.only(
        "submission_id", "diagnosis", "management", "signed_at", "signed_by_id", "amends_id"
    ).order_by("signed_at")
    done = tables.acknowledgement.objects.only("review_id", "taken_back_at")
    images = tables.image.objects.only("submission_id", "capture_kind", "position").order_by("position")
    cases = (
        tables.submission.objects.filter(pk__in=list(submission_ids))
        .select_related("clinic", "lesion__patient")
        # No text of a patient is decrypted for this, nor is anything else read.
        .only(*CASE_FIELDS, "clinic__order_target_days", *(f"lesion__{name}" for name in LESION_FIELDS))
        .prefetch_related(
            Prefetch("images", images),
            Prefetch("images__predictions", predictions),
            Prefetch("reviews", reviews),
            Prefetch("reviews__acknowledgements", done),
            Prefetch("lesion__outcomes", _list_outcomes(tables)),
        )
        .order_by("pk")
    )
    for case in cases:
        yield case, decide_case(case)


CASE_FIELDS = (
    *("clinic_id", "lesion_id", "submitted_by_id", "submitted_at", "responsible_id", "cancelled_at"),
    *("state", "model_answer", "model_probability", "management", "order_due_at"),
    *Held.__dataclass_fields__,
)
LESION_FIELDS = (
    *("patient_id", "standing_case_id", *Held.__dataclass_fields__),
    *("patient__erased_at", "patient__standing_lesion_id"),
    *(f"patient__{name}" for name in Held.__dataclass_fields__),
)
OUTCOME_FIELDS = (
    "lesion_id",
    "diagnosis",
    "specimen_taken_on",
    "recorded_at",
    "recorded_by_id",
    "corrects_id",
)


def _list_outcomes(tables: Tables) -> Any:
    return tables.outcome.objects.only(*OUTCOME_FIELDS).order_by()


def _load_lesions(tables: Tables, lesion_ids: Iterable[Any]) -> list[Any]:
    """With what a decision reads of them and of their patients, as a case loads its own."""
    rows = (
        tables.lesion.objects.filter(pk__in=list(lesion_ids)).select_related("patient").only(*LESION_FIELDS)
    )
    return list(rows.prefetch_related(Prefetch("outcomes", _list_outcomes(tables))).order_by("pk"))


def _load_patients(tables: Tables, patient_ids: Iterable[Any]) -> list[Any]:
    rows = tables.patient.objects.filter(pk__in=list(patient_ids)).order_by("pk")
    return list(rows.only("pk", "standing_lesion", *STANDING_FIELDS))


def _decide_lesions(tables: Tables, lesions: Sequence[Any]) -> Iterator[tuple[Any, Held, uuid.UUID | None]]:
    cases: dict[Any, list[LesionCase]] = defaultdict(list)
    columns = ("lesion_id", "pk", "submitted_at", "order_due_at", *Held.__dataclass_fields__)
    rows = tables.submission.objects.filter(lesion__in=[lesion.pk for lesion in lesions]).order_by()
    for lesion_id, pk, at, due_at, *held in rows.values_list(*columns):
        cases[lesion_id].append(LesionCase(pk, at, due_at, Held(*held)))
    for lesion in lesions:
        held, case_id = decide_lesion(cases[lesion.pk], lesion)
        yield lesion, held, case_id


def _decide_patients(tables: Tables, patients: Sequence[Any]) -> Iterator[tuple[Any, Held, uuid.UUID | None]]:
    lesions: dict[Any, list[tuple[Held, Any]]] = defaultdict(list)
    columns = ("patient_id", "pk", *Held.__dataclass_fields__)
    rows = tables.lesion.objects.filter(patient__in=[patient.pk for patient in patients]).order_by()
    for patient_id, pk, *held in rows.values_list(*columns):
        lesions[patient_id].append((Held(*held), pk))
    for patient in patients:
        held, lesion_id = decide_patient(lesions[patient.pk])
        yield patient, held, lesion_id


STANDING_FIELDS = tuple(name.removesuffix("_id") for name in Held.__dataclass_fields__)
