"""Switch an endpoint off and on, or remove it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from classifier.models import WebhookDelivery, WebhookEndpoint
from classifier.webhook_states import (
    DeliveryState,
    DisabledReason,
    move_deliveries,
)
from classifier.webhooks.locks import lock_endpoint, record_act
from portal.accounts.permissions import require
from portal.accounts.roles import Action

if TYPE_CHECKING:
    import uuid

    from portal.accounts.models import User


def set_endpoint_active(*, actor: User, endpoint: WebhookEndpoint, is_active: bool) -> WebhookEndpoint:
    """Switch it off, with what waits for it, or on again.

    Raises PermissionDenied or ConflictError (removed).
    """
    require(actor, endpoint.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        endpoint = lock_endpoint(endpoint.pk)
        if endpoint.is_active == is_active:
            return endpoint
        endpoint.is_active = is_active
        endpoint.disabled_reason = "" if is_active else DisabledReason.BY_PERSON
        endpoint.disabled_at = None if is_active else timezone.now()
        endpoint.failing_since = None
        endpoint.save(update_fields=["is_active", "disabled_reason", "disabled_at", "failing_since"])
        cancelled = 0 if is_active else cancel_waiting(endpoint.pk)
        record_act(actor, endpoint, "enabled" if is_active else "disabled", cancelled=cancelled)
    return endpoint


def remove_endpoint(*, actor: User, endpoint: WebhookEndpoint) -> None:
    """Stop for good and forget the secrets. Raises PermissionDenied or ConflictError (removed)."""
    require(actor, endpoint.clinic_id, Action.ADMINISTER)
    now = timezone.now()
    with transaction.atomic():
        endpoint = lock_endpoint(endpoint.pk)
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(
            is_active=False,
            disabled_reason=endpoint.disabled_reason or DisabledReason.BY_PERSON,
            disabled_at=endpoint.disabled_at or now,
            sealed_secret="",
            sealed_previous="",
            previous_until=None,
            removed_at=now,
        )
        record_act(actor, endpoint, "removed", cancelled=cancel_waiting(endpoint.pk))


def cancel_waiting(endpoint_id: uuid.UUID) -> int:
    """Give up what waits for an endpoint that is off; the caller holds its lock."""
    return move_deliveries(
        WebhookDelivery.objects.filter(endpoint_id=endpoint_id),
        source=DeliveryState.WAITING,
        target=DeliveryState.CANCELLED,
        error_code="webhook_disabled",
        finished_at=timezone.now(),
    )
