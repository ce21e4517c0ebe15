"""What is open of a person in a clinic: results they await, and readings they began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from classifier.models import Reading, Submission
from classifier.states import SubmissionState

if TYPE_CHECKING:
    import uuid

    from classifier.models.submission import SubmissionQuerySet
    from portal.accounts.models import User

OPEN_STATES = (SubmissionState.IN_WORK, SubmissionState.AWAITING_REVIEW, SubmissionState.NO_RESULT)


@dataclass(frozen=True)
class OpenWork:
    """Neither signed nor cancelled. Forms half filled in stay in the browser, so none is here."""

    awaited: SubmissionQuerySet
    readings: SubmissionQuerySet


def find_open_work(*, person: User, clinic_id: uuid.UUID) -> OpenWork:
    """Cases of the clinic whose results `person` awaits, and those they read or were handed to read."""
    open_cases = Submission.objects.filter(clinic_id=clinic_id).with_state(*OPEN_STATES)
    begun = Reading.objects.filter(reader=person, submission__clinic=clinic_id).order_by()
    return OpenWork(
        awaited=open_cases.awaited_by(person),
        readings=open_cases.filter(
            Q(reader=person) | Q(reader__isnull=True, pk__in=begun.values("submission"))
        ),
    )
