"""Record a dermatologist's own reading before the model's answer is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from classifier.models import Submission
from classifier.reading import READ_UNSEEN
from classifier.services.errors import ConflictError, InvalidInputError
from classifier.vocabulary import Diagnosis
from portal.accounts.permissions import require
from portal.accounts.roles import Action
from portal.audit.services import record_event

if TYPE_CHECKING:
    from portal.accounts.models import User


def record_unseen_reading(*, actor: User, submission: Submission, diagnosis: str) -> None:
    """Keep `diagnosis` in the trail as read unseen; the trail is where it can't be changed later.

    Raises PermissionDenied; InvalidInputError (diagnosis_unknown); ConflictError
    (already_reviewed, cancelled).
    """
    require(actor, submission.clinic_id, Action.REVIEW)
    if diagnosis not in Diagnosis.values:
        raise InvalidInputError("diagnosis_unknown", "Choose one from the list.", field="diagnosis")
    with transaction.atomic():
        submission = Submission.objects.select_for_update().get(pk=submission.pk)
        if submission.cancelled_at is not None:
            raise ConflictError("cancelled", "This case was withdrawn; it needs no review.")
        if submission.reviews.exists():
            raise ConflictError("already_reviewed", "This case is signed already.")
        record_event(
            clinic_id=submission.clinic_id,
            action=READ_UNSEEN,
            actor=actor,
            obj=submission,
            details={"diagnosis": diagnosis},
        )
