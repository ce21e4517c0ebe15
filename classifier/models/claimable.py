"""Claims: the columns of a row that workers take from a queue, and the constraints that go with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from collections.abc import Collection


class Claimable(models.Model):
    """What the claim engine (`classifier.claims`) needs of a row: which try this is, whose, until when.

    The model adds `state`, `finished_at`, and the constraints below.
    """

    attempt = models.PositiveSmallIntegerField(default=0)
    claim = models.UUIDField(null=True, blank=True)
    worker = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)

    class Meta:
        abstract = True


def held_has_lease(state: str, *, name: str) -> models.CheckConstraint:
    """A row in the `state` in which a worker holds it has claim, lease and the number of the try."""
    return models.CheckConstraint(
        condition=~Q(state=state) | Q(lease_until__isnull=False, claim__isnull=False, attempt__gte=1),
        name=name,
    )


def finished_has_time(
    finished: Collection[str], unfinished: Collection[str], *, name: str
) -> models.CheckConstraint:
    """A row has the moment at which it was finished, once it is and not before."""
    return models.CheckConstraint(
        condition=Q(state__in=sorted(finished), finished_at__isnull=False)
        | Q(state__in=sorted(unfinished), finished_at__isnull=True),
        name=name,
    )
