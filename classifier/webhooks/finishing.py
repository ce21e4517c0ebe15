"""Write what came of a try: delivered, to be tried again, or given up."""

from __future__ import annotations

import datetime as dt
import secrets
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from classifier.models import WebhookDelivery, WebhookEndpoint
from classifier.webhook_states import DeliveryState, WebhookEventType, move_deliveries
from classifier.webhooks.failures import note_failure, note_success

if TYPE_CHECKING:
    from classifier.webhooks.transport import Result

log = structlog.get_logger(__name__)

FIRST_DELAY = dt.timedelta(seconds=15)
LONGEST_DELAY = dt.timedelta(hours=2)
JITTER = 0.2
NO_CLAIM: dict[str, Any] = {"claim": None, "worker": "", "lease_until": None}


def finish_delivery(*, row: WebhookDelivery, result: Result) -> bool:
    """Write what came of a claimed letter, if the claim still stands; return whether it did."""
    now = timezone.now()
    with transaction.atomic():
        endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=row.endpoint_id)
        target = _choose_target(row, endpoint, result, now)
        values: dict[str, Any] = {
            "status_code": result.status_code,
            "answer": result.answer,
            "error_code": result.error_code,
            "milliseconds": result.milliseconds,
        }
        if target == DeliveryState.WAITING:
            values |= {"next_attempt_at": now + choose_delay(row.attempt), **NO_CLAIM}
        else:
            values |= {"finished_at": now, "lease_until": None}
        moved = move_deliveries(
            WebhookDelivery.objects.filter(pk=row.pk, claim=row.claim, attempt=row.attempt),
            source=DeliveryState.SENDING,
            target=target,
            **values,
        )
        if not moved:
            log.info("late_delivery_dropped", delivery=str(row.pk))
        elif not result.error_code:
            note_success(endpoint)
        elif row.event.type != WebhookEventType.TEST:
            note_failure(endpoint)
    return bool(moved)


def _choose_target(
    row: WebhookDelivery, endpoint: WebhookEndpoint, result: Result, now: dt.datetime
) -> DeliveryState:
    if not result.error_code:
        return DeliveryState.DELIVERED
    if not endpoint.is_active:
        return DeliveryState.CANCELLED
    # Somebody waits for the answer of a test and sends another.
    is_test = row.event.type == WebhookEventType.TEST
    return DeliveryState.FAILED if is_test or row.created_at <= oldest_tried(now) else DeliveryState.WAITING


def choose_delay(attempt: int) -> dt.timedelta:
    """15 s after the first try, then twice as long each time, up to 2 hours; a fifth more or less.

    The jitter keeps the letters of an outage from coming back all in one moment.
    """
    doubled: int = 2 ** min(attempt - 1, 16)
    delay = min(FIRST_DELAY * doubled, LONGEST_DELAY)
    return delay * secrets.SystemRandom().uniform(1 - JITTER, 1 + JITTER)


def oldest_tried(now: dt.datetime) -> dt.datetime:
    """Letters made before are given up when they fail."""
    return now - dt.timedelta(hours=settings.DERMAPORT_WEBHOOK_RETRY_HOURS)
