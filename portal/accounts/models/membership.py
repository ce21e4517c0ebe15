from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from portal.accounts.roles import Role

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.accounts.models.user import User


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> MembershipQuerySet:
        """Memberships that count now."""
        return self.filter(is_active=True)

    def held_by(self, user: User | AnonymousUser) -> MembershipQuerySet:
        """What gives this person rights now: active, and in the clinic that their token opens.

        Nothing for nobody and for a closed log-in.
        """
        if not user.is_authenticated or not user.is_active:
            return self.none()
        rows = self.active().filter(user=user)
        return rows if user.clinic_limit is None else rows.filter(clinic=user.clinic_limit)


class Membership(models.Model):
    """One person in one clinic, in one role."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="memberships")
    clinic = models.ForeignKey("accounts.Clinic", on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=16, choices=Role)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        ordering = ["clinic__name", "user__email"]
        constraints = [
            # Two roles of one person in one clinic would make "may they?" depend on row order.
            models.UniqueConstraint(fields=["user", "clinic"], name="membership_unique_user_clinic"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} membership {self.pk}"
