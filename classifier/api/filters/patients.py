"""What patients and lesions can be narrowed by."""

from __future__ import annotations

import django_filters
from django.db.models import QuerySet

from classifier.api.choices import FilterSet
from classifier.api.filters.moments import MomentFilter
from classifier.api.filters.standing import basis_filter, standing_filter
from classifier.cases.search import has_public_id
from classifier.models import Lesion, Patient
from classifier.vocabulary import (
    BODY_SITE_CHOICES,
    body_site_within,
)


class PatientFilter(FilterSet):
    clinic = django_filters.UUIDFilter()
    public_id = django_filters.CharFilter(
        method="filter_public_id", help_text="The pseudonym, such as P-7KQ2MXWD."
    )
    standing = standing_filter()
    standing_basis = basis_filter()
    created_from = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Patient
        fields: list[str] = []

    def filter_public_id(self, queryset: QuerySet[Patient], _: str, value: str) -> QuerySet[Patient]:
        return queryset.filter(has_public_id(value))


class LesionFilter(FilterSet):
    patient = django_filters.UUIDFilter()
    body_site = django_filters.ChoiceFilter(
        choices=BODY_SITE_CHOICES, method="filter_site", help_text="The site and all within it."
    )
    standing = standing_filter()
    standing_basis = basis_filter()

    class Meta:
        model = Lesion
        fields: list[str] = []

    def filter_site(self, queryset: QuerySet[Lesion], _: str, value: str) -> QuerySet[Lesion]:
        return queryset.filter(body_site__in=body_site_within(value))
