"""Standing: what a case, a lesion and a patient are held for, on whose word, since when.

Histopathology outweighs a signed review, which outweighs the model, which outweighs the state of the
work. `decide_case` is the only place where that is decided. The answer is kept in columns, so that
lists filter and sort by an index; `refresh_standing` writes them in the transaction of whatever changes
a case, and `find_differences` works them out again and compares.

Whoever changes a case locks its patient first (`lock_patients`), so that two changes of one case, or
of two cases of one lesion, follow each other and the later one sees the earlier.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from classifier.domain.states import UNFINISHED, Headline, PredictionState, SubmissionState
from classifier.domain.vocabulary import (
    DIAGNOSIS_GROUPS,
    HISTOPATHOLOGY_GROUPS,
    ORDERS,
    Agreement,
    CaptureKind,
    LesionGroup,
    Management,
    Standing,
    StandingBasis,
)
from classifier.models.standing_columns import NO_RANK
from classifier.standing.reviews import find_review_in_force
from classifier.standing.summary import weigh_images
from portal.trust.encryption.fields import list_encrypted

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Iterator, Sequence

    from portal.trust.accounts.models import Clinic, User

BATCH = 500
"""Cases at once: SQLite takes a limited number of parameters."""


# --- What is decided ----------------------------------------------------------------------------
@dataclass(frozen=True)
class Held:
    """The columns of `StandingColumns`."""

    standing: str = ""
    standing_basis: str = ""
    standing_diagnosis: str = ""
    standing_person_id: uuid.UUID | int | None = None
    standing_at: dt.datetime | None = None
    standing_rank: int = NO_RANK


@dataclass(frozen=True)
class CaseFacts:
    """All columns of a case that follow from its rows."""

    held: Held
    state: str
    model_answer: str
    model_probability: float | None
    management: str
    order_due_at: dt.datetime | None

    def columns(self) -> dict[str, Any]:
        """The values by column."""
        own = {name: value for name, value in vars(self).items() if name != "held"}
        return asdict(self.held) | own


def rank(standing: str, basis: str, management: str = "") -> int:
    """How soon somebody must look, 0 first: the order of every list that goes by risk.

    What people found malignant, and an urgent referral whatever the diagnosis, come before all that a
    model says; an unsigned benign answer comes before a signed one.
    """
    by_people = basis in (StandingBasis.HISTOPATHOLOGY, StandingBasis.REVIEW)
    if standing == Standing.WITHDRAWN:
        return 8
    if management == Management.URGENT_REFERRAL or (standing == Standing.MALIGNANT and by_people):
        return 0
    if standing == Standing.MALIGNANT:
        return 1
    if standing == Standing.INDETERMINATE or management in (Management.BIOPSY, Management.EXCISE):
        return 2
    ranks = {Standing.REFER: 3, Standing.NOT_JUDGED: 4, Standing.IN_WORK: 5}
    if standing in ranks:
        return ranks[Standing(standing)]
    return 7 if by_people else 6


def decide_case(submission: Any) -> CaseFacts:
    """What `submission` is held for, from its rows: images, served predictions, reviews, outcomes.

    Reads fields alone, so that a migration may call it with the models of its time.
    """
    images = [(image, _find_served(image)) for image in submission.images.all()]
    answer, speaker = weigh_images(
        [(found.state if found else "", found, image.capture_kind) for image, found in images]
    )
    reviews = list(submission.reviews.all())
    current = find_review_in_force(reviews)
    state = _find_state(submission, images, is_reviewed=current is not None)
    if answer in (Headline.RUNNING, Headline.QUEUED):
        # A claim of a worker moves no column of the case.
        answer = Headline.QUEUED
    if state == SubmissionState.CANCELLED and answer in (Headline.FAILED, Headline.QUEUED):
        answer = Headline.CANCELLED
    finished = [found.finished_at for _, found in images if found and found.finished_at]
    held = _hold(submission, state=state, answer=answer, review=current, at=max(finished, default=None))
    management = current.management if current else ""
    return CaseFacts(
        held=held,
        state=state,
        model_answer=answer,
        model_probability=speaker.calibrated_probability if speaker else None,
        management=management,
        order_due_at=find_due_at(submission, reviews) if state == SubmissionState.REVIEWED else None,
    )


def _find_served(image: Any) -> Any:
    """The newest prediction that people see: a retry replaces the failure before it."""
    served = [found for found in image.predictions.all() if not found.is_shadow]
    return max(served, key=lambda found: (found.queued_at, str(found.pk)), default=None)


def _find_state(submission: Any, images: Sequence[tuple[Any, Any]], *, is_reviewed: bool) -> SubmissionState:
    every = [found for image, _ in images for found in image.predictions.all() if not found.is_shadow]
    if submission.cancelled_at is not None:
        return SubmissionState.CANCELLED
    if is_reviewed:
        return SubmissionState.REVIEWED
    if any(found.state in UNFINISHED for found in every):
        return SubmissionState.IN_WORK
    has_result = any(found.state == PredictionState.SUCCEEDED for found in every)
    is_for_people = bool(images) and not every and not any(_is_for_the_model(image) for image, _ in images)
    return SubmissionState.AWAITING_REVIEW if has_result or is_for_people else SubmissionState.NO_RESULT


def _is_for_the_model(image: Any) -> bool:
    return bool(image.capture_kind == CaptureKind.DERMOSCOPIC)


def _hold(submission: Any, *, state: str, answer: str, review: Any, at: dt.datetime | None) -> Held:
    management = review.management if review else ""
    if state == SubmissionState.CANCELLED:
        return _make(Standing.WITHDRAWN, StandingBasis.STATE, at=submission.cancelled_at)
    found = find_histopathology(submission)
    group = HISTOPATHOLOGY_GROUPS[found.diagnosis] if found else None
    if found and group == LesionGroup.MALIGNANT:
        return _make_from_outcome(found, Standing.MALIGNANT, management)
    if found and group == LesionGroup.BENIGN:
        # What was ordered before led to this finding: it makes nothing urgent any more.
        order = find_order(list(submission.reviews.all()))
        is_newer = order is not None and order.ordered.signed_at > found.recorded_at
        return _make_from_outcome(found, Standing.BENIGN, management if is_newer else "")
    if review:
        below = _make(
            Standing(DIAGNOSIS_GROUPS[review.diagnosis]),
            StandingBasis.REVIEW,
            diagnosis=review.diagnosis,
            person_id=review.signed_by_id,
            at=review.signed_at,
            management=management,
        )
    elif state == SubmissionState.IN_WORK:
        below = _make(Standing.IN_WORK, StandingBasis.STATE, at=submission.submitted_at)
    elif answer in (Headline.MALIGNANT, Headline.REFER, Headline.BENIGN):
        below = _make(Standing(answer), StandingBasis.MODEL, at=at)
    else:
        below = _make(Standing.NOT_JUDGED, StandingBasis.STATE, at=at or submission.submitted_at)
    if found and below.standing == Standing.BENIGN:
        # The pathologist couldn't tell: nobody's "benign" stands on that.
        return _make_from_outcome(found, Standing.INDETERMINATE, management)
    return below


def _make(
    standing: Standing,
    basis: StandingBasis,
    *,
    diagnosis: str = "",
    person_id: Any = None,
    at: dt.datetime | None,
    management: str = "",
) -> Held:
    return Held(standing, basis, diagnosis, person_id, at, rank(standing, basis, management))


def _make_from_outcome(outcome: Any, standing: Standing, management: str = "") -> Held:
    return _make(
        standing,
        StandingBasis.HISTOPATHOLOGY,
        diagnosis=outcome.diagnosis,
        person_id=outcome.recorded_by_id,
        at=outcome.recorded_at,
        management=management,
    )


def find_histopathology(submission: Any) -> Any:
    """The finding that speaks of this case; None without one.

    A malignant one speaks of every case of the lesion. Any other speaks of the cases that came before
    its specimen was taken: what grows there later is a new question. The newest specimen decides, so that
    an earlier benign one doesn't hide that a later one was inconclusive.
    """
    current = _list_in_force(submission.lesion)
    if malignant := _newest(current, LesionGroup.MALIGNANT):
        return malignant
    day = timezone.localdate(submission.submitted_at)
    return _newest([outcome for outcome in current if outcome.specimen_taken_on >= day])


def _list_in_force(lesion: Any) -> list[Any]:
    outcomes = list(lesion.outcomes.all())
    corrected = {outcome.corrects_id for outcome in outcomes}
    return [outcome for outcome in outcomes if outcome.pk not in corrected]


def _newest(outcomes: Iterable[Any], group: LesionGroup | None = None) -> Any:
    same = [one for one in outcomes if group in (None, HISTOPATHOLOGY_GROUPS[one.diagnosis])]
    return max(same, key=lambda one: (one.specimen_taken_on, one.recorded_at, str(one.pk)), default=None)


class Order(NamedTuple):
    """What the review in force asks for: that review, the one that first asked, and what was done of it."""

    current: Any
    ordered: Any
    acknowledgement: Any


def find_order(reviews: Sequence[Any]) -> Order | None:
    """The order in force of a case with these reviews, done or not; None without one.

    An amendment that leaves the order as it was leaves its time and its acknowledgement, too.
    """
    current = find_review_in_force(reviews)
    if current is None or current.management not in ORDERS:
        return None
    by_id = {review.pk: review for review in reviews}
    ordered, chain = current, [current]
    while (former := by_id.get(ordered.amends_id)) and former.management == current.management:
        ordered = former
        chain.append(former)
    done = (row for review in chain for row in review.acknowledgements.all() if row.taken_back_at is None)
    return Order(current, ordered, next(done, None))


def find_due_at(submission: Any, reviews: Sequence[Any]) -> dt.datetime | None:
    """Until when the order in force is to be acknowledged; None when it is, or when there is none.

    Of an erased patient nothing can be done any more.
    """
    order = find_order(reviews)
    if order is None or order.acknowledgement is not None or submission.lesion.patient.erased_at is not None:
        return None
    signed_at: dt.datetime = order.ordered.signed_at
    return signed_at + dt.timedelta(days=days_for(submission.clinic, order.current.management))


def days_for(clinic: Clinic, management: str) -> int:
    """How many days `clinic` gives for an order: its own number, else the default of the vocabulary."""
    return int(clinic.order_target_days.get(management, ORDERS[Management(management)]))


def find_agreement(diagnosis: str, model_answer: str) -> Agreement:
    """How a dermatologist's diagnosis stands to the model's answer: it follows, and is never asked.

    `diagnosis` of Diagnosis, `model_answer` of Headline.
    """
    if model_answer not in (Headline.BENIGN, Headline.MALIGNANT):
        return Agreement.NO_RESULT
    group = DIAGNOSIS_GROUPS[diagnosis]
    if group == LesionGroup.INDETERMINATE:
        return Agreement.UNDETERMINED
    return Agreement.AGREES if group.value == model_answer else Agreement.DISAGREES


class _Row(NamedTuple):
    """A case as its lesion sees it."""

    case_id: uuid.UUID
    submitted_at: dt.datetime
    order_due_at: dt.datetime | None
    held: Held


def decide_lesion(cases: Sequence[_Row], lesion: Any) -> tuple[Held, uuid.UUID | None]:
    """The most worrying of what is open of a lesion, and the case that it comes from.

    Withdrawn cases say nothing. One that nobody could judge is settled by a later one that somebody or
    the model could, but for one whose order is still open.
    """
    found = [(row.held, row.case_id) for row in cases if _is_open(row, cases)]
    if outcome := _newest(_list_in_force(lesion), LesionGroup.MALIGNANT):
        own: tuple[Held, uuid.UUID | None] = (_make_from_outcome(outcome, Standing.MALIGNANT), None)
        found.append(own)  # type: ignore[arg-type]  # its own row, of one of the kinds
    return _find_worst(found)


def _is_open(row: _Row, cases: Sequence[_Row]) -> bool:
    if row.held.standing == Standing.WITHDRAWN:
        return False
    if row.order_due_at is not None:
        return True
    settling = {
        Standing.NOT_JUDGED: {StandingBasis.MODEL, StandingBasis.REVIEW, StandingBasis.HISTOPATHOLOGY},
        Standing.INDETERMINATE: {StandingBasis.REVIEW, StandingBasis.HISTOPATHOLOGY},
    }.get(Standing(row.held.standing), set())
    return not any(
        (later.submitted_at, str(later.case_id)) > (row.submitted_at, str(row.case_id))
        and later.held.standing_basis in settling
        for later in cases
    )


def decide_patient(lesions: Iterable[tuple[Held, uuid.UUID]]) -> tuple[Held, uuid.UUID | None]:
    """The most worrying of a patient's lesions, and which it is."""
    return _find_worst([row for row in lesions if row[0].standing])


