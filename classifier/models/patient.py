"""Patient: a person of one clinic, with encrypted identifiers and a pseudonym."""

from __future__ import annotations

import secrets
import uuid
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models

from classifier.domain.vocabulary import Sex, SkinType
from classifier.models.standing_columns import StandingColumns, standing_constraints
from classifier.models.visibility import visible_rows
from portal.trust.encryption.fields import BlindIndexField, EncryptedCharField, EncryptedDateField
from portal.trust.encryption.texts import make_index

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.trust.accounts.models import User

# Without 0/O, 1/I/L and U: read aloud and typed without slips (Crockford's choice).
PUBLIC_ID_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def make_public_id() -> str:
    """A pseudonym such as P-7KQ2MXWD: says nothing of the patient, stands in exports."""
    return "P-" + "".join(secrets.choice(PUBLIC_ID_ALPHABET) for _ in range(8))


class PatientQuerySet(models.QuerySet["Patient"]):
    def visible_to(self, user: User | AnonymousUser) -> PatientQuerySet:
        return self.filter(visible_rows(user, clinic="clinic_id", patient="pk"))

    def update(self, **values: Any) -> int:
        if "mrn" in values:
            values.setdefault("mrn_index", make_index(values["mrn"]))
        return super().update(**values)


class Patient(StandingColumns):
    """A person in the care of one clinic. Held for the most worrying of their lesions."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey("accounts.Clinic", on_delete=models.PROTECT, related_name="patients")
    public_id = models.CharField(max_length=12, unique=True, default=make_public_id, editable=False)
    mrn = EncryptedCharField(
        "MRN", max_length=64, index_field="mrn_index", help_text="Medical record number in this clinic."
    )
    mrn_index = BlindIndexField(source="mrn")
    birth_date = EncryptedDateField(null=True, blank=True)
    sex = models.CharField(max_length=8, choices=Sex, default=Sex.UNKNOWN)
    skin_type = models.CharField(max_length=3, choices=SkinType, blank=True)
    # The newest word on each purpose; the rows of Consent are the history. None is "never asked".
    consents_to_inference = models.BooleanField(null=True, blank=True)
    consents_to_teaching = models.BooleanField(null=True, blank=True)
    consents_to_training = models.BooleanField(null=True, blank=True)
    is_on_hold = models.BooleanField(default=False, help_text="Legal hold: never erased.")
    erased_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # Of the facts above, not of consents or the standing; null: never.
    corrected_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    standing_lesion = models.ForeignKey(
        "classifier.Lesion", on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )

    objects = PatientQuerySet.as_manager()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            # Two rows of one record number would split a patient's history.
            models.UniqueConstraint(fields=["clinic", "mrn_index"], name="patient_unique_mrn_in_clinic"),
            models.CheckConstraint(condition=~models.Q(mrn_index=""), name="patient_mrn_given"),
            models.CheckConstraint(condition=models.Q(sex__in=Sex.values), name="patient_sex_known"),
            # An erased row may hold nothing that says who it was.
            models.CheckConstraint(
                condition=models.Q(erased_at__isnull=True)
                | models.Q(birth_date__isnull=True, sex=Sex.UNKNOWN, skin_type="", is_on_hold=False),
                name="patient_erased_says_nothing",
            ),
            models.CheckConstraint(
                condition=models.Q(skin_type__in=["", *SkinType.values]),
                name="patient_skin_type_known",
            ),
            *standing_constraints("patient"),
        ]
        indexes = [
            models.Index(fields=["clinic", "standing_rank", "standing_at"], name="patient_by_risk"),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def lets_models_judge(self) -> bool:
        """Whether a model may judge the images: agreed to, or asked where the clinic records consent."""
        agrees = self.consents_to_inference
        return bool(self.clinic.consent_recorded_in) if agrees is None else agrees
