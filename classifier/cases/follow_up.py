"""Follow-up: who follows a case up, and what is overdue: unread results, orders nobody acknowledged."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q

from classifier.cases.targets import working_days_before
from classifier.domain.errors import ConflictError
from classifier.models import Submission
from classifier.preconditions import check_unchanged
from classifier.standing.locks import lock_patients
from portal.trust.accounts.models import Membership
from portal.trust.accounts.permissions import require, role_in
from portal.trust.accounts.roles import ROLES_ALLOWED, Action, Role
from portal.trust.audit.services import record_event

if TYPE_CHECKING:
    import uuid
    from collections.abc import Collection

    from portal.trust.accounts.models import Clinic, User

FOLLOWING = ROLES_ALLOWED[Action.SUBMIT] - {Role.INTEGRATION}
"""People whom a result reaches. A record system sends and fetches, and looks after nobody."""


# --- Who -----------------------------------------------------------------------------------------
def list_followers(clinic_id: uuid.UUID) -> list[uuid.UUID | int]:
    """Ids of the people of the clinic who can follow a case up."""
    rows = Membership.objects.active().filter(clinic=clinic_id, role__in=FOLLOWING, user__is_active=True)
    return list(rows.order_by().values_list("user_id", flat=True))


def unfollowed(clinic_id: uuid.UUID) -> Q:
    """Of the clinic's cases, those that nobody follows up: their person left, or is a record system."""
    followers = list_followers(clinic_id)
    return ~Q(responsible__in=followers) & (
        Q(responsible__isnull=False) | ~Q(submitted_by__in=followers, responsible__isnull=True)
    )


def is_followed(submission: Submission) -> bool:
    """Whether the result of this case reaches somebody of the clinic: `unfollowed` of one row."""
    person = submission.responsible_id or submission.submitted_by_id
    return person in list_followers(submission.clinic_id)


def take_over(*, actor: User, submission: Submission, expected: Collection[str] | None = None) -> Submission:
    """Make `actor` responsible for a case that nobody follows up.

    Raises PermissionDenied, also for a record system; ConflictError (followed_up) while a colleague follows
    it up; ChangedError unless the tag is an `expected` one.
    """
    require(actor, submission.clinic_id, Action.SUBMIT)
    if role_in(actor, submission.clinic_id) not in FOLLOWING:
        raise PermissionDenied("A record system can't follow a case up. A clinician or dermatologist can.")
    with transaction.atomic():
        lock_patients(submissions=[submission.pk])
        submission = Submission.objects.select_for_update(of=("self",)).get(pk=submission.pk)
        check_unchanged(submission, expected)
        former = submission.responsible_id or submission.submitted_by_id
        if former == actor.pk:
            return submission
        if is_followed(submission):
            raise ConflictError(
                "followed_up",
                "A colleague follows this case up. Ask an administrator to hand it over to you.",
            )
        submission.responsible = actor
        submission.save(update_fields=["responsible"])
        record_event(
            clinic_id=submission.clinic_id,
            action="submission.taken_over",
            actor=actor,
            obj=submission,
            details={"from": str(former)},
        )
    return submission


# --- Until when ----------------------------------------------------------------------------------
def overdue_orders(now: dt.datetime) -> Q:
    """Cases with an order that should have been carried out by now."""
    return Q(order_due_at__lt=now)


def overdue_unread(clinic: Clinic, now: dt.datetime) -> Q:
    """Cases of the clinic whose news nobody opened within its reading target."""
    return Q(is_unread=True, news_at__lt=working_days_before(now, clinic.reading_target_days))


def is_order_overdue(submission: Submission, now: dt.datetime) -> bool:
    """`overdue_orders` of one row."""
    return submission.order_due_at is not None and submission.order_due_at < now


def is_unread_overdue(submission: Submission, now: dt.datetime) -> bool:
    """`overdue_unread` of one row, whose clinic is loaded."""
    if not submission.is_unread or submission.news_at is None:
        return False
    return submission.news_at < working_days_before(now, submission.clinic.reading_target_days)
