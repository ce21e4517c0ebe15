"""Idempotent requests and request counts: what programs asked, and how often."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q


class IdempotentRequest(models.Model):
    """A POST that its caller gave a key: sent again, it gets the first answer.

    The key is the caller's own word and the answer may hold a patient's: the one is kept as a keyed
    digest, the other sealed. The row's id names the request to what it makes.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    caller = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    clinic = models.ForeignKey(
        "accounts.Clinic", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    key_digest = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64, help_text="Keyed digest of address and body.")
    created_at = models.DateTimeField()
    # Who works on it, and since when: a request that died is taken over by its repetition.
    claim = models.UUIDField(default=uuid.uuid4)
    claimed_at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    location = models.CharField(max_length=300, blank=True)
    sealed_answer = models.TextField(blank=True)

    class Meta:
        ordering = ["created_at"]
        constraints = [
            # Two requests with one key at the same moment: one is the first.
            models.UniqueConstraint(fields=["caller", "key_digest"], name="idempotent_request_key_once"),
            models.CheckConstraint(
                condition=Q(status__isnull=True, sealed_answer="")
                | (Q(status__isnull=False) & ~Q(sealed_answer="")),
                name="idempotent_request_answered_whole",
            ),
        ]
        indexes = [models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return str(self.pk)


class RequestCount(models.Model):
    """How many calls a token, an application or a clinic made in its newest minute. Shared by all web processes."""

    key = models.CharField(primary_key=True, max_length=100)
    minute = models.PositiveBigIntegerField(help_text="Since the epoch.")
    calls = models.PositiveIntegerField()

    class Meta:
        indexes = [models.Index(fields=["minute"])]

    def __str__(self) -> str:
        return self.key
