"""A new key comes first, everything moves under it, and the old one goes."""

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from classifier.models import Patient, Review, SubmissionImage
from tests.factories import (
    PatientFactory,
    ReviewFactory,
    SubmissionImageFactory,
)
from tests.portal.common.conftest import NEW


def raw(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return [str(row[0]) for row in cursor.fetchall()]


@pytest.mark.django_db
@pytest.mark.usefixtures("old")
class TestRotation:
    def test_everything_comes_under_the_first_key(self, rotate, capsys):
        image = SubmissionImageFactory(with_files=True, original_name="spot.jpg")
        patient = image.submission.lesion.patient
        review = ReviewFactory(submission=image.submission, comment="Regular network.")
        before = raw("SELECT mrn FROM classifier_patient")
        rotate()
        call_command("rotate_encryption", batch=1)
        assert "patients: 1 of 1" in capsys.readouterr().out
        assert raw("SELECT mrn FROM classifier_patient") != before
        rotate(NEW)
        assert Patient.objects.get(clinic=patient.clinic, mrn=patient.mrn).birth_date == patient.birth_date
        assert Review.objects.get(pk=review.pk).comment == "Regular network."
        found = SubmissionImage.objects.get()
        assert found.original_name == "spot.jpg"
        with found.original.open() as file:
            assert len(file.read()) == found.byte_size

    def test_second_run_has_nothing_to_do(self, rotate, capsys):
        SubmissionImageFactory(with_files=True)
        rotate()
        call_command("rotate_encryption")
        before = raw("SELECT mrn FROM classifier_patient")
        capsys.readouterr()
        call_command("rotate_encryption")
        said = capsys.readouterr().out
        assert "Done: 0 files" in said
        assert "patients:" not in said
        assert raw("SELECT mrn FROM classifier_patient") == before

    def test_missing_key_stops_it_and_is_named(self, rotate):
        PatientFactory()
        rotate(NEW)
        with pytest.raises(CommandError, match="Put the key it was written with back"):
            call_command("rotate_encryption")
