"""What a letter says: an event's ids and codes, and where the rest is to be read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.conf import settings
from django.urls import reverse

from classifier.models import Review
from classifier.webhook_states import WebhookEventType
from classifier.webhooks.signing import read_secrets
from classifier.webhooks.transport import Letter

if TYPE_CHECKING:
    from classifier.models import WebhookDelivery, WebhookEvent


def write_letter(delivery: WebhookDelivery) -> Letter:
    """The letter of this delivery. Raises LostSecretError."""
    event = delivery.event
    kind, data = _withhold(event)
    path = reverse("api-submission", args=[event.submission_id]) if event.submission_id else ""
    body = {
        "id": str(event.pk),
        "type": kind,
        "created_at": event.created_at.isoformat(),
        "clinic": str(event.clinic_id),
        "submission": str(event.submission_id) if event.submission_id else None,
        "data": data,
        "url": settings.DERMAPORT_SITE_URL + path if path else None,
    }
    return Letter(
        url=delivery.endpoint.url,
        event_id=str(event.pk),
        event_type=kind,
        body=json.dumps(body, separators=(",", ":")).encode(),
        secrets=read_secrets(delivery.endpoint),
    )


def _withhold(event: WebhookEvent) -> tuple[str, dict[str, str]]:
    """Type and data as they may be told now: a clinic may have begun to hide answers meanwhile."""
    is_told = event.type != WebhookEventType.PREDICTION_REFUSED or not event.clinic.hide_result_until_read
    if is_told or Review.objects.filter(submission=event.submission_id).exists():
        return event.type, event.data
    data = {name: value for name, value in event.data.items() if name != "code"}
    return WebhookEventType.PREDICTION_SUCCEEDED.value, data
