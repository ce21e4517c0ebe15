"""Deliveries in the queue, and tries that fail."""

import datetime as dt

import time_machine
from django.utils import timezone

from classifier.models import WebhookDelivery
from classifier.webhooks.delivery import claim_deliveries, finish_delivery
from classifier.webhooks.transport import DeliveryResult
from tests.support.webhooks import WebhookDeliveryFactory

DAY = dt.timedelta(days=1)
FAILED = DeliveryResult("status_refused", 500, "no")


def add(endpoint, number=1, **values):
    return [WebhookDeliveryFactory(endpoint=endpoint, **values) for _ in range(number)]


def claim(limit=16):
    return claim_deliveries(worker="w", limit=limit)


def fail_until(end):
    """Fail every try from now to `end`; return how many there were."""
    tries = 0
    with time_machine.travel(timezone.now(), tick=False) as clock:
        while timezone.now() < end:
            for row in claim():
                finish_delivery(row=row, result=FAILED)
                tries += 1
            waiting = WebhookDelivery.objects.waiting().order_by("next_attempt_at").first()
            if waiting is None:
                break
            clock.move_to(waiting.next_attempt_at)
    return tries
