"""Hand-over: a person leaves a clinic, and what is open of theirs goes to colleagues in the same step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q

from classifier.cases.inbox import WAITING
from classifier.domain.errors import InvalidInputError
from classifier.domain.states import SubmissionState
from classifier.models import Reading, Submission
from classifier.standing.locks import lock_cases
from portal.trust.accounts.models import Clinic, Membership, User
from portal.trust.accounts.people.closing import end_membership
from portal.trust.accounts.permissions import require
from portal.trust.accounts.roles import ROLES_ALLOWED, Action, Role
from portal.trust.audit.services import Entry, record_events

if TYPE_CHECKING:
    import uuid

    from classifier.models.submission import SubmissionQuerySet

# --- Open work ----------------------------------------------------------------------------------
# Cases that a person follows up, and readings they began.

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


@dataclass(frozen=True)
class HandedOver:
    """How many cases went to whom; what nobody was named for stays with the clinic."""

    awaited: int = 0
    readings: int = 0


def list_colleagues(membership: Membership, action: Action) -> list[Membership]:
    """Who else of the clinic may take over what needs `action`."""
    roles = ROLES_ALLOWED[action] - {Role.INTEGRATION}
    rows = Membership.objects.active().filter(
        clinic=membership.clinic_id, role__in=roles, user__is_active=True
    )
    return list(rows.exclude(user=membership.user_id).select_related("user").order_by("user__full_name"))


def end_access(
    *,
    actor: User,
    membership: Membership,
    responsible: User | None = None,
    reader: User | None = None,
    close_log_in: bool = False,
) -> HandedOver:
    """End a person's access and hand over their open work; all of it or nothing.

    Without `responsible` or `reader` that part of the work stays with the clinic: shutting somebody
    out must be possible before a colleague is found. Raises PermissionDenied, PeopleError
    (last_administrator, not_yours_to_close) or InvalidInputError (colleague_unknown).
    """
    with transaction.atomic():
        # Before the audit chain, which the end of an access writes to.
        _lock_work(find_open_work(person=membership.user, clinic_id=membership.clinic_id))
        # Before the work is handed over: from here on nothing new becomes theirs.
        end_membership(actor=actor, membership=membership, close_log_in=close_log_in)
        return hand_over_work(actor=actor, membership=membership, responsible=responsible, reader=reader)


def hand_over_work(
    *, actor: User, membership: Membership, responsible: User | None = None, reader: User | None = None
) -> HandedOver:
    """Give a person's open work to colleagues of the same clinic; who submitted or read stays known.

    Raises PermissionDenied or InvalidInputError (colleague_unknown).
    """
    require(actor, membership.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        # Patients and cases before the clinic's row, and before the audit chain.
        _lock_work(find_open_work(person=membership.user, clinic_id=membership.clinic_id))
        Clinic.objects.select_for_update(no_key=True).get(pk=membership.clinic_id)
        _check_colleague(membership, responsible, Action.SUBMIT, field="responsible")
        _check_colleague(membership, reader, Action.REVIEW, field="reader")
        work = find_open_work(person=membership.user, clinic_id=membership.clinic_id)
        # What becomes of a case in the same moment is news for its new person. All at once, since each
        # kind that was moved leaves events.
        _lock_work(work)
        return HandedOver(
            awaited=_move(actor, work.awaited, "responsible", responsible),
            readings=_move(actor, work.readings, "reader", reader),
        )


def _lock_work(work: OpenWork) -> None:
    lock_cases(submissions=[pk for cases in (work.awaited, work.readings) for pk in _ids(cases)])


def _ids(cases: SubmissionQuerySet) -> list[uuid.UUID]:
    return list(cases.values_list("pk", flat=True))


def _move(actor: User, cases: SubmissionQuerySet, field: str, colleague: User | None) -> int:
    if colleague is None:
        return 0
    moved = list(cases)
    # One by one: few, and the databases differ in updating a table by a query on itself.
    for case in moved:
        # What the one who left had opened, the one who follows has not. Of what is judged anew there is
        # nothing to open yet.
        has_news = case.news_at is not None and case.state != SubmissionState.IN_WORK
        news = {"is_unread": True} if field == "responsible" and has_news else {}
        Submission.objects.filter(pk=case.pk).update(**{field: colleague}, **news)
    record_events(
        Entry(
            clinic_id=case.clinic_id,
            action="submission.handed_over",
            actor=actor,
            obj=case,
            details={"as": field, "to": str(colleague.pk)},
        )
        for case in moved
    )
    return len(moved)


def _check_colleague(membership: Membership, person: User | None, action: Action, *, field: str) -> None:
    if person is None:
        return
    if person.pk not in {colleague.user_id for colleague in list_colleagues(membership, action)}:
        raise InvalidInputError("colleague_unknown", "Choose a colleague from the list.", field=field)
