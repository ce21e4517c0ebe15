"""Sign-off and amendment: a review is signed once and then never changes; another takes its place."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from classifier.cases.reading_claims import end_claims
from classifier.cases.signing import check_seen
from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.domain.limits import check_length
from classifier.domain.states import UNFINISHED
from classifier.domain.vocabulary import Diagnosis, Management
from classifier.models import Review, Submission
from classifier.outbox import announce_review
from classifier.preconditions import check_unchanged
from classifier.standing.columns import refresh_standing
from classifier.standing.locks import lock_patients
from classifier.standing.standing import find_agreement
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from collections.abc import Collection

    from portal.trust.accounts.models import User


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a dermatologist decides about a case. How it stands to the model's answer follows from it."""

    diagnosis: str
    management: str
    comment: str = ""
    unseen_reason: str = ""


def sign_review(
    *,
    actor: User,
    submission: Submission,
    decision: Decision,
    expected: Collection[str] | None = None,
    seen: Collection[Any] | None = None,
) -> Review:
    """Sign the first review of a case. Of many at once, one is taken.

    seen: ids of the pictures that the reader had on the screen; None where nothing attests it.
    Raises PermissionDenied; InvalidInputError (diagnosis_unknown, …, comment_too_long,
    pictures_unseen unless the decision says why); ConflictError (already_reviewed, cancelled, still_in_work); ChangedError unless the tag of the
    case is an `expected` one.
    """
    require(actor, submission.clinic_id, Action.REVIEW)
    _check(decision)
    try:
        with transaction.atomic():
            lock_patients(submissions=[submission.pk])
            submission = Submission.objects.select_for_update().get(pk=submission.pk)
            check_unchanged(submission, expected)
            _check_reviewable(submission)
            decision = _attest(submission, decision, seen)
            return _record(actor=actor, submission=submission, decision=decision)
    except IntegrityError as error:
        raise _already_reviewed() from error


def amend_review(
    *,
    actor: User,
    review: Review,
    decision: Decision,
    reason: str,
    expected: Collection[str] | None = None,
    seen: Collection[Any] | None = None,
) -> Review:
    """Sign an amendment of `review`, which must be the current one.

    seen: as in `sign_review`. Raises PermissionDenied; InvalidInputError (reason_missing,
    reason_too_long, pictures_unseen, …); ConflictError (already_amended); ChangedError unless the tag of the review is an `expected` one.
    """
    require(actor, review.submission.clinic_id, Action.REVIEW)
    _check(decision)
    reason = reason.strip()
    if not reason:
        raise InvalidInputError("reason_missing", "Say why you amend this review.", field="amendment_reason")
    check_length(Review, "amendment_reason", reason, what="The reason")
    try:
        with transaction.atomic():
            # Amendments of one case follow each other.
            lock_patients(submissions=[review.submission_id])
            submission = Submission.objects.select_for_update().get(pk=review.submission_id)
            check_unchanged(review, expected)
            return _record(
                actor=actor,
                submission=submission,
                decision=_attest(submission, decision, seen),
                amends=review,
                reason=reason,
            )
    except IntegrityError as error:
        raise ConflictError(
            "already_amended",
            "Somebody amended this review before you. Read the amendment, then amend that one.",
        ) from error


def _attest(submission: Submission, decision: Decision, seen: Collection[Any] | None) -> Decision:
    return replace(decision, unseen_reason=check_seen(submission, seen, reason=decision.unseen_reason))


def _record(
    *,
    actor: User,
    submission: Submission,
    decision: Decision,
    amends: Review | None = None,
    reason: str = "",
) -> Review:
    review = Review.objects.create(
        submission=submission,
        diagnosis=decision.diagnosis,
        agreement=find_agreement(decision.diagnosis, submission.model_answer),
        management=decision.management,
        comment=decision.comment.strip(),
        unseen_reason=decision.unseen_reason,
        signed_by=actor,
        signed_at=timezone.now(),
        amends=amends,
        amendment_reason=reason,
    )
    end_claims(submission)
    refresh_standing([submission.pk], actor=actor)
    announce_review(review)
    record_event(
        clinic_id=submission.clinic_id,
        action="review.amended" if amends else "review.signed",
        actor=actor,
        obj=review,
        details={"submission": str(submission.pk)},
    )
    return review


def _check_reviewable(submission: Submission) -> None:
    if submission.cancelled_at is not None:
        raise ConflictError("cancelled", "This case was withdrawn; it needs no review.")
    if submission.reviews.exists():
        raise _already_reviewed()
    if submission.images.filter(predictions__state__in=UNFINISHED, predictions__is_shadow=False).exists():
        raise ConflictError("still_in_work", "The model is still working on this case. Sign when it is done.")


def _already_reviewed() -> ConflictError:
    return ConflictError("already_reviewed", "This case is signed already. To change it, sign an amendment.")


def _check(decision: Decision) -> None:
    for name, choices in (
        ("diagnosis", Diagnosis),
        ("management", Management),
    ):
        if getattr(decision, name) not in choices.values:
            raise InvalidInputError(f"{name}_unknown", "Choose one from the list.", field=name)
    check_length(Review, "comment", decision.comment, what="The comment")
    check_length(Review, "unseen_reason", decision.unseen_reason, what="The reason")
