"""What a case, a lesion or a patient is held for, as a filter; what is withheld is found by none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import django_filters

from classifier.vocabulary import Standing, StandingBasis

if TYPE_CHECKING:
    from django.db.models import QuerySet


class _WhatIsShown(django_filters.MultipleChoiceFilter):
    """One of several values of a column of rows with `is_standing_withheld`."""

    def filter(self, qs: QuerySet[Any], value: list[str]) -> QuerySet[Any]:
        # A filter would give away what the answer withholds.
        return qs.filter(**{f"{self.field_name}__in": value}, is_standing_withheld=False) if value else qs


def standing_filter() -> _WhatIsShown:
    return _WhatIsShown(
        field_name="standing", choices=Standing.choices, help_text="What it is held for. May be repeated."
    )


def basis_filter() -> _WhatIsShown:
    return _WhatIsShown(
        field_name="standing_basis",
        choices=StandingBasis.choices,
        help_text="On whose word. May be repeated.",
    )
