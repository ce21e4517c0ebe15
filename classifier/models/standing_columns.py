"""The columns that say what a case, a lesion or a patient is held for; `classifier.standing.columns` writes them."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from classifier.domain.vocabulary import Standing, StandingBasis

NO_RANK = 9
"""Of a patient or a lesion without any case."""


class StandingColumns(models.Model):
    """What it is held for, on whose word, and since when. All empty while there is no case."""

    standing = models.CharField(max_length=14, choices=Standing, blank=True)
    standing_basis = models.CharField(max_length=14, choices=StandingBasis, blank=True)
    # A code of Histopathology or Diagnosis, whichever the basis is; empty on any other.
    standing_diagnosis = models.CharField(max_length=30, blank=True)
    standing_person = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    standing_at = models.DateTimeField(null=True, blank=True)
    standing_rank = models.PositiveSmallIntegerField(default=NO_RANK, help_text="0 is the most worrying.")

    class Meta:
        abstract = True


def standing_constraints(table: str) -> list[models.CheckConstraint]:
    """What holds of the columns, as named constraints of `table`."""
    people = [StandingBasis.HISTOPATHOLOGY, StandingBasis.REVIEW]
    return [
        models.CheckConstraint(
            condition=Q(standing="", standing_basis="")
            | Q(standing__in=Standing.values, standing_basis__in=StandingBasis.values),
            name=f"{table}_standing_known",
        ),
        # Who decided is known, and nobody is named for what a model or the portal says.
        models.CheckConstraint(
            condition=(
                Q(standing_basis__in=people) & ~Q(standing_diagnosis="") & Q(standing_person__isnull=False)
            )
            | (~Q(standing_basis__in=people) & Q(standing_diagnosis="", standing_person__isnull=True)),
            name=f"{table}_standing_of_a_person",
        ),
    ]
