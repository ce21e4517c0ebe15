"""Lesion: one spot on the skin of a patient."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from classifier.domain.vocabulary import BODY_SITES, Laterality, body_site_choices
from classifier.models.standing_columns import StandingColumns, standing_constraints
from classifier.models.visibility import visible_rows
from portal.trust.encryption.fields import EncryptedCharField

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.trust.accounts.models import User


class LesionQuerySet(models.QuerySet["Lesion"]):
    def visible_to(self, user: User | AnonymousUser) -> LesionQuerySet:
        return self.filter(visible_rows(user, clinic="patient__clinic_id", patient="patient_id"))


class Lesion(StandingColumns):
    """One spot on the skin, over time. Held for the most worrying of what is open of its cases."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey("classifier.Patient", on_delete=models.PROTECT, related_name="lesions")
    body_site = models.CharField(max_length=80, choices=body_site_choices)
    laterality = models.CharField(max_length=12, choices=Laterality, default=Laterality.UNSPECIFIED)
    note = EncryptedCharField(max_length=120, blank=True, help_text="What tells it from its neighbours.")
    # Of the facts above, not of the standing; null: never.
    corrected_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    # The case whose standing this is; None where a pathologist's finding speaks without one.
    standing_case = models.ForeignKey(
        "classifier.Submission", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = LesionQuerySet.as_manager()

    class Meta:
        ordering = ["created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(body_site__in=list(BODY_SITES)), name="lesion_body_site_known"
            ),
            models.CheckConstraint(
                condition=models.Q(laterality__in=Laterality.values),
                name="lesion_laterality_known",
            ),
            *standing_constraints("lesion"),
        ]
        indexes = [models.Index(fields=["patient", "standing_rank"], name="lesion_by_risk")]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def site_name(self) -> str:
        """Words such as "Left shoulder (upper extremity)"."""
        site = BODY_SITES[self.body_site]
        if self.laterality in (Laterality.LEFT, Laterality.RIGHT):
            return f"{self.get_laterality_display()} {site[0].lower()}{site[1:]}"
        return site
