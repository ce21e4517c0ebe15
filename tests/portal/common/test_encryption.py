"""Texts and files at rest: sealed under the first key, opened by any, and by nothing else."""

import datetime as dt
import os
from pathlib import Path

import pytest
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.db import connection

from classifier.models import Lesion, Patient, Review, Submission, SubmissionImage
from classifier.services.decoding import OutageError, start_decoding
from portal.common.encryption import files, keys, texts
from portal.common.encryption.storage import EncryptedFileSystemStorage
from tests.factories import (
    PatientFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionImageFactory,
    draw_jpeg,
)

OLD, NEW = "o" * 40, "n" * 40


@pytest.fixture
def old(settings):
    settings.DERMAPORT_ENCRYPTION_KEYS = [OLD]


@pytest.fixture
def rotate(settings):
    def put_first(*found):
        settings.DERMAPORT_ENCRYPTION_KEYS = list(found or (NEW, OLD))

    return put_first


@pytest.mark.usefixtures("old")
class TestTexts:
    def test_round_trip_and_no_two_alike(self):
        one, other = (texts.encrypt_text("Ada", label="a.b") for _ in range(2))
        assert one != other
        assert "Ada" not in one
        assert texts.decrypt_text(one, label="a.b") == texts.decrypt_text(other, label="a.b") == "Ada"

    def test_empty_and_old_plain_texts_stay(self):
        assert texts.encrypt_text("", label="a.b") == ""
        assert texts.decrypt_text("from before", label="a.b") == "from before"

    @pytest.mark.parametrize("spoil", [lambda t: t[:-4] + "AAA=", lambda t: t[:20], lambda t: t + "é"])
    def test_spoilt_text_does_not_open(self, spoil):
        with pytest.raises(keys.DecryptionError):
            texts.decrypt_text(spoil(texts.encrypt_text("Ada", label="a.b")), label="a.b")

    def test_text_of_another_column_does_not_open(self):
        with pytest.raises(keys.DecryptionError):
            texts.decrypt_text(texts.encrypt_text("Ada", label="a.b"), label="a.c")

    def test_second_key_opens_and_a_lost_key_is_named(self, rotate):
        sealed = texts.encrypt_text("Ada", label="a.b")
        rotate()
        assert texts.decrypt_text(sealed, label="a.b") == "Ada"
        rotate(NEW)
        with pytest.raises(keys.DecryptionError, match="DERMAPORT_ENCRYPTION_KEYS"):
            texts.decrypt_text(sealed, label="a.b")

    @pytest.mark.parametrize("found", [[], ["short"], [NEW, "short"]])
    def test_keys_are_checked(self, rotate, settings, found):
        settings.DERMAPORT_ENCRYPTION_KEYS = found
        with pytest.raises(ImproperlyConfigured, match="DERMAPORT_ENCRYPTION_KEYS: expected"):
            texts.encrypt_text("Ada", label="a.b")


@pytest.mark.usefixtures("old")
class TestFiles:
    @pytest.mark.parametrize("size", [0, 1, files.CHUNK_BYTES, files.CHUNK_BYTES + 1, 3 * files.CHUNK_BYTES])
    def test_round_trip(self, size):
        data = os.urandom(size)
        sealed = files.encrypt_file(data, name="ab/c")
        assert files.decrypt_file(sealed, name="ab/c") == data
        assert len(data) < 16 or data[:16] not in sealed
        assert files.plain_size(sealed[: files.HEAD_BYTES], len(sealed)) == size

    def test_file_that_was_cut_swapped_or_moved_does_not_open(self):
        sealed = files.encrypt_file(os.urandom(3 * files.CHUNK_BYTES), name="ab/c")
        step = files.CHUNK_BYTES + files.TAG_BYTES
        head, rest = sealed[: files.HEAD_BYTES], sealed[files.HEAD_BYTES :]
        swapped = rest[step : 2 * step] + rest[:step] + rest[2 * step :]
        for spoilt in (head + rest[:step], head + rest[: 2 * step], head + swapped, head, sealed[:-1]):
            with pytest.raises(keys.DecryptionError):
                files.decrypt_file(spoilt, name="ab/c")
        with pytest.raises(keys.DecryptionError):
            files.decrypt_file(sealed, name="ab/d")

    def test_storage_seals_what_it_writes(self, tmp_path, rotate):
        storage = EncryptedFileSystemStorage(location=tmp_path, file_permissions_mode=0o600)
        name = storage.save("ab/c.original", ContentFile(draw_jpeg()))
        assert draw_jpeg()[:64] not in (tmp_path / name).read_bytes()
        assert storage.open(name).read() == draw_jpeg()
        rotate()
        assert not storage.is_current(name)
        storage.encrypt_anew(name)
        rotate(NEW)
        assert storage.is_current(name)
        assert storage.open(name).read() == draw_jpeg()
        assert [path.name for path in (tmp_path / "ab").iterdir()] == ["c.original"]
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600

    def test_file_from_before_is_read_and_sealed(self, tmp_path):
        storage = EncryptedFileSystemStorage(location=tmp_path)
        (tmp_path / "plain").write_bytes(b"as it was")
        assert storage.open("plain").read() == b"as it was"
        storage.encrypt_anew("plain")
        assert (tmp_path / "plain").read_bytes().startswith(files.MAGIC)
        storage.write_plain("plain")
        assert (tmp_path / "plain").read_bytes() == b"as it was"


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


@pytest.mark.django_db
@pytest.mark.usefixtures("old")
class TestSpoiltOriginal:
    def decode(self, image):
        return start_decoding([PredictionFactory(image=image)])[0].result().found

    def test_changed_file_fails_its_own_image_alone(self):
        image = SubmissionImageFactory(with_files=True)
        path = Path(image.original.path)
        path.write_bytes(path.read_bytes()[:-5])
        assert self.decode(image).code == "original_changed"

    def test_lost_key_is_an_outage(self, rotate):
        image = SubmissionImageFactory(with_files=True)
        rotate(NEW)
        with pytest.raises(OutageError, match="key"):
            self.decode(image)
