"""Fields that several serializers share: related rows a caller may see, choices and unknown names refused in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

import django_filters
from django import forms
from rest_framework import serializers

from classifier.domain.dates import read_day

if TYPE_CHECKING:
    import datetime as dt


class VisibleRelation(serializers.PrimaryKeyRelatedField[Any]):
    """A row named by its id: of those that the caller may see, and none without a caller."""

    def __init__(self, *, related: tuple[str, ...] = (), **kwargs: Any) -> None:
        super().__init__(pk_field=serializers.UUIDField(), **kwargs)
        self.related = related

    def get_queryset(self) -> Any:
        rows: Any = super().get_queryset()
        request = self.context.get("request")
        if request is None:
            return rows
        return rows.model.objects.visible_to(request.user).select_related(*self.related)


class IsoDayField(serializers.DateField):
    """A day as YYYY-MM-DD: not compact, not by weeks."""

    def to_internal_value(self, value: Any) -> dt.date:
        try:
            return read_day(value) if isinstance(value, str) else super().to_internal_value(value)
        except ValueError:
            self.fail("invalid", format="YYYY-MM-DD")


# --- Choices ------------------------------------------------------------------------------------
# A refusal names what was received and all that can be chosen.


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


class StrictSerializer(serializers.Serializer[Any]):
    """A body whose every field is known: a slip in a name is told, never taken for nothing."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping) and (unknown := set(data) - set(self.fields)):
            words = f"Can be: {', '.join(self.fields)}."
            raise serializers.ValidationError(
                {str(name)[:60]: [words] for name in sorted(unknown, key=str)}, code="unknown_field"
            )
        return super().to_internal_value(data)
