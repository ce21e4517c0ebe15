"""Histopathology: what was found in a specimen; in the table, in JSON and here it is called outcome."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q

from classifier.domain.vocabulary import Histopathology, Procedure
from classifier.models.visibility import visible_rows
from portal.trust.encryption.fields import EncryptedCharField, EncryptedTextField

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.trust.accounts.models import User


class OutcomeQuerySet(models.QuerySet["Outcome"]):
    def visible_to(self, user: User | AnonymousUser) -> OutcomeQuerySet:
        return self.filter(
            visible_rows(user, clinic="lesion__patient__clinic_id", patient="lesion__patient_id")
        )

    def with_standing(self) -> OutcomeQuerySet:
        """Annotate is_current: whether no correction replaces it; `list_in_force` in SQL."""
        return self.annotate(is_current=~Exists(Outcome.objects.filter(corrects=OuterRef("pk"))))

    def update(self, **_: Any) -> NoReturn:
        raise TypeError("an outcome never changes; record a correction")

    def delete(self) -> NoReturn:
        raise TypeError("an outcome is never deleted; record a correction")


class Outcome(models.Model):
    """What histopathology found in a specimen of a lesion. A correction is a new row.

    Not `vocabulary.ModelAnswer`, which is what the model says of an image.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    lesion = models.ForeignKey("classifier.Lesion", on_delete=models.PROTECT, related_name="outcomes")
    diagnosis = models.CharField(max_length=30, choices=Histopathology)
    procedure = models.CharField(max_length=12, choices=Procedure)
    specimen_taken_on = models.DateField()
    reported_on = models.DateField()
    breslow_mm = models.DecimalField(
        "Breslow thickness (mm)", max_digits=4, decimal_places=2, null=True, blank=True
    )
    comment = EncryptedTextField(max_length=4000, blank=True)
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="recorded_outcomes"
    )
    recorded_at = models.DateTimeField()
    corrects = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="corrected_by"
    )
    correction_reason = EncryptedCharField(max_length=500, blank=True)

    objects = OutcomeQuerySet.as_manager()

    class Meta:
        ordering = ["lesion", "recorded_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(diagnosis__in=Histopathology.values) & Q(procedure__in=Procedure.values),
                name="outcome_words_known",
            ),
            models.CheckConstraint(
                condition=Q(reported_on__gte=F("specimen_taken_on")), name="outcome_reported_after_specimen"
            ),
            # Thickness is a figure of invasive melanoma; with anything else it is a slip.
            models.CheckConstraint(
                condition=Q(breslow_mm__isnull=True)
                | Q(breslow_mm__gt=0, diagnosis=Histopathology.MELANOMA_INVASIVE),
                name="outcome_breslow_of_invasive_melanoma",
            ),
            models.CheckConstraint(
                condition=Q(corrects__isnull=True, correction_reason="")
                | (Q(corrects__isnull=False) & ~Q(correction_reason="")),
                name="outcome_correction_has_reason",
            ),
        ]
        indexes = [models.Index(fields=["lesion", "-recorded_at"])]

    def __str__(self) -> str:
        return str(self.pk)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("an outcome never changes; record a correction")
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("an outcome is never deleted; record a correction")
