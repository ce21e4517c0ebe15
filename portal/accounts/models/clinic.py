from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import models

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.accounts.models.user import User


class ClinicQuerySet(models.QuerySet["Clinic"]):
    def visible_to(self, user: User | AnonymousUser) -> ClinicQuerySet:
        """Clinics in which this person has an active membership."""
        if not user.is_authenticated or not user.is_active:
            return self.none()
        rows = self.filter(memberships__user=user, memberships__is_active=True).distinct()
        return rows if user.clinic_limit is None else rows.filter(pk=user.clinic_limit)


class Clinic(models.Model):
    """A practice or department: the wall that no patient's data crosses."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=120, unique=True)
    # A clinic can have its dermatologists read the image before they see the model's answer.
    hide_result_until_read = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ClinicQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
