"""What is open of a person in a clinic: cases they follow up, and readings they began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from classifier.cases.inbox import WAITING
from classifier.models import Reading, Submission
from classifier.states import SubmissionState

if TYPE_CHECKING:
    import uuid

    from classifier.models.submission import SubmissionQuerySet
    from portal.accounts.models import User

OPEN_STATES = (SubmissionState.IN_WORK, SubmissionState.AWAITING_REVIEW, SubmissionState.NO_RESULT)


@dataclass(frozen=True)
class OpenWork:
    """What they await is not signed, not opened, or ordered and not acknowledged; readings are not signed.

    Forms half filled in stay in the browser, so none is here.
    """

    awaited: SubmissionQuerySet
    readings: SubmissionQuerySet


def find_open_work(*, person: User, clinic_id: uuid.UUID) -> OpenWork:
    """Cases of the clinic that `person` follows up, and those they read or were handed to read."""
    cases = Submission.objects.filter(clinic_id=clinic_id)
    begun = Reading.objects.filter(reader=person, submission__clinic=clinic_id).order_by()
    return OpenWork(
        awaited=cases.filter(Q(state__in=OPEN_STATES) | WAITING).awaited_by(person),
        readings=cases.with_state(*OPEN_STATES).filter(
            Q(reader=person) | Q(reader__isnull=True, pk__in=begun.values("submission"))
        ),
    )
