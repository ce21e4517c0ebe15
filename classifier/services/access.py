"""Record that somebody looked at patient data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from portal.audit.services import record_event

if TYPE_CHECKING:
    import uuid

    from django.db import models

    from portal.accounts.models import User


def record_viewed(*, actor: User, obj: models.Model, clinic_id: uuid.UUID) -> None:
    """One event "<model>.viewed" for a page or an answer that showed `obj`."""
    record_event(
        clinic_id=clinic_id,
        action=f"{obj._meta.model_name}.viewed",  # noqa: SLF001
        actor=actor,
        obj=obj,
    )


def record_listed(
    *, actor: User, clinic_id: uuid.UUID, what: str, details: dict[str, Any] | None = None
) -> None:
    """One event "<what>.listed" for a list; `details` holds counts and filter names, no words."""
    record_event(clinic_id=clinic_id, action=f"{what}.listed", actor=actor, details=details)