def _find_worst(found: Sequence[tuple[Held, Any]]) -> tuple[Held, Any]:
    """The first by rank; of equals what is worse by itself, then what was decided last.

    A finding that speaks of its cases, too, stands with the first of them.
    """
    if not found:
        return Held(), None
    oldest = dt.datetime.min.replace(tzinfo=dt.UTC)
    return min(
        found,
        key=lambda row: (
            row[0].standing_rank,
            # An urgent referral ranks with a melanoma, and what "benign" says must not stand for both.
            rank(row[0].standing, row[0].standing_basis),
            -((row[0].standing_at or oldest) - oldest).total_seconds(),
            row[1] is None,
            str(row[1]),
        ),
    )


# --- The columns --------------------------------------------------------------------------------
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
        from django.apps import apps  # noqa: PLC0415 (the registry is ready by the time of the call)

        names = ("Submission", "Lesion", "Patient", "SubmissionImage", "Prediction", "Review")
        models = [(registry or apps).get_model("classifier", name) for name in (*names, "Outcome")]
        return cls._make([*models, (registry or apps).get_model("classifier", "Acknowledgement")])


def lock_patients(
    *,
    patients: Iterable[Any] = (),
    submissions: Iterable[Any] = (),
    images: Iterable[Any] = (),
) -> None:
    """Lock the patients of these rows, in the order of their ids, until the transaction ends.

    The first lock of every transaction that changes what a case is held for: patients before cases,
    cases before predictions, the clinic's row behind them, the audit chain last.
    """
    if not connection.features.has_select_for_update:
        return  # SQLite has one writer, and it is this transaction.
    from django.db.models import Q  # noqa: PLC0415

    tables = Tables.load()
    wanted = Q(pk__in=list(patients))
    for path, ids in (("lesions__submissions", submissions), ("lesions__submissions__images", images)):
        if ids := list(ids):
            wanted |= Q(pk__in=tables.patient.objects.filter(**{f"{path}__in": ids}).values("pk"))
    _lock(tables.patient.objects.filter(wanted))


