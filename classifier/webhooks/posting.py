"""Letters that somebody asks for: a test, or one that was sent before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from classifier.claims.wake_ups import DELIVER_WEBHOOKS, wake_on_commit
from classifier.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from classifier.services.errors import ConflictError
from classifier.webhook_states import (
    UNFINISHED_DELIVERIES,
    WebhookEventType,
)
from classifier.webhooks.locks import lock_active_endpoint, record_act
from classifier.webhooks.outbox import post
from portal.accounts.permissions import require
from portal.accounts.roles import Action

if TYPE_CHECKING:
    from portal.accounts.models import User


def send_test(*, actor: User, endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Send a letter that tells of nothing. Raises PermissionDenied or ConflictError (removed, disabled)."""
    require(actor, endpoint.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        endpoint = lock_active_endpoint(endpoint.pk)
        event = WebhookEvent.objects.create(
            clinic_id=endpoint.clinic_id, type=WebhookEventType.TEST, created_at=timezone.now()
        )
        delivery = post(event, endpoint.pk)
        record_act(actor, endpoint, "test_sent", delivery=str(delivery.pk))
        wake_on_commit(DELIVER_WEBHOOKS)
    return delivery


def redeliver(*, actor: User, delivery: WebhookDelivery) -> WebhookDelivery:
    """Send the same event, with its id, once more to the same endpoint.

    Raises PermissionDenied or ConflictError (removed, disabled, still_in_work).
    """
    require(actor, delivery.endpoint.clinic_id, Action.ADMINISTER)
    with transaction.atomic():
        endpoint = lock_active_endpoint(delivery.endpoint_id)
        event = delivery.event
        if event.deliveries.filter(endpoint=endpoint, state__in=UNFINISHED_DELIVERIES).exists():
            raise ConflictError("still_in_work", "This letter is being sent already.")
        again = post(event, endpoint.pk)
        record_act(actor, endpoint, "redelivered", delivery=str(again.pk))
        wake_on_commit(DELIVER_WEBHOOKS)
    return again
