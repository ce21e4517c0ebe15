"""What the model's answers, reviews and histopathology can be narrowed by."""

from __future__ import annotations

import django_filters

from classifier import models
from classifier.api.choices import FilterSet
from classifier.api.filters.moments import MomentFilter
from classifier.models import Prediction, Review
from classifier.models.prediction import PredictionQuerySet
from classifier.states import PredictionState
from classifier.vocabulary import (
    Diagnosis,
    Histopathology,
    Management,
    Outcome,
)


class PredictionFilter(FilterSet):
    clinic = django_filters.UUIDFilter(field_name="image__clinic")
    patient = django_filters.UUIDFilter(field_name="image__submission__lesion__patient")
    lesion = django_filters.UUIDFilter(field_name="image__submission__lesion")
    submission = django_filters.UUIDFilter(field_name="image__submission")
    image = django_filters.UUIDFilter()
    model_version = django_filters.UUIDFilter()
    state = django_filters.MultipleChoiceFilter(choices=PredictionState.choices, help_text="May be repeated.")
    outcome = django_filters.ChoiceFilter(choices=Outcome.choices, method="filter_outcome")
    queued_from = MomentFilter(field_name="queued_at", lookup_expr="gte")
    queued_before = MomentFilter(field_name="queued_at", lookup_expr="lt")
    finished_from = MomentFilter(field_name="finished_at", lookup_expr="gte")
    finished_before = MomentFilter(field_name="finished_at", lookup_expr="lt")

    class Meta:
        model = Prediction
        fields: list[str] = []

    def filter_outcome(self, queryset: PredictionQuerySet, _: str, value: str) -> PredictionQuerySet:
        # A filter would give away what the answer withholds.
        return queryset.filter(outcome=value, is_withheld=False)  # type: ignore[misc]  # annotated by the query


class ReviewFilter(FilterSet):
    clinic = django_filters.UUIDFilter(field_name="submission__clinic")
    patient = django_filters.UUIDFilter(field_name="submission__lesion__patient")
    lesion = django_filters.UUIDFilter(field_name="submission__lesion")
    submission = django_filters.UUIDFilter()
    diagnosis = django_filters.ChoiceFilter(choices=Diagnosis.choices)
    management = django_filters.ChoiceFilter(choices=Management.choices)
    is_current = django_filters.BooleanFilter(
        help_text="Only those that no amendment replaced, or only others."
    )
    signed_from = MomentFilter(field_name="signed_at", lookup_expr="gte")
    signed_before = MomentFilter(field_name="signed_at", lookup_expr="lt")

    class Meta:
        model = Review
        fields: list[str] = []


class OutcomeFilter(FilterSet):
    clinic = django_filters.UUIDFilter(field_name="lesion__patient__clinic")
    patient = django_filters.UUIDFilter(field_name="lesion__patient")
    lesion = django_filters.UUIDFilter()
    diagnosis = django_filters.MultipleChoiceFilter(
        choices=Histopathology.choices, help_text="May be repeated."
    )
    is_current = django_filters.BooleanFilter(
        help_text="Only those that no correction replaced, or only others."
    )
    recorded_from = MomentFilter(field_name="recorded_at", lookup_expr="gte")
    recorded_before = MomentFilter(field_name="recorded_at", lookup_expr="lt")

    class Meta:
        model = models.Outcome
        fields: list[str] = []
