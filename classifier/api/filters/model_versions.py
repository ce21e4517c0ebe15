"""What networks can be narrowed by."""

from __future__ import annotations

import django_filters

from classifier.api.choices import FilterSet
from classifier.models import ModelVersion
from classifier.vocabulary import (
    ModelLifecycle,
)


class ModelVersionFilter(FilterSet):
    lifecycle = django_filters.ChoiceFilter(choices=ModelLifecycle.choices)

    class Meta:
        model = ModelVersion
        fields: list[str] = []
