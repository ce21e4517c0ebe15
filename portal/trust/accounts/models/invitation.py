"""Invitations to a clinic."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q, TextChoices
from django.utils import timezone

from portal.trust.accounts.models.membership import last_day_before
from portal.trust.accounts.roles import Role

if TYPE_CHECKING:
    import datetime as dt


class InvitationState(TextChoices):
    OPEN = "open", "Open"
    EXPIRED = "expired", "Expired"
    ACCEPTED = "accepted", "Accepted"
    WITHDRAWN = "withdrawn", "Withdrawn"


def _state_condition(state: InvitationState, now: dt.datetime) -> Q:
    unanswered = Q(accepted_at__isnull=True, withdrawn_at__isnull=True)
    return {
        InvitationState.OPEN: unanswered & Q(expires_at__gt=now),
        InvitationState.EXPIRED: unanswered & Q(expires_at__lte=now),
        InvitationState.ACCEPTED: Q(accepted_at__isnull=False),
        InvitationState.WITHDRAWN: Q(withdrawn_at__isnull=False),
    }[state]


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def with_state(self, state: InvitationState) -> InvitationQuerySet:
        """The same partition as `Invitation.state`."""
        return self.filter(_state_condition(state, timezone.now()))

    def unanswered(self) -> InvitationQuerySet:
        """Neither accepted nor withdrawn; maybe expired."""
        return self.filter(accepted_at__isnull=True, withdrawn_at__isnull=True)


class Invitation(models.Model):
    """An address that was asked into a clinic. Its secret went out by mail; a hash of it stays."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey("accounts.Clinic", on_delete=models.PROTECT, related_name="invitations")
    email = models.EmailField(help_text="In lower case, as people's own addresses are kept.")
    role = models.CharField(max_length=16, choices=Role)
    guest_until = models.DateTimeField(null=True, blank=True, help_text="When a guest's membership ends.")
    secret_hash = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(help_text="When the link that works now was made.")
    expires_at = models.DateTimeField()
    # The mail server refused it, or could not be reached.
    is_undelivered = models.BooleanField(default=False)
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            # Two links that work would make withdrawing one of them an empty promise.
            models.UniqueConstraint(
                fields=["clinic", "email"],
                condition=Q(accepted_at__isnull=True, withdrawn_at__isnull=True),
                name="invitation_one_unanswered_per_address",
            ),
            models.CheckConstraint(condition=Q(role__in=Role.values), name="invitation_role_known"),
            models.CheckConstraint(
                condition=Q(guest_until__isnull=True) | Q(role=Role.DERMATOLOGIST),
                name="invitation_only_dermatologists_are_guests",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True, accepted_by__isnull=True)
                | Q(accepted_at__isnull=False, accepted_by__isnull=False),
                name="invitation_accepted_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="invitation_withdrawn_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(withdrawn_at__isnull=True),
                name="invitation_one_answer",
            ),
            models.CheckConstraint(
                condition=Q(expires_at__gt=models.F("sent_at")), name="invitation_expires_after_sending"
            ),
        ]

    def __str__(self) -> str:
        return f"Invitation {self.pk}"

    @property
    def last_day(self) -> dt.date | None:
        return last_day_before(self.guest_until)

    @property
    def state(self) -> InvitationState:
        """The same partition as `with_state`."""
        if self.accepted_at is not None:
            return InvitationState.ACCEPTED
        if self.withdrawn_at is not None:
            return InvitationState.WITHDRAWN
        return InvitationState.OPEN if self.expires_at > timezone.now() else InvitationState.EXPIRED
