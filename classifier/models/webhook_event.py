from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q

from classifier.vocabulary import WebhookEventType


class WebhookEvent(models.Model):
    """What happened, written in the transaction in which it happened. Ids and codes only.

    Its id is what a receiver tells repeated deliveries by: every try and every redelivery carries it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    clinic = models.ForeignKey("accounts.Clinic", on_delete=models.PROTECT, related_name="+")
    type = models.CharField(max_length=24, choices=WebhookEventType)
    submission = models.ForeignKey(
        "classifier.Submission", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    data = models.JSONField(default=dict)
    created_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(type__in=WebhookEventType.values), name="webhook_event_type_known"
            ),
        ]
        indexes = [models.Index(fields=["created_at"], name="webhook_event_age")]

    def __str__(self) -> str:
        return str(self.pk)
