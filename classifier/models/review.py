"""Review, acknowledgement and reading claim: what was signed, what was done about it, who is reading."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import Q

from classifier.domain.vocabulary import AcknowledgedAs, Agreement, Diagnosis, Management
from classifier.models.visibility import visible_rows
from portal.trust.encryption.fields import EncryptedCharField, EncryptedTextField

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser

    from portal.trust.accounts.models import User


class ReviewQuerySet(models.QuerySet["Review"]):
    def visible_to(self, user: User | AnonymousUser) -> ReviewQuerySet:
        return self.filter(
            visible_rows(user, clinic="submission__clinic_id", patient="submission__lesion__patient_id")
        )

    def update(self, **_: Any) -> NoReturn:
        raise TypeError("a signed review never changes; sign an amendment")

    def delete(self) -> NoReturn:
        raise TypeError("a signed review is never deleted; sign an amendment")


class Review(models.Model):
    """A dermatologist's signed decision. An amendment is a new row that names the one before."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    submission = models.ForeignKey("classifier.Submission", on_delete=models.PROTECT, related_name="reviews")
    diagnosis = models.CharField(max_length=30, choices=Diagnosis)
    # What follows from the diagnosis and the model's answer; what was stated before it was worked out.
    agreement = models.CharField(max_length=12, choices=Agreement)
    stated_agreement = models.CharField(max_length=12, choices=Agreement, blank=True, editable=False)
    management = models.CharField(max_length=20, choices=Management)
    comment = EncryptedTextField(max_length=4000, blank=True)
    signed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="signed_reviews"
    )
    signed_at = models.DateTimeField()
    amends = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="amended_by"
    )
    # Why it was signed although a picture could not be shown; empty where all were seen.
    unseen_reason = EncryptedCharField(max_length=500, blank=True)
    amendment_reason = EncryptedCharField(max_length=500, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        ordering = ["submission", "signed_at"]
        constraints = [
            # Fifty signatures at once leave one; a change of mind is an amendment.
            models.UniqueConstraint(
                fields=["submission"],
                condition=Q(amends__isnull=True),
                name="review_one_first_per_submission",
            ),
            models.CheckConstraint(
                condition=Q(amends__isnull=True, amendment_reason="")
                | (Q(amends__isnull=False) & ~Q(amendment_reason="")),
                name="review_amendment_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(diagnosis__in=Diagnosis.values)
                & Q(agreement__in=Agreement.values)
                & Q(management__in=Management.values)
                & Q(stated_agreement__in=["", *Agreement.values]),
                name="review_words_known",
            ),
        ]
        indexes = [models.Index(fields=["signed_by", "-signed_at"], name="review_by_signer")]

    def __str__(self) -> str:
        return str(self.pk)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self._state.adding:
            raise TypeError("a signed review never changes; sign an amendment")
        super().save(*args, **kwargs)

    def delete(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("a signed review is never deleted; sign an amendment")


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


class ReadingClaim(models.Model):
    """A dermatologist has a case open to read it, until a moment. One a case; gone when released."""

    submission = models.OneToOneField(
        "classifier.Submission", on_delete=models.CASCADE, primary_key=True, related_name="reading_claim"
    )
    reader = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    claimed_at = models.DateTimeField()
    until = models.DateTimeField(db_index=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(until__gt=models.F("claimed_at")), name="reading_claim_ends_later"
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)
