"""Filters: lists are narrowed by ids, codes and times. Patients' words have no place in a URL."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import django_filters
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from django_filters.fields import IsoDateTimeField

from classifier import models
from classifier.api.serializers.fields import FilterSet
from classifier.cases.search import has_public_id
from classifier.domain.dates import is_moment
from classifier.domain.states import PredictionState, SubmissionState
from classifier.domain.vocabulary import (
    BODY_SITE_CHOICES,
    Diagnosis,
    Histopathology,
    Management,
    ModelAnswer,
    ModelLifecycle,
    Standing,
    StandingBasis,
    body_site_within,
)
from classifier.models import Lesion, ModelVersion, Patient, Prediction, Review, Submission
from classifier.models.prediction import PredictionQuerySet
from classifier.models.submission import SubmissionQuerySet

if TYPE_CHECKING:
    from django.db.models import QuerySet


# --- Moments ------------------------------------------------------------------------------------


class MomentField(IsoDateTimeField):
    """A moment that every database can hold: the first hours of year 1 lie before it in UTC."""

    def to_python(self, value: Any) -> dt.datetime | None:
        if value not in self.empty_values and not is_moment(str(value).strip()):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        moment: dt.datetime | None = super().to_python(value)
        try:
            return moment.astimezone(dt.UTC) if moment else None
        except OverflowError as error:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from error


class MomentFilter(django_filters.IsoDateTimeFilter):
    field_class = MomentField


# --- Standing -----------------------------------------------------------------------------------
# What is withheld is found by none.


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


# --- Patients and lesions -----------------------------------------------------------------------


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


# --- Predictions, reviews and histopathology ----------------------------------------------------


class PredictionFilter(FilterSet):
    clinic = django_filters.UUIDFilter(field_name="image__clinic")
    patient = django_filters.UUIDFilter(field_name="image__submission__lesion__patient")
    lesion = django_filters.UUIDFilter(field_name="image__submission__lesion")
    submission = django_filters.UUIDFilter(field_name="image__submission")
    image = django_filters.UUIDFilter()
    model_version = django_filters.UUIDFilter()
    state = django_filters.MultipleChoiceFilter(choices=PredictionState.choices, help_text="May be repeated.")
    outcome = django_filters.ChoiceFilter(choices=ModelAnswer.choices, method="filter_outcome")
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


# --- Cases --------------------------------------------------------------------------------------


class SubmissionFilter(FilterSet):
    clinic = django_filters.UUIDFilter()
    patient = django_filters.UUIDFilter(field_name="lesion__patient")
    lesion = django_filters.UUIDFilter()
    state = django_filters.MultipleChoiceFilter(
        choices=SubmissionState.choices, method="filter_state", help_text="May be repeated."
    )
    outcome = django_filters.ChoiceFilter(
        choices=ModelAnswer.choices,
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


# --- Model versions -----------------------------------------------------------------------------


class ModelVersionFilter(FilterSet):
    lifecycle = django_filters.ChoiceFilter(choices=ModelLifecycle.choices)

    class Meta:
        model = ModelVersion
        fields: list[str] = []
