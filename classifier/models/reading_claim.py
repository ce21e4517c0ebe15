from __future__ import annotations

from django.conf import settings
from django.db import models


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
