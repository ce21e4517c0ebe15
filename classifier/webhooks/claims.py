"""Claim letters, as `services.queue` does predictions.

A claim takes a few letters of each endpoint that has room: who answers slowly holds up nobody else.
Whoever changes deliveries locks their endpoint first; not against new letters for it, which are
written in the transactions of what happened.
"""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, Min
from django.utils import timezone

from classifier.models import WebhookDelivery, WebhookEndpoint
from classifier.webhook_states import DeliveryState, move_deliveries

if TYPE_CHECKING:
    pass

log = structlog.get_logger(__name__)


def claim_deliveries(*, worker: str, limit: int) -> list[WebhookDelivery]:
    """Take up to `limit` letters that are due, for `worker`; an endpoint with room gives some."""
    now = timezone.now()
    claimed: list[WebhookDelivery] = []
    for endpoint_id in _endpoints_with_room(now, limit):
        claimed += _claim_of(endpoint_id, now=now, worker=worker, limit=limit - len(claimed))
        if len(claimed) >= limit:
            break
    return claimed


def _endpoints_with_room(now: dt.datetime, limit: int) -> list[uuid.UUID]:
    """Active endpoints with a letter that is due and a free place; who waited longest goes first."""
    counts = WebhookDelivery.objects.sending().order_by().values("endpoint").annotate(letters=Count("pk"))
    full = counts.filter(letters__gte=settings.DERMAPORT_WEBHOOK_PER_ENDPOINT).values("endpoint")
    due = WebhookDelivery.objects.due(now).filter(endpoint__in=WebhookEndpoint.objects.active())
    ordered = (
        due.exclude(endpoint__in=full).order_by().values("endpoint").annotate(first=Min("next_attempt_at"))
    )
    return list(ordered.order_by("first").values_list("endpoint", flat=True)[:limit])


def _claim_of(endpoint_id: uuid.UUID, *, now: dt.datetime, worker: str, limit: int) -> list[WebhookDelivery]:
    claim = uuid.uuid4()
    with transaction.atomic():
        # Two couriers that count at once would both find room.
        rows = WebhookEndpoint.objects.active().filter(pk=endpoint_id).order_by("pk")
        free = rows.select_for_update(skip_locked=True, no_key=True)
        if free.values_list("pk", flat=True).first() is None:
            return []
        mine = WebhookDelivery.objects.filter(endpoint_id=endpoint_id)
        room = min(limit, settings.DERMAPORT_WEBHOOK_PER_ENDPOINT - mine.sending().count())
        due = mine.due(now).order_by("next_attempt_at", "id")
        wanted = list(due.values_list("pk", flat=True)[: max(0, room)])
        move_deliveries(
            WebhookDelivery.objects.filter(pk__in=wanted),
            source=DeliveryState.WAITING,
            target=DeliveryState.SENDING,
            attempt=F("attempt") + 1,
            claim=claim,
            worker=worker,
            attempted_at=now,
            lease_until=now + dt.timedelta(seconds=settings.DERMAPORT_LEASE_SECONDS),
        )
        claimed = WebhookDelivery.objects.filter(pk__in=wanted, claim=claim)
        return list(claimed.select_related("endpoint", "event__clinic").order_by("next_attempt_at", "id"))
