"""Days and moments: one way to write them at every door, and no other form of ISO 8601."""

from __future__ import annotations

import argparse
import datetime as dt

import pytest
from django.core.exceptions import ValidationError
from rest_framework import serializers

import classifier.api.urls  # noqa: F401 (every serializer)
from classifier.api.filters import MomentField
from classifier.api.serializers.fields import StrictSerializer
from classifier.client.batch.mapping import check_birth_date
from classifier.client.batch.mapping import read_day as read_day_of_client
from classifier.client.command.arguments import read_day_told, read_moment
from classifier.client.errors import ConfigurationError
from classifier.domain.dates import read_day
from classifier.fhir.intake.elements import Element
from classifier.fhir.intake.patients import _read_date
from classifier.pages.forms.fields import DayField

NO_DAYS = [
    "19610203",
    "1961-W05-5",
    "1961W055",
    "1961-W05",
    "1961-034",
    "1961-2-30",
    "1961-02",
    "1961",
    "x",
    "١٩٦١-٠٢-٠٣",
]
DAY = dt.date(1961, 2, 3)


def find_day_fields() -> list[serializers.DateField]:
    """Every day that a body of the REST API may hold."""
    kinds, found = [StrictSerializer], []
    while kinds:
        kind = kinds.pop()
        kinds += kind.__subclasses__()
        found += [one for one in kind().fields.values() if isinstance(one, serializers.DateField)]
    return found


@pytest.mark.parametrize("text", NO_DAYS)
def test_other_forms_are_refused_at_every_door(text):
    for read in (read_day, read_day_of_client):
        with pytest.raises(ValueError, match="YYYY-MM-DD"):
            read(text)
    fields = find_day_fields()
    assert {one.field_name for one in fields} >= {"birth_date", "done_on", "reported_on", "specimen_taken_on"}
    for field in fields:
        with pytest.raises(serializers.ValidationError, match="YYYY-MM-DD"):
            field.run_validation(text)
    sent = Element({"birthDate": text}, "Patient")
    assert _read_date(sent, text) is None
    assert [issue.code for issue in sent.issues] == ["invalid_date"]
    with pytest.raises(ConfigurationError, match="YYYY-MM-DD"):
        check_birth_date(text, 2)
    with pytest.raises(argparse.ArgumentTypeError, match="YYYY-MM-DD"):
        read_day_told(text)
    with pytest.raises(argparse.ArgumentTypeError, match="YYYY-MM-DD"):
        read_moment(text)
    with pytest.raises(ValidationError):
        MomentField().clean(text)


@pytest.mark.parametrize("text", NO_DAYS[:5])
def test_a_page_refuses_them_too(text):
    with pytest.raises(ValidationError, match="is not a date"):
        DayField().clean(text)


def test_a_day_is_read_at_every_door():
    assert read_day("1961-02-03") == read_day_of_client("1961-02-03") == read_day_told("1961-02-03") == DAY
    assert {field.run_validation("1961-02-03") for field in find_day_fields()} == {DAY}
    assert _read_date(Element({}, "Patient"), "1961-02-03") == DayField().clean("1961-02-03") == DAY


@pytest.mark.parametrize(
    "text",
    [
        *("2026-03-01", "2026-03-01T10:30", "2026-03-01 10:30:15", "2026-03-01T10:30:15.250Z"),
        *("2026-03-01T10:30+02:00", "2026-03-01T10:30:00-0500", "2026-03-01T10:30:00+01"),
    ],
)
def test_moments_of_lists(text):
    assert MomentField().clean(text).tzinfo == dt.UTC


@pytest.mark.parametrize(
    "text", ["2026-03-01T10", "2026-03-01T1030", "20260301T103000Z", "2026-W09-7T10:30:00Z"]
)
def test_moments_that_are_none(text):
    with pytest.raises(ValidationError):
        MomentField().clean(text)
