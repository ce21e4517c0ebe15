"""Orders: what a signed review asks for stays open until somebody says that it was done.

An order is the `management` of the review in force, where `vocabulary.ORDERS` holds it. It is open while
`order_due_at` of its case is set. What answers an order by itself (a new image, a specimen) closes it in
the transaction that does so; everything else is acknowledged by a person, and a slip is taken back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.domain.limits import check_length
from classifier.domain.states import SubmissionState
from classifier.domain.vocabulary import AcknowledgedAs, Management, Procedure
from classifier.models import Acknowledgement, Review, Submission
from classifier.preconditions import check_unchanged
from classifier.standing.columns import refresh_standing
from classifier.standing.locks import lock_patients
from classifier.standing.standing import Order, find_order, list_in_force
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import Entry, record_events

if TYPE_CHECKING:
    import datetime as dt
    import uuid
    from collections.abc import Collection, Iterable

    from classifier.models import Outcome
    from portal.trust.accounts.models import User

ANSWERED_BY_IMAGE = (Management.NEW_IMAGE, Management.FOLLOW_UP)
ANSWERED_BY_SPECIMEN = (Management.BIOPSY, Management.EXCISE)


def acknowledge_order(
    *,
    actor: User,
    submission: Submission,
    done: str,
    done_on: dt.date | None = None,
    note: str = "",
    expected: Collection[str] | None = None,
) -> Acknowledgement:
    """Write down what was done about the open order of a case.

    `done` of AcknowledgedAs; `done_on` the day, if known. For whoever may submit cases in the clinic,
    dermatologists and record systems included: any colleague of who is responsible may have seen to it.
    Administrators see what is overdue, and treat nobody.

    Raises PermissionDenied; InvalidInputError (done_unknown, note_missing, note_too_long,
    date_in_future, date_before_signature); ConflictError (no_open_order, already_acknowledged);
    ChangedError unless the tag of the case is an `expected` one.
    """
    require(actor, submission.clinic_id, Action.SUBMIT)
    note = note.strip()
    _check(done, done_on, note)
    try:
        with transaction.atomic():
            lock_patients(submissions=[submission.pk])
            submission = Submission.objects.select_for_update(of=("self",)).get(pk=submission.pk)
            check_unchanged(submission, expected)
            reviews = list(submission.reviews.prefetch_related("acknowledgements"))
            order = find_order(reviews)
            if order is None or submission.state != SubmissionState.REVIEWED:
                raise ConflictError("no_open_order", "Nothing is ordered for this case.")
            if order.acknowledgement is not None:
                raise _already_acknowledged()
            if done_on is not None and done_on < timezone.localdate(order.ordered.signed_at):
                raise InvalidInputError(
                    "date_before_signature",
                    "This day lies before the order was signed. Choose that day or a later one.",
                    field="done_on",
                )
            [row] = _write(actor, [order.current], done=done, done_on=done_on, note=note)
            refresh_standing([submission.pk], actor=actor)
            record_events(_list_events(actor, "order.acknowledged", [row]))
            return row
    except IntegrityError as error:
        raise _already_acknowledged() from error


def take_back_acknowledgement(
    *, actor: User, acknowledgement: Acknowledgement, expected: Collection[str] | None = None
) -> Acknowledgement:
    """Open the order again: the acknowledgement was a slip. The row stays, with who took it back.

    Raises PermissionDenied; ConflictError (already_taken_back); ChangedError unless the tag of the case is an
    `expected` one.
    """
    submission = acknowledgement.review.submission
    require(actor, submission.clinic_id, Action.SUBMIT)
    with transaction.atomic():
        lock_patients(submissions=[submission.pk])
        submission = Submission.objects.select_for_update(of=("self",)).get(pk=submission.pk)
        check_unchanged(submission, expected)
        row = Acknowledgement.objects.select_for_update().get(pk=acknowledgement.pk)
        if row.taken_back_at is not None:
            raise ConflictError("already_taken_back", "This was taken back before; the order is open.")
        record_events(_reopen(actor, [row]))
    row.refresh_from_db()
    return row


def answer_by_image(*, actor: User, submission: Submission) -> list[Entry]:
    """Close the orders of a new image of the lesion: `submission` brings it.

    The caller's transaction holds the patient's lock and has written the case. Acknowledged in the
    moment of its submission, so that withdrawing it opens them again. Returns the events, which the
    caller records with its own, after its last change of a row.
    """
    orders = _find_open(submission.lesion_id, ANSWERED_BY_IMAGE, Q(submitted_at__lt=submission.submitted_at))
    return _answer(
        actor,
        orders,
        done=AcknowledgedAs.NEW_IMAGE_SENT,
        done_on=timezone.localdate(submission.submitted_at),
        at=submission.submitted_at,
    )


def reopen_answered_by(*, actor: User, submission: Submission) -> list[Entry]:
    """The case that brought a new image is withdrawn: what it answered is open again.

    Unless yet another image of the lesion came after the order; then it is open when that one is withdrawn,
    too. The caller's transaction holds the patient's lock and has written the withdrawal; it records the
    events that are returned after its last change of a row.
    """
    withdrawn = Submission.objects.filter(lesion=submission.lesion_id, cancelled_at__isnull=False)
    rows = Acknowledgement.objects.in_force().filter(
        review__submission__lesion=submission.lesion_id,
        done=AcknowledgedAs.NEW_IMAGE_SENT,
        acknowledged_at__in=withdrawn.order_by().values("submitted_at"),
    )
    others = Submission.objects.filter(lesion=submission.lesion_id, cancelled_at=None).exclude(
        pk=submission.pk
    )
    open_again = [
        row
        for row in rows.select_related("review")
        if not others.filter(submitted_at__gt=row.review.signed_at).exists()
    ]
    return _reopen(actor, open_again)


def answer_by_specimen(*, actor: User, outcome: Outcome) -> list[Entry]:
    """Close the orders of a specimen of the lesion: the pathologist reports on one.

    Only orders first signed up to the day on which it was taken, and before the report: an amendment that
    leaves the order as it was leaves its time. Acknowledged in the moment of the report, so that a correction
    of it finds what it closed. The caller's transaction holds the patient's lock; it records the events that
    are returned after its last change of a row.
    """
    orders = [
        order
        for order in _find_open(outcome.lesion_id, ANSWERED_BY_SPECIMEN)
        if timezone.localdate(order.ordered.signed_at) <= outcome.specimen_taken_on
        and order.ordered.signed_at <= outcome.recorded_at
    ]
    is_excision = outcome.procedure == Procedure.EXCISION
    done = AcknowledgedAs.EXCISED if is_excision else AcknowledgedAs.BIOPSIED
    return _answer(actor, orders, done=done, done_on=outcome.specimen_taken_on, at=outcome.recorded_at)


def answer_by_correction(*, actor: User, outcome: Outcome) -> list[Entry]:
    """Undo what the corrected report closed, and close what `outcome`, its correction, answers.

    Nothing where day and procedure of the specimen stay. What another specimen of the lesion answers, too,
    is closed by that one. The caller's duties are those of `answer_by_specimen`.
    """
    every = {row.pk: row for row in outcome.lesion.outcomes.all()}
    corrected, former = [], outcome
    while former.corrects_id:
        former = every[former.corrects_id]
        corrected.append(former)
    if not corrected or _facts_of(corrected[0]) == _facts_of(outcome):
        return []
    rows = Acknowledgement.objects.in_force().filter(
        review__submission__lesion=outcome.lesion_id,
        done__in=(AcknowledgedAs.EXCISED, AcknowledgedAs.BIOPSIED),
        acknowledged_at__in=[row.recorded_at for row in corrected],
    )
    events = _reopen(actor, list(rows.select_related("review")))
    for row in sorted(list_in_force(every.values()), key=lambda row: row.recorded_at, reverse=True):
        events += answer_by_specimen(actor=actor, outcome=row)
    return events


def _facts_of(outcome: Outcome) -> tuple[dt.date, str]:
    return outcome.specimen_taken_on, outcome.procedure


def _find_open(lesion_id: uuid.UUID, managements: Iterable[str], where: Q | None = None) -> list[Order]:
    """The orders of one of these that wait, of cases of the lesion."""
    cases = Submission.objects.with_open_order().filter(
        where or Q(), lesion=lesion_id, management__in=list(managements)
    )
    every = cases.order_by("pk").prefetch_related("reviews__acknowledgements")
    return [order for case in every if (order := find_order(list(case.reviews.all())))]


def _answer(
    actor: User, orders: list[Order], *, done: AcknowledgedAs, done_on: dt.date, at: dt.datetime
) -> list[Entry]:
    if not orders:
        return []
    rows = _write(actor, [order.current for order in orders], done=done, done_on=done_on, at=at)
    refresh_standing({row.review.submission_id for row in rows}, actor=actor)
    return _list_events(actor, "order.acknowledged", rows, {"automatic": True})


def _write(
    actor: User,
    reviews: list[Review],
    *,
    done: str,
    done_on: dt.date | None,
    note: str = "",
    at: dt.datetime | None = None,
) -> list[Acknowledgement]:
    return Acknowledgement.objects.bulk_create(
        Acknowledgement(
            review=review,
            done=done,
            done_on=done_on,
            note=note,
            acknowledged_by=actor,
            acknowledged_at=at or timezone.now(),
        )
        for review in reviews
    )


def _reopen(actor: User, rows: list[Acknowledgement]) -> list[Entry]:
    """Take these back and refresh their cases; returns the events, for after the last change of a row."""
    if not rows:
        return []
    Acknowledgement.objects.filter(pk__in=[row.pk for row in rows]).update(
        taken_back_at=timezone.now(), taken_back_by=actor
    )
    refresh_standing({row.review.submission_id for row in rows}, actor=actor)
    return _list_events(actor, "order.reopened", rows)


def _list_events(
    actor: User, action: str, rows: list[Acknowledgement], extra: dict[str, bool] | None = None
) -> list[Entry]:
    cases = Submission.objects.in_bulk([row.review.submission_id for row in rows])
    return [
        Entry(
            clinic_id=cases[row.review.submission_id].clinic_id,
            action=action,
            actor=actor,
            obj=cases[row.review.submission_id],
            details={"review": str(row.review_id), "done": row.done, **(extra or {})},
        )
        for row in rows
    ]


def _already_acknowledged() -> ConflictError:
    return ConflictError(
        "already_acknowledged",
        "Somebody wrote down before you what was done. To change it, take that back first.",
    )


def _check(done: str, done_on: dt.date | None, note: str) -> None:
    if done not in AcknowledgedAs.values:
        raise InvalidInputError("done_unknown", "Choose what was done from the list.", field="done")
    if done == AcknowledgedAs.OTHER and not note:
        raise InvalidInputError("note_missing", "Say in the note what was done.", field="note")
    check_length(Acknowledgement, "note", note, what="The note")
    if done_on is not None and done_on > timezone.localdate():
        raise InvalidInputError(
            "date_in_future", "This day lies in the future. Choose today or an earlier day.", field="done_on"
        )
