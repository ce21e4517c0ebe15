"""Review in force: of the signed versions of a case, the one that no amendment replaces.

An amendment is a row of its own that names the one before, so the reviews of a case are one chain and
its end counts. Everybody asks here; Python and SQL stand beside each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Q

if TYPE_CHECKING:
    from collections.abc import Iterable

IS_IN_FORCE = Q(amended_by__isnull=True)
"""Of reviews, those in force: `find_review_in_force` in SQL."""


def find_review_in_force(reviews: Iterable[Any]) -> Any:
    """The review in force of one case, from all its reviews; None of a case that nobody signed.

    Reads fields alone, so that a migration may call it with the models of its time.
    """
    every = list(reviews)
    replaced = {review.amends_id for review in every}
    return next((review for review in every if review.pk not in replaced), None)
