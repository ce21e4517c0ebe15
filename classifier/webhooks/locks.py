"""An endpoint, locked and still there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifier.models import WebhookEndpoint
from classifier.services.errors import ConflictError
from portal.audit.services import record_event

if TYPE_CHECKING:
    import uuid

    from portal.accounts.models import User


def lock_endpoint(pk: uuid.UUID) -> WebhookEndpoint:
    rows = WebhookEndpoint.objects.kept().select_for_update(no_key=True)
    # By the id, not by the model's own order, which would lock the clinic with it.
    endpoint = rows.filter(pk=pk).order_by("pk").first()
    if endpoint is None:
        raise ConflictError("removed", "This webhook was removed.")
    return endpoint


def lock_active_endpoint(pk: uuid.UUID) -> WebhookEndpoint:
    endpoint = lock_endpoint(pk)
    if not endpoint.is_active:
        raise ConflictError("disabled", "This webhook is off. Switch it on first.")
    return endpoint


def record_act(actor: User, endpoint: WebhookEndpoint, what: str, **details: Any) -> None:
    """The address is left out: it may hold a word that opens something."""
    record_event(
        clinic_id=endpoint.clinic_id,
        action=f"webhook.{what}",
        actor=actor,
        obj=endpoint,
        details=details,
    )
