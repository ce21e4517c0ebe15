"""What lists can be narrowed by: ids, codes and times. Patients' words have no place in a URL."""

from __future__ import annotations

import django_filters
from django.db.models import Exists, OuterRef, QuerySet

from classifier import models
from classifier.models import Lesion, ModelVersion, Patient, Prediction, Review, Submission
from classifier.models.prediction import PredictionQuerySet
from classifier.models.submission import SubmissionQuerySet, SubmissionState
from classifier.states import PredictionState
from classifier.vocabulary import (
    BODY_SITE_CHOICES,
    Diagnosis,
    Histopathology,
    Management,
    ModelLifecycle,
    Outcome,
    body_site_within,
)


class SubmissionFilter(django_filters.FilterSet):
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
    submitted_from = django_filters.IsoDateTimeFilter(field_name="submitted_at", lookup_expr="gte")
    submitted_before = django_filters.IsoDateTimeFilter(field_name="submitted_at", lookup_expr="lt")

    class Meta:
        model = Submission
        fields: list[str] = []

    def filter_state(self, queryset: SubmissionQuerySet, _: str, values: list[str]) -> SubmissionQuerySet:
        if not values:
            return queryset
        return queryset.with_state(*(SubmissionState(value) for value in values))

    def filter_outcome(self, queryset: SubmissionQuerySet, _: str, value: str) -> SubmissionQuerySet:
        served = Prediction.objects.served().filter(image__submission=OuterRef("pk"), outcome=value)
        # A filter would give away what the answer withholds.
        return queryset.filter(Exists(served), is_withheld=False)


class PredictionFilter(django_filters.FilterSet):
    clinic = django_filters.UUIDFilter(field_name="image__clinic")
    patient = django_filters.UUIDFilter(field_name="image__submission__lesion__patient")
    lesion = django_filters.UUIDFilter(field_name="image__submission__lesion")
    submission = django_filters.UUIDFilter(field_name="image__submission")
    image = django_filters.UUIDFilter()
    model_version = django_filters.UUIDFilter()
    state = django_filters.MultipleChoiceFilter(choices=PredictionState.choices, help_text="May be repeated.")
    outcome = django_filters.ChoiceFilter(choices=Outcome.choices, method="filter_outcome")
    queued_from = django_filters.IsoDateTimeFilter(field_name="queued_at", lookup_expr="gte")
    queued_before = django_filters.IsoDateTimeFilter(field_name="queued_at", lookup_expr="lt")
    finished_from = django_filters.IsoDateTimeFilter(field_name="finished_at", lookup_expr="gte")
    finished_before = django_filters.IsoDateTimeFilter(field_name="finished_at", lookup_expr="lt")

    class Meta:
        model = Prediction
        fields: list[str] = []

    def filter_outcome(self, queryset: PredictionQuerySet, _: str, value: str) -> PredictionQuerySet:
        # A filter would give away what the answer withholds.
        return queryset.filter(outcome=value, is_withheld=False)


class ReviewFilter(django_filters.FilterSet):
    clinic = django_filters.UUIDFilter(field_name="submission__clinic")
    patient = django_filters.UUIDFilter(field_name="submission__lesion__patient")
    lesion = django_filters.UUIDFilter(field_name="submission__lesion")
    submission = django_filters.UUIDFilter()
    diagnosis = django_filters.ChoiceFilter(choices=Diagnosis.choices)
    management = django_filters.ChoiceFilter(choices=Management.choices)
    is_current = django_filters.BooleanFilter(
        help_text="Only those that no amendment replaced, or only others."
    )
    signed_from = django_filters.IsoDateTimeFilter(field_name="signed_at", lookup_expr="gte")
    signed_before = django_filters.IsoDateTimeFilter(field_name="signed_at", lookup_expr="lt")

    class Meta:
        model = Review
        fields: list[str] = []


class OutcomeFilter(django_filters.FilterSet):
    clinic = django_filters.UUIDFilter(field_name="lesion__patient__clinic")
    patient = django_filters.UUIDFilter(field_name="lesion__patient")
    lesion = django_filters.UUIDFilter()
    diagnosis = django_filters.MultipleChoiceFilter(
        choices=Histopathology.choices, help_text="May be repeated."
    )
    is_current = django_filters.BooleanFilter(
        help_text="Only those that no correction replaced, or only others."
    )
    recorded_from = django_filters.IsoDateTimeFilter(field_name="recorded_at", lookup_expr="gte")
    recorded_before = django_filters.IsoDateTimeFilter(field_name="recorded_at", lookup_expr="lt")

    class Meta:
        model = models.Outcome
        fields: list[str] = []


class PatientFilter(django_filters.FilterSet):
    clinic = django_filters.UUIDFilter()
    public_id = django_filters.CharFilter(help_text="The pseudonym, such as P-7KQ2MXWD.")
    created_from = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = django_filters.IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")

    class Meta:
        model = Patient
        fields: list[str] = []


class LesionFilter(django_filters.FilterSet):
    patient = django_filters.UUIDFilter()
    body_site = django_filters.ChoiceFilter(
        choices=BODY_SITE_CHOICES, method="filter_site", help_text="The site and all within it."
    )

    class Meta:
        model = Lesion
        fields: list[str] = []

    def filter_site(self, queryset: QuerySet[Lesion], _: str, value: str) -> QuerySet[Lesion]:
        return queryset.filter(body_site__in=body_site_within(value))


class ModelVersionFilter(django_filters.FilterSet):
    lifecycle = django_filters.ChoiceFilter(choices=ModelLifecycle.choices)

    class Meta:
        model = ModelVersion
        fields: list[str] = []
