"""Record that somebody looked at patient data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.models.visibility import find_emergency
from portal.audit.services import Entry, record_event, record_events

if TYPE_CHECKING:
    import uuid

    from django.db import models

    from portal.accounts.models import User


def record_viewed(*, actor: User, obj: models.Model, clinic_id: uuid.UUID) -> None:
    """One event "<model>.viewed" for a page or an answer that showed `obj`.

    What was opened in an emergency stands in the trail of the reader's own clinic too.
    """
    action = f"{obj._meta.model_name}.viewed"  # noqa: SLF001
    emergency = find_emergency(actor, clinic_id)
    if emergency is None:
        record_event(clinic_id=clinic_id, action=action, actor=actor, obj=obj)
        return
    details = {"emergency": str(emergency.pk)}
    record_events(
        Entry(clinic_id=pk, action=action, actor=actor, obj=obj, details=details)
        for pk in (clinic_id, emergency.home_clinic_id)
    )


def record_listed(
    *, actor: User, clinic_id: uuid.UUID, what: str, details: dict[str, Any] | None = None
) -> None:
    """One event "<what>.listed" for a list; `details` holds counts and filter names, no words."""
    record_event(clinic_id=clinic_id, action=f"{what}.listed", actor=actor, details=details)