def lock_cases(*, submissions: Iterable[Any] = (), lesions: Iterable[Any] = ()) -> None:
    """Lock these cases and those of the lesions, with lesions and patients, until the transaction ends.

    For whoever records an event before the cases change: behind the audit chain nobody waits for a row.
    """
    if not connection.features.has_select_for_update:
        return
    tables, submissions, lesions = Tables.load(), list(submissions), list(lesions)
    rows = tables.lesion.objects.filter(pk__in=lesions)
    lock_patients(patients=rows.values_list("patient", flat=True), submissions=submissions)
    _lock(rows)
    _lock(tables.submission.objects.filter(pk__in=submissions))
    _lock(tables.submission.objects.filter(lesion__in=lesions))


def _lock(rows: Any) -> None:
    list(rows.order_by("pk").select_for_update(of=("self",), no_key=True).values_list("pk", flat=True))


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
    lesion_ids = set()
    for case, facts in _decide_all(tables, submission_ids):
        lesion_ids.add(case.lesion_id)
        current = _set_day(case, facts)
        columns = _list_changes(case, current.columns())
        if not columns:
            continue
        columns |= _note_news(case, current, columns, actor, now)
        tables.submission.objects.filter(pk=case.pk).update(**columns)
    refresh_lesions(lesion_ids)


