"""Withdrawal: whether a case may be withdrawn, and what it says: a result is not taken away unread."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from classifier.cases.reading_claims import end_claims
from classifier.consents import require_inference_consent
from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.domain.limits import check_length
from classifier.domain.states import PredictionState, transition
from classifier.domain.vocabulary import ModelAnswer, Standing
from classifier.engine.queue import queue_predictions, wake_workers
from classifier.models import Prediction, Submission, SubmissionImage
from classifier.orders import reopen_answered_by
from classifier.preconditions import check_unchanged
from classifier.standing.columns import refresh_standing
from classifier.standing.hiding import hides_answer
from classifier.standing.locks import lock_patients
from portal.trust.accounts.permissions import require, role_in
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import Entry, record_events

if TYPE_CHECKING:
    from collections.abc import Collection

    from portal.trust.accounts.models import User

NEEDS_READER = (
    "A dermatologist has to read this case, so it can't be withdrawn. If it was sent by mistake, "
    "say so to whoever signs it."
)
GRAVE = frozenset({Standing.MALIGNANT, Standing.REFER, Standing.INDETERMINATE})


@dataclass(frozen=True)
class Withdrawal:
    """What stands in the way of withdrawing a case that is neither signed nor withdrawn."""

    needs_reader: bool
    needs_reason: bool


def weigh_withdrawal(submission: Submission, *, role: str | None) -> Withdrawal:
    """The rule for pages and services; `role` is that of the person in the case's clinic.

    The images are asked and not the headline: while others are in work, one may be malignant already.
    What failed, or was never to be judged by the model, has no result; what the gates refused has.
    """
    served = Prediction.objects.served().filter(image__submission=submission, state=PredictionState.SUCCEEDED)
    results = list(served.values_list("outcome", "refusal_code"))
    judged = {outcome for outcome, refusal in results if not refusal}
    is_grave = submission.standing in GRAVE or bool(judged & {ModelAnswer.MALIGNANT, ModelAnswer.REFER})
    is_hidden = bool(results) and hides_answer(submission, role)
    return Withdrawal(needs_reader=is_grave or is_hidden, needs_reason=bool(results))


# --- Withdraw and try again ---------------------------------------------------------------------


def cancel_submission(
    *, actor: User, submission: Submission, reason: str = "", expected: Collection[str] | None = None
) -> Submission:
    """Withdraw a case that no one has signed: unfinished predictions stop, results stay.

    Free while there is no result; afterwards only with a `reason`. What is malignant or to be referred,
    by the model or by histopathology, and what can't be told, needs a reader and is not withdrawn. From
    who is to read before seeing the model's answer, nothing judged is: the refusal would tell it.

    What the case answered of earlier orders is open again.
    Raises PermissionDenied; InvalidInputError (reason_missing, withdrawal_reason_too_long);
    ConflictError (already_cancelled, already_reviewed, needs_reader); ChangedError unless the tag is an
    `expected` one.
    """
    require(actor, submission.clinic_id, Action.CANCEL)
    reason = reason.strip()
    check_length(Submission, "withdrawal_reason", reason, what="The reason")
    with transaction.atomic():
        lock_patients(submissions=[submission.pk])
        submission = Submission.objects.select_for_update().get(pk=submission.pk)
        check_unchanged(submission, expected)
        _check_withdrawal(submission, reason, role=role_in(actor, submission.clinic_id))
        unfinished = _lock_unfinished(submission)
        now = timezone.now()
        submission.cancelled_at, submission.cancelled_by = now, actor
        submission.withdrawal_reason = reason
        submission.save(update_fields=["cancelled_at", "cancelled_by", "withdrawal_reason"])
        stopped = sum(
            transition(
                Prediction.objects.filter(pk__in=unfinished),
                source=state,
                target=PredictionState.CANCELLED,
                finished_at=now,
                lease_until=None,
                claim=None,
            )
            for state in (PredictionState.QUEUED, PredictionState.RUNNING)
        )
        end_claims(submission)
        refresh_standing([submission.pk], actor=actor)
        events = reopen_answered_by(actor=actor, submission=submission)
        own = Entry(
            clinic_id=submission.clinic_id,
            action="submission.cancelled",
            actor=actor,
            obj=submission,
            details={"predictions_stopped": stopped},
        )
        record_events([*events, own])
    return submission


def _check_withdrawal(submission: Submission, reason: str, *, role: str | None) -> None:
    if submission.cancelled_at is not None:
        raise ConflictError("already_cancelled", "This case was already withdrawn.")
    if submission.reviews.exists():
        raise ConflictError("already_reviewed", "This case is signed, so it can't be withdrawn.")
    rule = weigh_withdrawal(submission, role=role)
    if rule.needs_reader:
        raise ConflictError("needs_reader", NEEDS_READER)
    if rule.needs_reason and not reason:
        raise InvalidInputError(
            "reason_missing",
            "There is a result, so say why the case is withdrawn.",
            field="withdrawal_reason",
        )


def _lock_unfinished(submission: Submission) -> list[uuid.UUID]:
    images = list(submission.images.values_list("pk", flat=True))
    rows = Prediction.objects.unfinished().filter(image__in=images).order_by("pk").select_for_update()
    return list(rows.values_list("pk", flat=True))


def retry_submission(*, actor: User, submission: Submission) -> int:
    """Queue anew every image whose served prediction failed; return how many.

    The failed row stays as history. Raises PermissionDenied, InvalidInputError (consent_missing)
    or ConflictError (cancelled, already_reviewed, nothing_to_retry).
    """
    require(actor, submission.clinic_id, Action.SUBMIT)
    with transaction.atomic():
        events = require_inference_consent(submission.lesion.patient_id, actor=actor)
        submission = Submission.objects.select_for_update().get(pk=submission.pk)
        if submission.cancelled_at is not None:
            raise ConflictError("cancelled", "This case was withdrawn; submit it again.")
        if submission.reviews.exists():
            raise ConflictError(
                "already_reviewed",
                "This submission is reviewed and signed; a new result would come too late.",
            )
        images = _images_without_answer(submission)
        if not images:
            raise ConflictError("nothing_to_retry", "Every image has a result or is in work.")
        queue_predictions(images=images, priority=submission.priority)
        refresh_standing([submission.pk], actor=actor)
        own = Entry(
            clinic_id=submission.clinic_id,
            action="submission.retried",
            actor=actor,
            obj=submission,
            details={"images": len(images)},
        )
        record_events([*events, own])
        wake_workers()
    return len(images)


def _images_without_answer(submission: Submission) -> list[SubmissionImage]:
    settled = [PredictionState.QUEUED, PredictionState.RUNNING, PredictionState.SUCCEEDED]
    return [
        image
        for image in submission.images.for_the_model().prefetch_related("predictions")
        if not any(p.state in settled and not p.is_shadow for p in image.predictions.all())
    ]
