from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q, TextChoices

from classifier.models.visibility import visible_rows
from classifier.states import UNFINISHED, PredictionState
from classifier.vocabulary import Priority, Source
from portal.common.encryption.fields import EncryptedCharField, EncryptedTextField

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.accounts.models import User


class SubmissionState(TextChoices):
    """Where a case stands: worked out from its rows, so that it can't disagree with them."""

    IN_WORK = "in_work", "In work"
    NO_RESULT = "no_result", "No result"
    AWAITING_REVIEW = "awaiting_review", "Waiting for review"
    REVIEWED = "reviewed", "Reviewed"
    CANCELLED = "cancelled", "Cancelled"


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def visible_to(self, user: User | AnonymousUser) -> SubmissionQuerySet:
        return self.filter(visible_rows(user, clinic="clinic_id", patient="lesion__patient_id"))

    def awaited_by(self, user: User) -> SubmissionQuerySet:
        """Cases whose results this person follows up: their own, unless handed over, and those they took."""
        return self.filter(Q(responsible=user) | Q(responsible__isnull=True, submitted_by=user))

    def with_facts(self) -> SubmissionQuerySet:
        """Annotate what the state is made of: is_reviewed, is_unfinished, has_result."""
        from classifier.models.prediction import Prediction  # noqa: PLC0415 (they name each other)
        from classifier.models.review import Review  # noqa: PLC0415

        served = Prediction.objects.filter(image__submission=OuterRef("pk"), is_shadow=False)
        return self.annotate(
            is_reviewed=Exists(Review.objects.filter(submission=OuterRef("pk"))),
            is_unfinished=Exists(served.filter(state__in=UNFINISHED)),
            has_result=Exists(served.filter(state=PredictionState.SUCCEEDED)),
        )

    def with_state(self, *states: SubmissionState) -> SubmissionQuerySet:
        """Submissions in any of `states`; the same partition as `Submission.state`."""
        condition = Q(pk__in=[])
        for state in states:
            condition |= STATE_CONDITIONS[state]
        return self.with_facts().filter(condition)


_OPEN = Q(cancelled_at__isnull=True) & Q(is_reviewed=False)
STATE_CONDITIONS: dict[SubmissionState, Q] = {
    SubmissionState.CANCELLED: Q(cancelled_at__isnull=False),
    SubmissionState.REVIEWED: Q(cancelled_at__isnull=True) & Q(is_reviewed=True),
    SubmissionState.IN_WORK: _OPEN & Q(is_unfinished=True),
    SubmissionState.AWAITING_REVIEW: _OPEN & Q(is_unfinished=False) & Q(has_result=True),
    SubmissionState.NO_RESULT: _OPEN & Q(is_unfinished=False) & Q(has_result=False),
}


class Submission(models.Model):
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
        ]
        indexes = [
            models.Index(fields=["clinic", "-submitted_at"]),
            models.Index(fields=["lesion", "-submitted_at"]),
            models.Index(fields=["submitted_by", "-submitted_at"]),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def state(self) -> SubmissionState:
        """The same partition as `with_state`; needs `with_facts()` or works it out."""
        if self.cancelled_at is not None:
            return SubmissionState.CANCELLED
        facts = vars(self if "is_reviewed" in vars(self) else self._load_facts())
        if facts["is_reviewed"]:
            return SubmissionState.REVIEWED
        if facts["is_unfinished"]:
            return SubmissionState.IN_WORK
        return SubmissionState.AWAITING_REVIEW if facts["has_result"] else SubmissionState.NO_RESULT

    def _load_facts(self) -> Submission:
        return Submission.objects.with_facts().get(pk=self.pk)
