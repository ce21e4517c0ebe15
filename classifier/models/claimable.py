"""Claims: the columns of a row that workers take from a queue."""

from __future__ import annotations

from django.db import models


class Claimable(models.Model):
    """What the claim engine (`classifier.claims`) needs of a row: which try this is, whose, until when.

    The model adds `state`, `finished_at`, and a constraint that a held row has claim and lease.
    """

    attempt = models.PositiveSmallIntegerField(default=0)
    claim = models.UUIDField(null=True, blank=True)
    worker = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True
