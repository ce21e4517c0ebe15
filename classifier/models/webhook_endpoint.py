from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

from classifier.vocabulary import DisabledReason, SignatureScheme
from portal.accounts.models import Membership
from portal.accounts.roles import ROLES_ALLOWED, Action

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.accounts.models import User


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
