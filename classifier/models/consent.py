from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from classifier.models.visibility import visible_rows
from classifier.vocabulary import ConsentOrigin, ConsentPurpose

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.accounts.models import User


class ConsentQuerySet(models.QuerySet["Consent"]):
    def visible_to(self, user: User | AnonymousUser) -> ConsentQuerySet:
        return self.filter(visible_rows(user, clinic="patient__clinic_id", patient="patient_id"))


class Consent(models.Model):
    """What a patient said of one purpose, to whom and when. A change of mind is a new row."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey("classifier.Patient", on_delete=models.PROTECT, related_name="consents")
    purpose = models.CharField(max_length=10, choices=ConsentPurpose)
    is_given = models.BooleanField()
    origin = models.CharField(max_length=9, choices=ConsentOrigin, default=ConsentOrigin.STATED)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = ConsentQuerySet.as_manager()

    class Meta:
        ordering = ["-recorded_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(purpose__in=ConsentPurpose.values), name="consent_purpose_known"
            ),
            models.CheckConstraint(
                condition=models.Q(origin__in=ConsentOrigin.values), name="consent_origin_known"
            ),
        ]
        indexes = [models.Index(fields=["patient", "-recorded_at"])]

    def __str__(self) -> str:
        return str(self.pk)
