"""Choices whose refusal names what was received and all that can be chosen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

import django_filters
from django import forms
from rest_framework import serializers

_SHOWN = 60


def describe_choices(received: object, values: Iterable[object]) -> str:
    """Return such as `Received "up", can be left, right.`, a long text cut short."""
    return f'Received "{str(received)[:_SHOWN]}", can be {", ".join(map(str, values))}.'


class ChoiceField(serializers.ChoiceField):
    """One of the schema's values in a body."""

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        if key == "invalid_choice":
            words = describe_choices(kwargs["input"], [value for value in self.choices if value != ""])
            raise serializers.ValidationError(words, code=key)
        super().fail(key, **kwargs)


class FilterSet(django_filters.FilterSet):
    """The parameters of a list."""

    def get_form_class(self) -> type[forms.Form]:
        form: type[forms.Form] = super().get_form_class()
        for field in form.base_fields.values():
            if isinstance(field, forms.ChoiceField):
                choices: Any = field.choices
                values = [value for value, _ in choices if value not in ("", None)]
                # Django puts in what was received.
                field.error_messages["invalid_choice"] = describe_choices("%(value)s", values)
        return form
