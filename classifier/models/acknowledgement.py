from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Q

from classifier.models.visibility import visible_rows
from classifier.vocabulary import AcknowledgedAs
from portal.common.encryption.fields import EncryptedCharField

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.accounts.models import User


class AcknowledgementQuerySet(models.QuerySet["Acknowledgement"]):
    def visible_to(self, user: User | AnonymousUser) -> AcknowledgementQuerySet:
        return self.filter(
            visible_rows(
                user, clinic="review__submission__clinic_id", patient="review__submission__lesion__patient_id"
            )
        )

    def in_force(self) -> AcknowledgementQuerySet:
        """Those that nobody took back."""
        return self.filter(taken_back_at__isnull=True)


class Acknowledgement(models.Model):
    """Somebody's word that a signed order was carried out. A slip is taken back, never deleted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    review = models.ForeignKey("classifier.Review", on_delete=models.PROTECT, related_name="acknowledgements")
    done = models.CharField(max_length=16, choices=AcknowledgedAs)
    done_on = models.DateField(null=True, blank=True)
    note = EncryptedCharField(max_length=500, blank=True)
    acknowledged_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    acknowledged_at = models.DateTimeField()
    taken_back_at = models.DateTimeField(null=True, blank=True)
    taken_back_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = AcknowledgementQuerySet.as_manager()

    class Meta:
        ordering = ["acknowledged_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["review"],
                condition=Q(taken_back_at__isnull=True),
                name="acknowledgement_one_in_force",
            ),
            models.CheckConstraint(
                condition=Q(done__in=AcknowledgedAs.values), name="acknowledgement_words_known"
            ),
            # "Other" says nothing by itself.
            models.CheckConstraint(
                condition=~Q(done=AcknowledgedAs.OTHER) | ~Q(note=""), name="acknowledgement_other_has_note"
            ),
            models.CheckConstraint(
                condition=Q(taken_back_at__isnull=True, taken_back_by__isnull=True)
                | Q(taken_back_at__isnull=False, taken_back_by__isnull=False),
                name="acknowledgement_taken_back_by_someone",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