def refresh_lesions(lesion_ids: Iterable[Any], *, tables: Tables | None = None) -> None:
    """Work out what these lesions and their patients are held for; cases are taken as they stand."""
    tables = tables or Tables.load()
    patients = set()
    for lesion, held, case_id in _decide_lesions(tables, lesion_ids):
        patients.add(lesion.patient_id)
        if changes := _list_changes(lesion, asdict(held) | {"standing_case_id": case_id}):
            tables.lesion.objects.filter(pk=lesion.pk).update(**changes)
    _refresh_patients(patients, tables)


def _refresh_patients(patients: Iterable[Any], tables: Tables) -> None:
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
        for lesion, held, case_id in _decide_lesions(tables, ids):
            yield from _compare("lesion", lesion, asdict(held) | {"standing_case_id": case_id})
    for ids in _in_batches(tables.patient):
        for patient, held, lesion_id in _decide_patients(tables, ids):
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
            _refresh_patients([patient], tables)
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
    from django.db.models import Prefetch  # noqa: PLC0415

    predictions = tables.prediction.objects.filter(is_shadow=False).only(
        "image_id",
        "is_shadow",
        "queued_at",
        "state",
        "outcome",
        "refusal_code",
        "calibrated_probability",
        "finished_at",
    )
    reviews = tables.review.objects.only(
        "submission_id", "diagnosis", "management", "signed_at", "signed_by_id", "amends_id"
    ).order_by("signed_at")
    outcomes = tables.outcome.objects.only(*OUTCOME_FIELDS)
    done = tables.acknowledgement.objects.only("review_id", "taken_back_at")
    images = tables.image.objects.only("submission_id", "capture_kind", "position").order_by("position")
    cases = (
        tables.submission.objects.filter(pk__in=list(submission_ids))
        .select_related("clinic", "lesion__patient")
        # No text of a patient is decrypted for this.
        .defer(
            *list_encrypted(tables.submission),
            *(f"lesion__{name}" for name in list_encrypted(tables.lesion)),
            *(f"lesion__patient__{name}" for name in list_encrypted(tables.patient)),
        )
        .prefetch_related(
            Prefetch("images", images),
            Prefetch("images__predictions", predictions),
            Prefetch("reviews", reviews),
            Prefetch("reviews__acknowledgements", done),
            Prefetch("lesion__outcomes", outcomes),
        )
        .order_by("pk")
    )
    for case in cases:
        yield case, decide_case(case)


