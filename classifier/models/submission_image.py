from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.core.files.storage import storages
from django.db import models

from classifier.models.visibility import visible_rows
from classifier.vocabulary import CaptureKind, DermoscopicType
from portal.common.encryption.fields import EncryptedCharField

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.core.files.storage import Storage

    from portal.accounts.models import User


def sealed_storage() -> Storage:
    return storages["sealed"]


def derived_storage() -> Storage:
    return storages["derived"]


class SubmissionImageQuerySet(models.QuerySet["SubmissionImage"]):
    def visible_to(self, user: User | AnonymousUser) -> SubmissionImageQuerySet:
        return self.filter(visible_rows(user, clinic="clinic_id", patient="submission__lesion__patient_id"))

    def for_the_model(self) -> SubmissionImageQuerySet:
        """Those that the network may judge."""
        return self.filter(capture_kind=CaptureKind.DERMOSCOPIC)


class SubmissionImage(models.Model):
    """One photograph: the sealed original, and what is rebuilt from its pixels to be shown."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    submission = models.ForeignKey("classifier.Submission", on_delete=models.PROTECT, related_name="images")
    # Repeated from the submission: visibility and the search for doubles need it in one table.
    clinic = models.ForeignKey("accounts.Clinic", on_delete=models.PROTECT, related_name="+")
    position = models.PositiveSmallIntegerField()
    original = models.FileField(storage=sealed_storage, max_length=200)
    derivative = models.FileField(storage=derived_storage, max_length=200)
    thumbnail = models.FileField(storage=derived_storage, max_length=200)
    # The name on the sender's disk may hold a patient's name: shown to the clinic, never logged.
    original_name = EncryptedCharField(max_length=255, blank=True)
    sha256 = models.CharField(max_length=64)
    pixel_sha256 = models.CharField(
        max_length=64, help_text="Of the decoded pixels: the same picture saved anew is the same."
    )
    format = models.CharField(max_length=8)
    byte_size = models.PositiveBigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    capture_kind = models.CharField(max_length=12, choices=CaptureKind, default=CaptureKind.DERMOSCOPIC)
    dermoscopic_type = models.CharField(max_length=21, choices=DermoscopicType, blank=True)
    quality = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # What the gates found, once for all model versions, before the first network saw the image.
    # From then on the row never changes.
    gate_version = models.CharField(max_length=60, blank=True)
    gate_figures = models.JSONField(default=dict, blank=True)
    gate_refusals = models.JSONField(
        default=list, blank=True, help_text="Why it can't be judged: code and message, as said then."
    )
    gated_at = models.DateTimeField(null=True, blank=True)

    objects = SubmissionImageQuerySet.as_manager()

    class Meta:
        ordering = ["submission", "position"]
        constraints = [
            models.UniqueConstraint(
                fields=["submission", "position"], name="image_position_once_in_submission"
            ),
            models.CheckConstraint(
                condition=models.Q(width__gt=0, height__gt=0, byte_size__gt=0),
                name="image_has_pixels",
            ),
            models.CheckConstraint(
                condition=models.Q(capture_kind__in=CaptureKind.values)
                & (
                    models.Q(dermoscopic_type="")
                    | models.Q(
                        capture_kind=CaptureKind.DERMOSCOPIC, dermoscopic_type__in=DermoscopicType.values
                    )
                ),
                name="image_kind_known",
            ),
            models.CheckConstraint(
                condition=models.Q(gated_at__isnull=True, gate_version="")
                | (models.Q(gated_at__isnull=False) & ~models.Q(gate_version="")),
                name="image_gated_by_a_version",
            ),
        ]
        indexes = [
            models.Index(fields=["clinic", "pixel_sha256"]),
            models.Index(fields=["clinic", "sha256"]),
        ]

    def __str__(self) -> str:
        return str(self.pk)
