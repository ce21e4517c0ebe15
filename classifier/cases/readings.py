"""Blinded readings: keep what a dermatologist sees before the model's answer is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from classifier.domain.errors import ConflictError, InvalidInputError
from classifier.domain.vocabulary import Diagnosis
from classifier.models import Reading, Submission
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import Action
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    from portal.trust.accounts.models import User


def record_unseen_reading(*, actor: User, submission: Submission, diagnosis: str) -> Reading:
    """Keep `diagnosis` as what `actor` read unseen in a case.

    The first reading counts: a second one, as by two presses of a button, gets the first and changes
    nothing. Raises PermissionDenied; InvalidInputError (diagnosis_unknown); ConflictError
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
        if (first := submission.readings.filter(reader=actor).first()) is not None:
            return first
        reading = Reading.objects.create(
            submission=submission, reader=actor, read_at=timezone.now(), diagnosis=diagnosis
        )
        record_event(
            clinic_id=submission.clinic_id,
            action="submission.read_unseen",
            actor=actor,
            obj=submission,
            details={"diagnosis": diagnosis},
        )
    return reading
