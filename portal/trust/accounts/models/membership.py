"""Memberships: who has which role in which clinic, and from when to when it counts."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from portal.trust.accounts.roles import Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.trust.accounts.models.user import User


def last_day_before(moment: dt.datetime | None) -> dt.date | None:
    """The day that is typed and shown for an end that is stored as the midnight after it."""
    return timezone.localdate(moment - dt.timedelta(microseconds=1)) if moment else None


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> MembershipQuerySet:
        """Memberships that count now: not ended by an administrator, and a guest's not over.

        The one place that says so. Every permission and every visibility asks here.
        """
        return self.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=timezone.now()), is_active=True)

    def held_by(self, user: User | AnonymousUser) -> MembershipQuerySet:
        """What gives this person rights now: in force, and in the clinic that their token opens.

        Nothing for nobody and for a closed log-in.
        """
        if not user.is_authenticated or not user.is_active:
            return self.none()
        rows = self.active().filter(user=user)
        return rows if user.clinic_limit is None else rows.filter(clinic=user.clinic_limit)


class Membership(models.Model):
    """One person in one clinic, in one role. With an end it is a guest's."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    clinic = models.ForeignKey("accounts.Clinic", on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)
    is_active = models.BooleanField(default=True)
    # A dermatologist of another clinic who reads here for a while.
    ends_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["clinic__name", "user__email"]
        constraints = [
            # Two roles of one person in one clinic would make "may they?" depend on row order.
            models.UniqueConstraint(fields=["user", "clinic"], name="membership_unique_user_clinic"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
            # An administrator whose time runs out would leave a clinic without one, and nobody would act.
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(role=Role.DERMATOLOGIST),
                name="membership_only_dermatologists_are_guests",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} membership {self.pk}"

    @property
    def is_guest(self) -> bool:
        return self.ends_at is not None

    @property
    def last_day(self) -> dt.date | None:
        return last_day_before(self.ends_at)

    @property
    def is_over(self) -> bool:
        """Whether a guest's time has run out, by itself."""
        return self.ends_at is not None and self.ends_at <= timezone.now()
