from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from classifier.models.claimable import Claimable
from classifier.models.webhook_endpoint import WebhookEndpoint
from classifier.states import FINISHED_DELIVERIES, UNFINISHED_DELIVERIES, DeliveryState

if TYPE_CHECKING:
    import datetime as dt

    from django.contrib.auth.models import AnonymousUser

    from portal.accounts.models import User


class WebhookDeliveryQuerySet(models.QuerySet["WebhookDelivery"]):
    def visible_to(self, user: User | AnonymousUser) -> WebhookDeliveryQuerySet:
        return self.filter(endpoint__in=WebhookEndpoint.objects.visible_to(user))

    def waiting(self) -> WebhookDeliveryQuerySet:
        return self.filter(state=DeliveryState.WAITING)

    def due(self, now: dt.datetime) -> WebhookDeliveryQuerySet:
        return self.waiting().filter(next_attempt_at__lte=now)

    def sending(self) -> WebhookDeliveryQuerySet:
        return self.filter(state=DeliveryState.SENDING)


class WebhookDelivery(Claimable):
    """One event to one endpoint, tried until it arrives or its time is over."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    event = models.ForeignKey("classifier.WebhookEvent", on_delete=models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(
        "classifier.WebhookEndpoint", on_delete=models.PROTECT, related_name="deliveries"
    )
    state = models.CharField(max_length=10, choices=DeliveryState, default=DeliveryState.WAITING)
    created_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    # What came of the last try.
    attempted_at = models.DateTimeField(null=True, blank=True)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.TextField(blank=True, help_text="The start of what the receiver answered.")
    error_code = models.CharField(max_length=40, blank=True)
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    objects = WebhookDeliveryQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=DeliveryState.values), name="webhook_delivery_state_known"
            ),
            # Two clicks on "send again" send it once.
            models.UniqueConstraint(
                fields=["event", "endpoint"],
                condition=Q(state__in=sorted(UNFINISHED_DELIVERIES)),
                name="webhook_delivery_one_live_per_event",
            ),
            models.CheckConstraint(
                condition=~Q(state=DeliveryState.SENDING)
                | Q(lease_until__isnull=False, claim__isnull=False, attempt__gte=1),
                name="webhook_delivery_sending_has_lease",
            ),
            models.CheckConstraint(
                condition=~Q(state=DeliveryState.WAITING) | Q(next_attempt_at__isnull=False),
                name="webhook_delivery_waiting_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=sorted(FINISHED_DELIVERIES), finished_at__isnull=False)
                | Q(state__in=sorted(UNFINISHED_DELIVERIES), finished_at__isnull=True),
                name="webhook_delivery_finished_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["failed", "cancelled"]) | ~Q(error_code=""),
                name="webhook_delivery_failure_has_reason",
            ),
        ]
        indexes = [
            models.Index(
                fields=["endpoint", "next_attempt_at"],
                condition=Q(state=DeliveryState.WAITING),
                name="webhook_delivery_queue",
            ),
            models.Index(
                fields=["lease_until"],
                condition=Q(state=DeliveryState.SENDING),
                name="webhook_delivery_leases",
            ),
            models.Index(fields=["endpoint", "-created_at"], name="webhook_delivery_log"),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_unfinished(self) -> bool:
        return self.state in UNFINISHED_DELIVERIES
