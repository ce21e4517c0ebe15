"""Reading: what a dermatologist says of a case before the model's answer is shown."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Q

from classifier.domain.vocabulary import READING_QUESTION, Diagnosis, Management
from classifier.models.visibility import visible_rows

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.trust.accounts.models import User


class ReadingQuerySet(models.QuerySet["Reading"]):
    def visible_to(self, user: User | AnonymousUser) -> ReadingQuerySet:
        return self.filter(
            visible_rows(user, clinic="submission__clinic_id", patient="submission__lesion__patient_id")
        )

    def update(self, **_: Any) -> NoReturn:
        raise TypeError("a reading never changes; sign a review")

    def delete(self) -> NoReturn:
        raise TypeError("a reading is never deleted; sign a review")


class Reading(models.Model):
    """Blinded reading: what a dermatologist sees in a case before the model's answer is shown.

    Never changed and never deleted: what somebody thought before the reveal can't be known better
    afterwards. Codes and a figure alone, so that it stays when its patient is erased.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    submission = models.ForeignKey("classifier.Submission", on_delete=models.PROTECT, related_name="readings")
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="readings")
    read_at = models.DateTimeField()
    # What the reader was asked: readings of another question are not counted together.
    question = models.PositiveSmallIntegerField(default=READING_QUESTION)
    diagnosis = models.CharField(max_length=30, choices=Diagnosis)
    management = models.CharField(max_length=20, choices=Management, blank=True)
    confidence = models.PositiveSmallIntegerField(null=True, blank=True, help_text="Percent, 0 to 100.")

    objects = ReadingQuerySet.as_manager()

    class Meta:
        ordering = ["submission", "read_at"]
        constraints = [
            # The first one counts: after it the answer is shown, and nobody reads unseen any more.
            models.UniqueConstraint(fields=["submission", "reader"], name="reading_once_per_reader"),
            # A word that no list knows can't be compared with a review or with histopathology.
            models.CheckConstraint(
                condition=Q(diagnosis__in=Diagnosis.values) & Q(management__in=["", *Management.values]),
                name="reading_words_known",
            ),
            # Percent: a scale from 1 to 5 in the same column would spoil every mean.
            models.CheckConstraint(
                condition=Q(confidence__isnull=True) | Q(confidence__lte=100),
                name="reading_confidence_is_percent",
            ),
            # Versions count from 1: 0 would be a question that nobody asked.
            models.CheckConstraint(condition=Q(question__gte=1), name="reading_question_asked"),
            # The first question asks for the diagnosis alone; more beside it was not said before the reveal.
            models.CheckConstraint(
                condition=Q(question__gt=1) | Q(management="", confidence__isnull=True),
                name="reading_answers_its_question",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("a reading never changes; sign a review")
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a reading is never deleted; sign a review")
