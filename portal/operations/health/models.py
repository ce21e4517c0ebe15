"""When each worker last said that it lives."""

from __future__ import annotations

from django.db import models


class WorkerHeartbeat(models.Model):
    """When a worker last said that it lives. A row, so that it works without the broker."""

    name = models.CharField(max_length=120, unique=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)
    pid = models.PositiveIntegerField()

    class Meta:
        ordering = ["-seen_at"]

    def __str__(self) -> str:
        return self.name
