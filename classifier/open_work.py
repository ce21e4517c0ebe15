"""What is open of a person in a clinic: cases they follow up, and readings they began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Q

from classifier.cases.inbox import WAITING
from classifier.models import Submission
from classifier.reading import READ_UNSEEN
from classifier.states import SubmissionState
from portal.audit.models import AuditEvent

if TYPE_CHECKING:
    import uuid

    from classifier.models.submission import SubmissionQuerySet
    from portal.accounts.models import User

OPEN_STATES = (SubmissionState.IN_WORK, SubmissionState.AWAITING_REVIEW, SubmissionState.NO_RESULT)
AT_ONCE = 500
"""Ids in one query: SQLite takes a limited number of parameters."""


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
    open_cases = cases.with_state(*OPEN_STATES)
    ids = list(open_cases.order_by().values_list("pk", flat=True))
    begun = _find_begun(person, ids)
    return OpenWork(
        awaited=cases.filter(Q(state__in=OPEN_STATES) | WAITING).awaited_by(person),
        readings=open_cases.filter(Q(reader=person) | Q(reader__isnull=True, pk__in=begun)),
    )


def _find_begun(person: User, ids: list[uuid.UUID]) -> list[str]:
    """Of these cases, those that `person` read before seeing the model's answer."""
    begun: list[str] = []
    for start in range(0, len(ids), AT_ONCE):
        events = AuditEvent.objects.filter(
            object_type="classifier.submission",
            object_id__in=[str(pk) for pk in ids[start : start + AT_ONCE]],
            action=READ_UNSEEN,
            actor=person,
        )
        begun += events.order_by().values_list("object_id", flat=True).distinct()
    return begun
