"""`submit_case`: a case is stored whole, once, or not at all."""

import errno
import uuid
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.storage import FileSystemStorage
from django.db import OperationalError

from classifier.domain.errors import ConflictError, InvalidInputError, UnavailableError
from classifier.intake import submission as intake
from classifier.intake.submission import CaseLesion, CasePatient, Question, submit_case
from classifier.models import Lesion, ModelVersion, Patient, Prediction, Submission, SubmissionImage
from portal.trust.audit.models import AuditEvent
from tests.factories import (
    LesionFactory,
    ModelVersionFactory,
    active_model,
    sent_image,
    staff_clinic,
    submit,
    two_clinics,
)
from tests.support.threads import run_in_threads

NEW = CasePatient(mrn="A-1", consents_to_inference=True)


@pytest.fixture
def staff(db):
    return staff_clinic()


@pytest.fixture
def model(db):
    return active_model()


@pytest.fixture
def lesion(staff, model):
    return LesionFactory(clinic=staff.clinic)


@pytest.fixture(autouse=True)
def own_stores(stores: Path) -> Path:
    return stores


def submit_new(staff, patient=NEW, *, images=1, spot=None, **question):
    """A new patient's new lesion, unless named."""
    return submit_case(
        actor=staff.clinician,
        clinic=staff.clinic,
        patient=patient,
        lesion=CaseLesion(known=spot) if spot else CaseLesion(body_site="upper_extremity_shoulder"),
        images=[sent_image(seed) for seed in range(images)],
        question=Question(**question),
    ).submission


def count_rows():
    return [model.objects.count() for model in (Patient, Lesion, Submission, SubmissionImage, Prediction)]


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.mark.django_db
class TestCreate:
    def test_everything_is_committed_together(
        self, staff, lesion, stores, wake_ups, django_capture_on_commit_callbacks
    ):
        ModelVersionFactory(shadow=True)
        with django_capture_on_commit_callbacks(execute=True):
            case = submit(staff.clinician, lesion, range(3), priority="urgent")
            assert wake_ups == []
        assert wake_ups == ["classifier.tasks.run_predictions_task"]
        assert [image.position for image in case.images.all()] == [1, 2, 3]
        rows = Prediction.objects.filter(image__submission=case)
        assert sorted(rows.values_list("is_shadow", "queue_rank")) == [(False, 0)] * 3 + [(True, 0)] * 3
        assert len(files_in(stores)) == 9
        event = AuditEvent.objects.get(action="submission.created")
        assert (event.object_id, event.details["images"]) == (str(case.pk), 3)

    def test_patient_and_lesion_come_with_it(self, staff, model):
        case = submit_new(staff)
        assert (case.lesion.patient.mrn, case.lesion.body_site) == ("A-1", "upper_extremity_shoulder")
        assert count_rows() == [1, 1, 1, 1, 1]

    @pytest.mark.parametrize("is_new", [True, False])
    def test_same_key_is_the_same_case(self, staff, lesion, stores, is_new):
        patient, spot = (NEW, None) if is_new else (CasePatient(known=lesion.patient), lesion)
        key = uuid.uuid4()
        first, again = (submit_new(staff, patient, spot=spot, request_key=key) for _ in range(2))
        assert first == again
        assert Submission.objects.count() == 1
        assert len(files_in(stores)) == 3

    def test_query_count_does_not_grow(self, staff, lesion, django_assert_max_num_queries):
        submit(staff.clinician, lesion)  # makes the clinic's audit chain
        for images in (1, 6):
            with django_assert_max_num_queries(38):
                submit(staff.clinician, lesion, range(images))

    def test_without_active_model(self, staff, lesion, stores):
        ModelVersion.objects.all().delete()
        with pytest.raises(UnavailableError) as caught:
            submit_new(staff)
        assert caught.value.code == "no_active_model"
        assert count_rows() == [1, 1, 0, 0, 0]
        assert files_in(stores) == []

    def test_who_may(self, model):
        both = two_clinics()
        lesion = LesionFactory(clinic=both.own.clinic)
        strangers = (both.own.administrator, both.other.clinician, both.outsider, both.operator)
        for person in strangers:
            with pytest.raises(PermissionDenied):
                submit(person, lesion)
        assert not Submission.objects.exists()

    def test_a_patient_of_another_clinic(self, model):
        both = two_clinics()
        stranger = LesionFactory(clinic=both.other.clinic)
        with pytest.raises(InvalidInputError) as caught:
            submit_new(both.own, CasePatient(known=stranger.patient), spot=stranger)
        assert caught.value.code == "clinic_mismatch"
        assert not Submission.objects.exists()


