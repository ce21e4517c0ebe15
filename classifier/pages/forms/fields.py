"""Fields whose errors name the limit and what was received."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator

if TYPE_CHECKING:
    import datetime as dt

    from django.db import models


def length_limit(model: type[models.Model], field: str) -> list[MaxLengthValidator]:
    """The column's limit as a validator.

    Not as the field's max_length: that becomes a maxlength attribute, and a browser cuts what is
    pasted beyond it without a word.
    """
    column: Any = model._meta.get_field(field)  # noqa: SLF001
    limit = column.max_length or 0
    return [MaxLengthValidator(limit, "This has %(show_value)d characters; the limit is %(limit_value)d.")]


class DayField(forms.DateField):
    """A date by the browser's date field, or typed as year-month-day or day/month/year."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def to_python(self, value: Any) -> dt.date | None:
        try:
            return super().to_python(value)
        except ValidationError:
            message = f"“{str(value)[:40]}” is not a date. Give year, month and day, such as 1961-05-17."
            raise ValidationError(message, code="invalid") from None


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """A file field that takes several; cleans to a list."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:  # noqa: ARG002 (Django's signature)
        files = data if isinstance(data, (list, tuple)) else [data]
        return [file for file in files if file is not None]
