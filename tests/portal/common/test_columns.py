"""Encrypted columns: found by the whole, asked for nothing that only ciphertext could answer."""

import datetime as dt

import pytest
from django.core.exceptions import FieldError

from classifier.models import Lesion, Patient, Review, Submission
from tests.factories import (
    PatientFactory,
    ReviewFactory,
)


@pytest.mark.django_db
@pytest.mark.usefixtures("old")
class TestColumns:
    def test_record_number_is_found_by_its_whole(self, rotate):
        patient = PatientFactory(mrn="A 1")
        assert Patient.objects.get(mrn="A 1") == patient
        assert Patient.objects.filter(mrn__in=["A 1", "B 2"]).count() == 1
        assert not Patient.objects.exclude(mrn="A 1").exists()
        assert Lesion.objects.filter(patient__mrn="A 1").count() == 0
        rotate()
        assert Patient.objects.get(mrn="A 1") == patient

    def test_bulk_update_keeps_the_index(self):
        patient = PatientFactory(mrn="A 1")
        Patient.objects.filter(pk=patient.pk).update(mrn="B 2")
        assert Patient.objects.get(mrn="B 2").mrn == "B 2"
        assert not Patient.objects.filter(mrn="A 1").exists()

    @pytest.mark.parametrize(
        "ask",
        [
            lambda: Patient.objects.filter(mrn__icontains="A"),
            lambda: Patient.objects.filter(birth_date__year=1970),
            lambda: list(Patient.objects.filter(birth_date=dt.date(1970, 5, 17))),
            lambda: list(Submission.objects.filter(clinical_question="Why?")),
        ],
    )
    def test_what_would_find_nothing_is_an_error(self, ask):
        with pytest.raises(FieldError):
            ask()

    def test_emptiness_can_be_asked(self):
        ReviewFactory(comment="")
        assert Review.objects.filter(comment="").count() == 1
