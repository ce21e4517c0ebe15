"""Bring back what dead couriers held, and tidy up."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from classifier.claims.identity import list_dead_holders
from classifier.claims.wake_ups import DELIVER_WEBHOOKS, send_wake_up
from classifier.models import WebhookDelivery, WebhookEndpoint, WebhookEvent
from classifier.webhook_states import DeliveryState, move_deliveries
from classifier.webhooks.finishing import NO_CLAIM, oldest_tried
from classifier.webhooks.switching import cancel_waiting

if TYPE_CHECKING:
    from classifier.models.webhook_delivery import WebhookDeliveryQuerySet

log = structlog.get_logger(__name__)

PRUNED_AT_ONCE = 1000


def give_back_deliveries(*, rows: WebhookDeliveryQuerySet, reason: str) -> int:
    """Let `rows`, whose claims are truly over, wait for the next try; those out of time are given up.

    Whether the receiver had it is not known: it gets it again, with the same event id.
    """
    now = timezone.now()
    with transaction.atomic():
        locked = list(rows.sending().order_by("pk").select_for_update().values_list("pk", flat=True))
        claimed = WebhookDelivery.objects.filter(pk__in=locked)
        move_deliveries(
            claimed.filter(created_at__lte=oldest_tried(now)),
            source=DeliveryState.SENDING,
            target=DeliveryState.FAILED,
            error_code="interrupted",
            finished_at=now,
            lease_until=None,
        )
        move_deliveries(
            claimed,
            source=DeliveryState.SENDING,
            target=DeliveryState.WAITING,
            error_code="interrupted",
            next_attempt_at=now,
            **NO_CLAIM,
        )
    if locked:
        log.warning("deliveries_given_back", reason=reason, count=len(locked))
    return len(locked)


def reconcile_webhooks() -> int:
    """Give back what dead couriers held, tidy up, wake a courier if a letter is due."""
    now = timezone.now()
    sending = WebhookDelivery.objects.sending()
    given = give_back_deliveries(rows=sending.filter(lease_until__lt=now), reason="its lease ran out")
    if dead := list_dead_holders(sending):
        given += give_back_deliveries(rows=sending.filter(worker__in=dead), reason="its courier died")
    _cancel_orphans()
    _prune(now)
    if WebhookDelivery.objects.due(timezone.now()).exists():
        send_wake_up(DELIVER_WEBHOOKS)
    return given


def _cancel_orphans() -> None:
    """Letters that were written in the moment in which their endpoint was switched off."""
    waiting = WebhookDelivery.objects.waiting().exclude(endpoint__in=WebhookEndpoint.objects.active())
    for endpoint_id in list(waiting.order_by().values_list("endpoint", flat=True).distinct()):
        with transaction.atomic():
            endpoint = WebhookEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)
            if not endpoint.is_active:
                cancel_waiting(endpoint_id)


def _prune(now: dt.datetime) -> None:
    """Forget events whose letters are all finished, after the time for which the log is kept."""
    before = now - dt.timedelta(days=settings.DERMAPORT_WEBHOOK_KEEP_DAYS)
    unfinished = WebhookDelivery.objects.filter(finished_at__isnull=True)
    recent = WebhookDelivery.objects.filter(finished_at__gte=before)
    old = WebhookEvent.objects.filter(created_at__lt=before)
    old = old.exclude(deliveries__in=unfinished).exclude(deliveries__in=recent)
    keys = list(old.order_by("created_at").values_list("pk", flat=True)[:PRUNED_AT_ONCE])
    if keys:
        WebhookEvent.objects.filter(pk__in=keys).delete()
