from __future__ import annotations

from django.db import models


class RequestCount(models.Model):
    """How many calls a token, an application or a clinic made in its newest minute. Shared by all web processes."""

    key = models.CharField(primary_key=True, max_length=100)
    minute = models.PositiveBigIntegerField(help_text="Since the epoch.")
    calls = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["minute"])]

    def __str__(self) -> str:
        return self.key