OUTCOME_FIELDS = (
    "lesion_id",
    "diagnosis",
    "specimen_taken_on",
    "recorded_at",
    "recorded_by_id",
    "corrects_id",
)


def _decide_lesions(
    tables: Tables, lesion_ids: Iterable[Any]
) -> Iterator[tuple[Any, Held, uuid.UUID | None]]:
    from django.db.models import Prefetch  # noqa: PLC0415

    ids = list(lesion_ids)
    cases: dict[Any, list[_Row]] = defaultdict(list)
    columns = ("lesion_id", "pk", "submitted_at", "order_due_at", *Held.__dataclass_fields__)
    rows = tables.submission.objects.filter(lesion__in=ids).values_list(*columns)
    for lesion_id, pk, at, due_at, *held in rows:
        cases[lesion_id].append(_Row(pk, at, due_at, Held(*held)))
    outcomes = tables.outcome.objects.only(*OUTCOME_FIELDS)
    lesions = tables.lesion.objects.filter(pk__in=ids).defer(*list_encrypted(tables.lesion)).order_by("pk")
    for lesion in lesions.prefetch_related(Prefetch("outcomes", outcomes)):
        held, case_id = decide_lesion(cases[lesion.pk], lesion)
        yield lesion, held, case_id


def _decide_patients(
    tables: Tables, patient_ids: Iterable[Any]
) -> Iterator[tuple[Any, Held, uuid.UUID | None]]:
    ids = list(patient_ids)
    lesions: dict[Any, list[tuple[Held, Any]]] = defaultdict(list)
    columns = ("patient_id", "pk", *Held.__dataclass_fields__)
    for patient_id, pk, *held in tables.lesion.objects.filter(patient__in=ids).values_list(*columns):
        lesions[patient_id].append((Held(*held), pk))
    columns_read = ("pk", "standing_lesion", *StandingNames)
    for patient in tables.patient.objects.filter(pk__in=ids).only(*columns_read).order_by("pk"):
        held, lesion_id = decide_patient(lesions[patient.pk])
        yield patient, held, lesion_id


StandingNames = tuple(name.removesuffix("_id") for name in Held.__dataclass_fields__)
