"""Audit log: record that somebody looked at patient data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.cases.follow_up import list_followers
from classifier.models import Submission
from classifier.models.visibility import find_emergency
from portal.trust.audit.services import Entry, record_events

if TYPE_CHECKING:
    import uuid

    from django.db import models

    from portal.trust.accounts.models import User


def record_viewed(
    *, actor: User, obj: models.Model, clinic_id: uuid.UUID, shows_standing: bool = True
) -> None:
    """One event "<model>.viewed" for a page or an answer that showed `obj`.

    shows_standing: False for a page of a case that doesn't say what it stands for: its news stays unread.
    """
    if shows_standing and isinstance(obj, Submission):
        # Before the event: whoever changes a case locks it first and the audit chain last.
        mark_read(actor=actor, submission=obj)
    _record(f"{obj._meta.model_name}.viewed", actor, clinic_id, obj=obj, details={})  # noqa: SLF001


def mark_read(*, actor: User, submission: Submission) -> None:
    """Note that who follows the case up has opened it; what became of it since they did stays unread.

    Of a case that nobody follows up it is any colleague who could take it over. What a record system
    fetches, nobody has seen by that.
    """
    if submission.is_unread and _reaches(actor, submission):
        Submission.objects.filter(pk=submission.pk, news_at=submission.news_at).update(is_unread=False)


def _reaches(actor: User, submission: Submission) -> bool:
    followers = list_followers(submission.clinic_id)
    awaited_by = submission.responsible_id or submission.submitted_by_id
    return actor.pk in followers and (actor.pk == awaited_by or awaited_by not in followers)


def record_listed(
    *, actor: User, clinic_id: uuid.UUID, what: str, details: dict[str, Any] | None = None
) -> None:
    """One event "<what>.listed" for a list; `details` holds counts and filter names, no words."""
    _record(f"{what}.listed", actor, clinic_id, obj=None, details=details or {})


def _record(
    action: str, actor: User, clinic_id: uuid.UUID, *, obj: models.Model | None, details: dict[str, Any]
) -> None:
    """In the clinic's audit log; what an emergency opened, in the audit log of the reader's own clinic too."""
    clinics = [clinic_id]
    if emergency := find_emergency(actor, clinic_id):
        clinics.append(emergency.home_clinic_id)
        details = {**details, "emergency": str(emergency.pk)}
    record_events(Entry(clinic_id=pk, action=action, actor=actor, obj=obj, details=details) for pk in clinics)
