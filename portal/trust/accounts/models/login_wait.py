"""Waits after failed log-ins."""

from __future__ import annotations

from django.db import models


class LoginWait(models.Model):
    """How often log-in failed for an account, an address or a device, and how long the next try waits.

    The key is a keyed hash: the table tells nobody who was tried from where. Not in the cache,
    which may forget.
    """

    key = models.CharField(max_length=64, primary_key=True)
    failures = models.PositiveIntegerField(default=0)
    last_failed_at = models.DateTimeField(db_index=True)
    wait_until = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.failures} failures, wait until {self.wait_until:%H:%M:%S}"
