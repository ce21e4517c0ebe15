"""Standing: what a case, a lesion and a patient are held for, on whose word, since when.

Histopathology outweighs a signed review, which outweighs the model, which outweighs the state of the
work. `decide_case` is the only place where that is decided; a lesion and a patient follow from it. All of
it reads the fields of rows that are loaded: `classifier.standing.columns` loads them, and keeps the answer.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

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
from classifier.standing.summary import find_served, weigh_images

if TYPE_CHECKING:
    import uuid
    from collections.abc import Iterable, Sequence

    from portal.trust.accounts.models import Clinic


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
    images = [(image, find_served(image)) for image in submission.images.all()]
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
        model_probability=_find_score(speaker),
        management=management,
        order_due_at=find_due_at(submission, reviews) if state == SubmissionState.REVIEWED else None,
    )


def _find_score(speaker: Any) -> float | None:
    """As `Prediction.score`, also of the models of an earlier migration."""
    return None if speaker is None or getattr(speaker, "is_far", False) else speaker.calibrated_probability


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
    current = list_in_force(submission.lesion.outcomes.all())
    if malignant := _newest(current, LesionGroup.MALIGNANT):
        return malignant
    day = timezone.localdate(submission.submitted_at)
    return _newest([outcome for outcome in current if outcome.specimen_taken_on >= day])


def list_in_force(outcomes: Iterable[Any]) -> list[Any]:
    """Histopathology in force: of the findings of a lesion, all of them given, those that no correction replaces."""
    every = list(outcomes)
    corrected = {outcome.corrects_id for outcome in every}
    return [outcome for outcome in every if outcome.pk not in corrected]


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


class LesionCase(NamedTuple):
    """A case as its lesion sees it."""

    case_id: uuid.UUID
    submitted_at: dt.datetime
    order_due_at: dt.datetime | None
    held: Held


def decide_lesion(cases: Sequence[LesionCase], lesion: Any) -> tuple[Held, uuid.UUID | None]:
    """The most worrying of what is open of a lesion, and the case that it comes from.

    Withdrawn cases say nothing. One that nobody could judge is settled by a later one that somebody or
    the model could, but for one whose order is still open.
    """
    found = [(row.held, row.case_id) for row in cases if _is_open(row, cases)]
    if outcome := _newest(list_in_force(lesion.outcomes.all()), LesionGroup.MALIGNANT):
        own: tuple[Held, uuid.UUID | None] = (_make_from_outcome(outcome, Standing.MALIGNANT), None)
        found.append(own)  # type: ignore[arg-type]  # its own row, of one of the kinds
    return _find_worst(found)


def _is_open(row: LesionCase, cases: Sequence[LesionCase]) -> bool:
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
    """What worries most by itself; of equals the one of the first rank, then what was decided last.

    The rank is the first of all: a naevus that is to be excised or referred keeps its place in every order,
    and its "benign" stands for nothing that is malignant, referred, not judged or in work beside it.
    A finding that speaks of its cases, too, stands with the first of them.
    """
    if not found:
        return Held(), None
    oldest = dt.datetime.min.replace(tzinfo=dt.UTC)
    held, key = min(
        found,
        key=lambda row: (
            rank(row[0].standing, row[0].standing_basis),
            row[0].standing_rank,
            -((row[0].standing_at or oldest) - oldest).total_seconds(),
            row[1] is None,
            str(row[1]),
        ),
    )
    return replace(held, standing_rank=min(row[0].standing_rank for row in found)), key
