"""Submission and its images: one question about one lesion, and the photographs sent with it."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

from django.conf import settings
from django.core.files.storage import storages
from django.db import models
from django.db.models import Q

from classifier.domain.states import Headline, SubmissionState
from classifier.domain.vocabulary import ORDERS, CaptureKind, DermoscopicType, Management, Priority, Source
from classifier.models.standing_columns import StandingColumns, standing_constraints
from classifier.models.visibility import visible_rows
from portal.trust.encryption.fields import EncryptedCharField, EncryptedTextField

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser
    from django.core.files.storage import Storage

    from portal.trust.accounts.models import User


def awaited_by(user: User) -> Q:
    """Cases whose results this person follows up: their own, unless handed over, and those they took."""
    return Q(responsible=user) | Q(responsible__isnull=True, submitted_by=user)


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def visible_to(self, user: User | AnonymousUser) -> SubmissionQuerySet:
        return self.filter(visible_rows(user, clinic="clinic_id", patient="lesion__patient_id"))

    def awaited_by(self, user: User) -> SubmissionQuerySet:
        """Cases that `awaited_by` names."""
        return self.filter(awaited_by(user))

    def with_state(self, *states: SubmissionState) -> SubmissionQuerySet:
        return self.filter(state__in=states)

    def with_open_order(self) -> SubmissionQuerySet:
        """Signed with an order that nobody has acknowledged."""
        return self.filter(order_due_at__isnull=False)


class QuestionText(NamedTuple):
    """What people call a text of a case, and what they read where nobody wrote one."""

    label: str
    if_none: str


QUESTION_TEXTS = {
    "clinical_question": QuestionText("Question", "None asked"),
    "clinical_history": QuestionText("History", "None given"),
}
"""What a sender may write of a case, by its column: every door, page, report and archive goes by this list."""


class Submission(StandingColumns):
    """Who asks what about which lesion, when."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey("accounts.Clinic", on_delete=models.PROTECT, related_name="submissions")
    lesion = models.ForeignKey("classifier.Lesion", on_delete=models.PROTECT, related_name="submissions")
    submitted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="submissions"
    )
    submitted_at = models.DateTimeField()
    clinical_question = EncryptedCharField(max_length=500, blank=True)
    clinical_history = EncryptedTextField(max_length=4000, blank=True)
    priority = models.CharField(max_length=8, choices=Priority, default=Priority.ROUTINE)
    source = models.CharField(max_length=8, choices=Source, default=Source.PAGE)
    # Who follows the case up and who reads it, where it was handed over; else who submitted it, and
    # any dermatologist of the clinic.
    responsible = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    reader = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    # A form or a retry names its submission beforehand: sent twice, it is one submission.
    request_key = models.UUIDField(default=uuid.uuid4, editable=False)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
    )
    withdrawal_reason = EncryptedCharField(max_length=500, blank=True)
    # From here on `classifier.standing.columns` alone writes, in the transaction of what changes it.
    state = models.CharField(max_length=16, choices=SubmissionState, default=SubmissionState.IN_WORK)
    model_answer = models.CharField(max_length=14, choices=Headline, default=Headline.QUEUED)
    model_probability = models.FloatField(
        null=True, blank=True, help_text="Calibrated P(malignant) of the image that speaks for the case."
    )
    management = models.CharField(
        max_length=20, choices=Management, blank=True, help_text="Of the review in force."
    )
    order_due_at = models.DateTimeField(
        null=True, blank=True, help_text="Set while an order waits for its acknowledgement."
    )
    # News for whoever follows the case up: what it stands for changed, and they have not opened it since.
    is_unread = models.BooleanField(default=False)
    news_at = models.DateTimeField(null=True, blank=True)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        ordering = ["-submitted_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["clinic", "request_key"], name="submission_unique_request"),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True, cancelled_by__isnull=True)
                | Q(cancelled_at__isnull=False, cancelled_by__isnull=False),
                name="submission_cancelled_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(withdrawal_reason="") | Q(cancelled_at__isnull=False),
                name="submission_reason_of_a_withdrawal",
            ),
            models.CheckConstraint(
                condition=Q(state__in=SubmissionState.values) & Q(model_answer__in=Headline.values),
                name="submission_state_known",
            ),
            *standing_constraints("submission"),
            # An order is a signed one.
            models.CheckConstraint(
                condition=Q(order_due_at__isnull=True)
                | Q(management__in=list(ORDERS), state=SubmissionState.REVIEWED),
                name="submission_order_is_signed",
            ),
            models.CheckConstraint(
                condition=Q(is_unread=False) | Q(news_at__isnull=False), name="submission_unread_has_news"
            ),
        ]
        indexes = [
            models.Index(
                fields=["clinic", "standing_rank", "-submitted_at", "-id"], name="submission_by_risk"
            ),
            models.Index(fields=["clinic", "standing", "-submitted_at"], name="submission_by_standing"),
            models.Index(fields=["clinic", "state", "-submitted_at"], name="submission_by_state"),
            models.Index(fields=["clinic", "model_answer", "-submitted_at"], name="submission_by_answer"),
            models.Index(
                fields=["clinic", "order_due_at"],
                condition=Q(order_due_at__isnull=False),
                name="submission_open_orders",
            ),
            models.Index(
                fields=["clinic", "standing_rank", "news_at"],
                condition=Q(is_unread=True),
                name="submission_unread",
            ),
            models.Index(fields=["clinic", "-submitted_at"]),
            models.Index(fields=["lesion", "-submitted_at"]),
            models.Index(fields=["submitted_by", "-submitted_at"]),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_reviewed(self) -> bool:
        """Whether a dermatologist signed."""
        return self.state == SubmissionState.REVIEWED


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
