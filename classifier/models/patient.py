from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models

from classifier.models.visibility import visible_rows
from classifier.vocabulary import Sex, SkinType

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.accounts.models import User

# Without 0/O, 1/I/L and U: read aloud and typed without slips (Crockford's choice).
PUBLIC_ID_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def make_public_id() -> str:
    """A pseudonym such as P-7KQ2MXWD: says nothing of the patient, stands in exports."""
    return "P-" + "".join(secrets.choice(PUBLIC_ID_ALPHABET) for _ in range(8))


class PatientQuerySet(models.QuerySet["Patient"]):
    def visible_to(self, user: User | AnonymousUser) -> PatientQuerySet:
        return self.filter(visible_rows(user, clinic="clinic_id", patient="pk"))


class Patient(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey("accounts.Clinic", on_delete=models.PROTECT, related_name="patients")
    public_id = models.CharField(max_length=12, unique=True, default=make_public_id, editable=False)
    mrn = models.CharField("MRN", max_length=64, help_text="Medical record number in this clinic.")
    birth_date = models.DateField(null=True, blank=True)
    sex = models.CharField(max_length=8, choices=Sex, default=Sex.UNKNOWN)
    skin_type = models.CharField(max_length=3, choices=SkinType, blank=True)
    consents_to_inference = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = PatientQuerySet.as_manager()

    class Meta:
        ordering = ["mrn"]
        constraints = [
            # Two rows of one record number would split a patient's history.
            models.UniqueConstraint(fields=["clinic", "mrn"], name="patient_unique_mrn_in_clinic"),
            models.CheckConstraint(condition=~models.Q(mrn=""), name="patient_mrn_given"),
            models.CheckConstraint(condition=models.Q(sex__in=Sex.values), name="patient_sex_known"),
            models.CheckConstraint(
                condition=models.Q(skin_type__in=["", *SkinType.values]),
                name="patient_skin_type_known",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id
