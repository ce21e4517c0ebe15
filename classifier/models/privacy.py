"""Consent, emergency access and file removal: what was agreed to, opened and has to go."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from classifier.domain.vocabulary import ConsentOrigin, ConsentPurpose, FileStore
from classifier.models.visibility import visible_rows
from portal.trust.encryption.fields import EncryptedTextField

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.trust.accounts.models import Clinic, User


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


class EmergencyAccessQuerySet(models.QuerySet["EmergencyAccess"]):
    def live(self) -> EmergencyAccessQuerySet:
        """Those that open something now."""
        return self.filter(ended_at__isnull=True, expires_at__gt=timezone.now())

    def unacknowledged(self, clinic: Clinic) -> EmergencyAccessQuerySet:
        """What the administrators of the patients' clinic have not confirmed to have seen."""
        return self.filter(clinic=clinic, acknowledged_at__isnull=True)


class RefusedEmergency(models.Model):
    """Rate limit of break-glass: one try that found no patient, counted against who made it.

    Without what was typed: it may be a patient's.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    home_clinic = models.ForeignKey("accounts.Clinic", on_delete=models.PROTECT, related_name="+")
    clinic = models.ForeignKey("accounts.Clinic", on_delete=models.PROTECT, related_name="+")
    refused_at = models.DateTimeField()

    class Meta:
        ordering = ["-refused_at"]
        constraints = [
            # Nobody breaks the glass of the own clinic: the patients of it stand on the page Patients.
            models.CheckConstraint(
                condition=~Q(clinic=F("home_clinic")), name="refused_emergency_in_another_clinic"
            ),
        ]
        indexes = [models.Index(fields=["user", "-refused_at"], name="refused_emergency_of_user")]

    def __str__(self) -> str:
        return f"Refused emergency {self.pk}"


class EmergencyAccess(models.Model):
    """Break-glass: one person reads one patient of another clinic, for a while, with a reason."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    home_clinic = models.ForeignKey(
        "accounts.Clinic", on_delete=models.PROTECT, related_name="+", help_text="Where the reader works."
    )
    patient = models.ForeignKey("classifier.Patient", on_delete=models.PROTECT, related_name="+")
    # Repeated from the patient: the administrator's page asks for it.
    clinic = models.ForeignKey("accounts.Clinic", on_delete=models.PROTECT, related_name="+")
    # May name the patient: shown to the clinic, never in any log, and gone with an erasure.
    reason = EncryptedTextField(max_length=1000)
    granted_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = EmergencyAccessQuerySet.as_manager()

    class Meta:
        ordering = ["-granted_at"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="emergency_has_reason"),
            # Without an end it would be a membership that no administrator gave.
            models.CheckConstraint(condition=Q(expires_at__gt=F("granted_at")), name="emergency_expires"),
            models.CheckConstraint(
                condition=~Q(clinic=F("home_clinic")), name="emergency_is_for_another_clinic"
            ),
            models.CheckConstraint(
                condition=Q(acknowledged_at__isnull=True, acknowledged_by__isnull=True)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
                name="emergency_acknowledged_by_someone",
            ),
            # Ending one must not leave a second one open.
            models.UniqueConstraint(
                fields=["user", "patient"], condition=Q(ended_at__isnull=True), name="emergency_one_open"
            ),
        ]
        indexes = [models.Index(fields=["clinic", "-granted_at"], name="emergency_of_clinic")]

    def __str__(self) -> str:
        return f"Emergency access {self.pk}"

    @property
    def is_live(self) -> bool:
        return self.ended_at is None and self.expires_at > timezone.now()


class FileRemoval(models.Model):
    """A stored file that has to go: committed with the erasure, worked off after it.

    So a crash between the two loses no deletion, and an erasure taken back removes nothing.
    """

    store = models.CharField(max_length=8, choices=FileStore)
    name = models.CharField(max_length=200)
    # A worker that was at the image may still write this file until its lease ends.
    not_before = models.DateTimeField(db_index=True)
    attempts = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(store__in=FileStore.values) & ~models.Q(name=""),
                name="file_removal_names_a_file",
            ),
        ]

    def __str__(self) -> str:
        return self.name
