"""Webhook health: whether deliveries leave, judged by those that wait."""

from __future__ import annotations

import datetime as dt

from django.db import DatabaseError
from django.utils import timezone

from classifier.models import WebhookDelivery, WebhookEndpoint
from portal.operations.health.probes import Probe

LATE = dt.timedelta(minutes=5)


def probe_webhooks() -> Probe:
    before = timezone.now() - LATE
    try:
        listening = WebhookEndpoint.objects.active()
        late = WebhookDelivery.objects.due(before).filter(endpoint__in=listening).count()
    except DatabaseError as error:
        return Probe("webhooks", ok=False, sentence=f"Could not be read ({type(error).__name__}).")
    if late:
        return Probe(
            "webhooks",
            ok=False,
            sentence=f"Webhook deliveries that should have been tried five minutes ago: {late}.",
            advice="They are kept and wait. Start a sender: see deploy/Procfile.",
        )
    return Probe("webhooks", ok=True, sentence="No webhook delivery is late.")