@pytest.mark.django_db(transaction=True)
class TestTrouble:
    @pytest.mark.parametrize("is_new", [True, False])
    def test_same_key_in_parallel(self, staff, lesion, stores, is_new):
        patient, spot = (NEW, None) if is_new else (CasePatient(known=lesion.patient), lesion)
        key = uuid.uuid4()
        found = run_in_threads(6, lambda _: submit_new(staff, patient, spot=spot, request_key=key).pk)
        assert set(found) == {Submission.objects.get().pk}
        assert Prediction.objects.count() == SubmissionImage.objects.count() == 1
        assert (Patient.objects.count(), Lesion.objects.count()) == ((2, 2) if is_new else (1, 1))
        assert len(files_in(stores)) == 3

    def test_one_key_for_two_patients_in_parallel(self, staff, model, stores):
        """Neither waits for the other's row: the key's own constraint lets one of them in."""
        key = uuid.uuid4()
        people = [CasePatient(mrn=f"A-{number}", consents_to_inference=True) for number in range(4)]
        found = run_in_threads(4, lambda number: submit_new(staff, people[number], request_key=key))
        refused = [one for one in found if isinstance(one, ConflictError)]
        assert [error.code for error in refused] == ["identifier_used"] * 3
        assert count_rows() == [1, 1, 1, 1, 1]
        assert len(files_in(stores)) == 3

    @pytest.mark.parametrize("broken", ["queue_predictions", "record_events", "wake_workers"])
    def test_files_go_with_the_rollback(self, staff, model, stores, monkeypatch, broken):
        def fail(*_, **__):
            raise RuntimeError("a bug")

        monkeypatch.setattr(intake, broken, fail)
        with pytest.raises(RuntimeError, match="a bug"):
            submit_new(staff, images=2)
        assert files_in(stores) == []
        assert count_rows() == [0, 0, 0, 0, 0]

    @pytest.mark.parametrize("number", [1, 2, 3, 5])
    def test_disk_that_fills(self, staff, model, stores, monkeypatch, number):
        """The disk is full at the `number`-th file, half of which is written."""
        save, written = FileSystemStorage._save, []

        def fill(self, name, content):
            written.append(name)
            if len(written) == number:
                path = Path(self.path(name))
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"half")
                raise OSError(errno.ENOSPC, "No space left on device")
            return save(self, name, content)

        monkeypatch.setattr(FileSystemStorage, "_save", fill)
        with pytest.raises(UnavailableError) as caught:
            submit_new(staff, images=2)
        assert caught.value.code == "storage_unavailable"
        assert files_in(stores) == []
        assert count_rows() == [0, 0, 0, 0, 0]

    def test_database_disk_that_fills(self, staff, lesion, stores, monkeypatch):
        def fill(*_, **__):
            raise OperationalError("database or disk is full")

        monkeypatch.setattr(intake, "record_events", fill)
        with pytest.raises(UnavailableError):
            submit(staff.clinician, lesion)
        assert files_in(stores) == []

    def test_commit_whose_answer_was_lost(self, staff, lesion, stores, monkeypatch):
        """The rows are there although the call failed: then the files stay."""
        save = intake._save

        def lose_answer(case, stored, **kwargs):
            save(case, stored, **kwargs)
            stored.have_rows = False
            raise OperationalError("server closed the connection unexpectedly")

        monkeypatch.setattr(intake, "_save", lose_answer)
        with pytest.raises(OperationalError):
            submit(staff.clinician, lesion)
        assert Submission.objects.count() == 1
        assert len(files_in(stores)) == 3

    @pytest.mark.parametrize("error", [ConnectionError("refused"), RuntimeError("a bug in the client")])
    def test_broker_down(self, staff, lesion, stores, monkeypatch, error):
        def refuse(*_, **__):
            raise error

        monkeypatch.setattr("portal.celery.app.send_task", refuse)
        case = submit(staff.clinician, lesion)
        assert Prediction.objects.get(image__submission=case).state == "queued"
        assert len(files_in(stores)) == 3
