"""Fields whose errors name the limit and what was received, and what of a form a person changed."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils import timezone

from classifier.domain.record_numbers import clean_mrn

if TYPE_CHECKING:
    from django.db import models


def length_limit(model: type[models.Model], field: str) -> list[MaxLengthValidator]:
    """The column's limit as a validator.

    Not as the field's max_length: that becomes a maxlength attribute, and a browser cuts what is
    pasted beyond it without a word.
    """
    column: Any = model._meta.get_field(field)  # noqa: SLF001
    limit = column.max_length or 0
    return [MaxLengthValidator(limit, "This has %(show_value)d characters; the limit is %(limit_value)d.")]


Form = TypeVar("Form", bound=forms.BaseForm)


def carry_shown(form: Form) -> Form:
    """Let the page of `form` carry what it shows of the row, so that `read_changes` can tell what was changed."""
    for name, field in form.fields.items():
        # A form that came without it is drawn again without it: what was typed must not pass for what was shown.
        field.show_hidden_initial = not form.is_bound or form.add_initial_prefix(name) in form.data
    return form


def read_changes(form: forms.BaseForm) -> dict[str, Any]:
    """The cleaned values of what the person changed, of a valid form whose page came from `carry_shown`.

    What they left alone stays as somebody else may have changed it since: a page that was open all the
    time writes no withdrawn consent back. A field whose shown value wasn't sent along counts as changed.
    """
    return {
        name: value
        for name, value in form.cleaned_data.items()
        if name in form.changed_data or form.add_initial_prefix(name) not in form.data
    }


class DayField(forms.DateField):
    """A date by the browser's date field, or typed as year-month-day or day/month/year."""

    widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")

    def to_python(self, value: Any) -> dt.date | None:
        try:
            return super().to_python(value)
        except ValidationError:
            message = f"“{str(value)[:40]}” is not a date. Give year, month and day, such as 1961-05-17."
            raise ValidationError(message, code="invalid") from None


LONGEST_SEARCH = 64


class SearchField(forms.CharField):
    """Words to search by, cleaned: as many as are looked for, and the page says which those were."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, **options)

    def clean(self, value: Any) -> str:
        return shorten_search(super().clean(value))


def shorten_search(words: str) -> str:
    """`words` in the form of a record number, which they may be, cut after the longest search."""
    return clean_mrn(words)[:LONGEST_SEARCH]


FIRST_YEAR, LAST_YEAR = 1900, 2999


class FilterDayField(DayField):
    """A day that a list is narrowed by: of a year that a moment can be made of in every time zone."""

    def validate(self, value: dt.date | None) -> None:
        super().validate(value)
        if value is not None and not FIRST_YEAR <= value.year <= LAST_YEAR:
            raise ValidationError(
                f"{value.isoformat()} lies outside the years {FIRST_YEAR} to {LAST_YEAR}.", code="year"
            )


def start_of(day: dt.date) -> dt.datetime:
    """The moment at which a day of the pages' time zone begins."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time.min))


def end_of(day: dt.date) -> dt.datetime:
    """The moment at which the day after it begins."""
    return start_of(day + dt.timedelta(days=1))


class ManyFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class ManyFilesField(forms.FileField):
    """A file field that takes several; cleans to a list."""

    widget = ManyFilesInput

    def clean(self, data: Any, initial: Any = None) -> list[Any]:  # noqa: ARG002 (Django's signature)
        files = data if isinstance(data, (list, tuple)) else [data]
        return [file for file in files if file is not None]
