"""What cases can be narrowed by."""

from __future__ import annotations

import django_filters
from django.db.models import Exists, OuterRef
from django.utils import timezone

from classifier.api.choices import FilterSet
from classifier.api.filters.moments import MomentFilter
from classifier.api.filters.standing import basis_filter, standing_filter
from classifier.models import Prediction, Submission
from classifier.models.submission import SubmissionQuerySet
from classifier.states import SubmissionState
from classifier.vocabulary import (
    Outcome,
)


class SubmissionFilter(FilterSet):
    clinic = django_filters.UUIDFilter()
    patient = django_filters.UUIDFilter(field_name="lesion__patient")
    lesion = django_filters.UUIDFilter()
    state = django_filters.MultipleChoiceFilter(
        choices=SubmissionState.choices, method="filter_state", help_text="May be repeated."
    )
    outcome = django_filters.ChoiceFilter(
        choices=Outcome.choices,
        method="filter_outcome",
        help_text="Cases with an image of this outcome.",
    )
    standing = standing_filter()
    standing_basis = basis_filter()
    unread = django_filters.BooleanFilter(
        field_name="is_unread", help_text="News that whoever follows the case up has not opened."
    )
    order = django_filters.ChoiceFilter(
        choices=[("open", "Open"), ("overdue", "Overdue"), ("none", "None")],
        method="filter_order",
        help_text="Cases with an order that nobody has acknowledged, with one past its day, or without one.",
    )
    submitted_from = MomentFilter(field_name="submitted_at", lookup_expr="gte")
    submitted_before = MomentFilter(field_name="submitted_at", lookup_expr="lt")

    class Meta:
        model = Submission
        fields: list[str] = []

    def filter_state(self, queryset: SubmissionQuerySet, _: str, values: list[str]) -> SubmissionQuerySet:
        if not values:
            return queryset
        return queryset.with_state(*(SubmissionState(value) for value in values))

    def filter_order(self, queryset: SubmissionQuerySet, _: str, value: str) -> SubmissionQuerySet:
        if value == "none":
            return queryset.filter(order_due_at__isnull=True)
        opened = queryset.with_open_order()
        return opened.filter(order_due_at__lt=timezone.now()) if value == "overdue" else opened

    def filter_outcome(self, queryset: SubmissionQuerySet, _: str, value: str) -> SubmissionQuerySet:
        served = Prediction.objects.served().filter(image__submission=OuterRef("pk"), outcome=value)
        # A filter would give away what the answer withholds.
        return queryset.filter(Exists(served), is_withheld=False)  # type: ignore[misc]  # annotated by the query
