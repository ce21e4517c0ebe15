"""Webhook endpoint, event and delivery: who is told of what, and how far that has come."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

from classifier.domain.states import FINISHED_DELIVERIES, UNFINISHED_DELIVERIES, DeliveryState
from classifier.domain.vocabulary import DisabledReason, SignatureScheme, WebhookEventType
from classifier.models.claimable import Claimable, finished_has_time, held_has_lease
from portal.trust.accounts.models import Membership
from portal.trust.accounts.roles import ROLES_ALLOWED, Action

if TYPE_CHECKING:
    import datetime as dt

    from django.contrib.auth.models import AnonymousUser

    from portal.trust.accounts.models import User


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def visible_to(self, user: User | AnonymousUser) -> WebhookEndpointQuerySet:
        """Those of the clinics that this person administers, as long as they are not removed."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        administered = Membership.objects.held_by(user).filter(role__in=ROLES_ALLOWED[Action.ADMINISTER])
        return self.kept().filter(clinic_id__in=administered.order_by().values("clinic_id"))

    def kept(self) -> WebhookEndpointQuerySet:
        return self.filter(removed_at__isnull=True)

    def active(self) -> WebhookEndpointQuerySet:
        return self.kept().filter(is_active=True)


class WebhookEndpoint(models.Model):
    """Where a clinic wants to be told. A removed one stays as a row: deliveries name it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey("accounts.Clinic", on_delete=models.PROTECT, related_name="webhook_endpoints")
    url = models.CharField(max_length=500)
    description = models.CharField(max_length=120, blank=True)
    events = models.JSONField(default=list)
    is_active = models.BooleanField(default=True)
    disabled_reason = models.CharField(max_length=10, choices=DisabledReason, blank=True)
    disabled_at = models.DateTimeField(null=True, blank=True)
    # The first failure since the last success: what switches it off after days.
    failing_since = models.DateTimeField(null=True, blank=True)
    # Set up before Standard Webhooks: the former header goes on until the secret is changed.
    signature_scheme = models.CharField(
        max_length=8, choices=SignatureScheme, default=SignatureScheme.STANDARD
    )
    # Encrypted (webhooks.signing). The previous one signs too, until its time is over.
    sealed_secret = models.TextField(blank=True)
    sealed_previous = models.TextField(blank=True)
    previous_until = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True, blank=True)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        ordering = ["clinic", "created_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(signature_scheme__in=SignatureScheme.values),
                name="webhook_signature_scheme_known",
            ),
            # A page that says "off" says why and since when; one that is on has no old reason.
            models.CheckConstraint(
                condition=Q(is_active=True, disabled_reason="", disabled_at__isnull=True)
                | (Q(is_active=False, disabled_at__isnull=False) & ~Q(disabled_reason="")),
                name="webhook_disabled_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(removed_at__isnull=True) & ~Q(sealed_secret="")
                | Q(removed_at__isnull=False, sealed_secret="", sealed_previous="", is_active=False),
                name="webhook_secret_while_kept",
            ),
            models.CheckConstraint(
                condition=Q(sealed_previous="", previous_until__isnull=True)
                | (~Q(sealed_previous="") & Q(previous_until__isnull=False)),
                name="webhook_previous_secret_ends",
            ),
        ]
        indexes = [models.Index(fields=["clinic", "removed_at"], name="webhook_of_clinic")]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def name(self) -> str:
        return self.description or self.url


class WebhookEvent(models.Model):
    """What happened, written in the transaction in which it happened. Ids and codes only.

    Its id is what a receiver tells repeated deliveries by: every try and every redelivery carries it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey("accounts.Clinic", on_delete=models.PROTECT, related_name="+")
    type = models.CharField(max_length=24, choices=WebhookEventType)
    submission = models.ForeignKey(
        "classifier.Submission", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(type__in=WebhookEventType.values), name="webhook_event_type_known"
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="webhook_event_age")]

    def __str__(self) -> str:
        return str(self.pk)


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
            held_has_lease(DeliveryState.SENDING, name="webhook_delivery_sending_has_lease"),
            models.CheckConstraint(
                condition=~Q(state=DeliveryState.WAITING) | Q(next_attempt_at__isnull=False),
                name="webhook_delivery_waiting_has_time",
            ),
            finished_has_time(
                FINISHED_DELIVERIES, UNFINISHED_DELIVERIES, name="webhook_delivery_finished_has_time"
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
