import uuid

import pytest
from django.core.files.storage import FileSystemStorage

from classifier.models import Lesion, Patient, Prediction, Submission, SubmissionImage
from classifier.services.cases import NewLesion, NewPatient, submit_case
from classifier.services.errors import ConflictError, InvalidInputError, UnavailableError
from classifier.services.submissions import Question
from tests.factories import LesionFactory, PatientFactory, new_image

pytestmark = pytest.mark.django_db


def submit(staff, **changes):
    values = {
        "actor": staff.clinician,
        "clinic": staff.clinic,
        "patient": NewPatient(mrn="A-1", consents_to_inference=True),
        "lesion": NewLesion(body_site="upper_extremity_shoulder"),
        "images": [new_image()],
        "question": Question(clinical_question="Naevus?"),
    }
    return submit_case(**{**values, **changes})


def count_rows():
    return [model.objects.count() for model in (Patient, Lesion, Submission, SubmissionImage, Prediction)]


def test_creates_all_of_it(staff, active_model):
    case = submit(staff)
    assert case.lesion.patient.mrn == "A-1"
    assert count_rows() == [1, 1, 1, 1, 1]


def test_same_key_is_one_case(staff, active_model):
    question = Question(request_key=uuid.uuid4())
    first, second = submit(staff, question=question), submit(staff, question=question)
    assert first == second
    assert count_rows() == [1, 1, 1, 1, 1]


def test_error_leaves_nothing_half_made(staff, stored_names):
    before = stored_names()
    with pytest.raises(UnavailableError):
        submit(staff)  # no model is active
    assert count_rows() == [0, 0, 0, 0, 0]
    assert stored_names() == before


def test_full_disk_leaves_nothing_half_made(staff, active_model, stored_names, monkeypatch):
    before = stored_names()

    save, saved = FileSystemStorage._save, []

    def fill_up(storage, name, content):
        saved.append(name)
        if len(saved) == 3:
            raise OSError(28, "No space left on device")
        return save(storage, name, content)

    monkeypatch.setattr(FileSystemStorage, "_save", fill_up)
    with pytest.raises(UnavailableError):
        submit(staff)
    assert count_rows() == [0, 0, 0, 0, 0]
    assert stored_names() == before


def test_taken_record_number_is_a_conflict(staff, active_model):
    PatientFactory(clinic=staff.clinic, mrn="A-1")
    with pytest.raises(ConflictError) as error:
        submit(staff)
    assert error.value.field == "mrn"
    assert Lesion.objects.count() == 0


def test_lesion_of_another_patient_is_refused(staff, active_model):
    patient = PatientFactory(clinic=staff.clinic)
    with pytest.raises(InvalidInputError) as error:
        submit(staff, patient=patient, lesion=LesionFactory(clinic=staff.clinic))
    assert error.value.code == "lesion_of_another_patient"


def test_slower_of_two_equal_requests_takes_the_answer_of_the_faster(staff, active_model, monkeypatch):
    """The faster one commits between our look and our write."""
    key = uuid.uuid4()
    patient = PatientFactory(clinic=staff.clinic)
    first = submit(staff, patient=patient, question=Question(request_key=key))
    looks = iter([None])
    monkeypatch.setattr(
        "classifier.services.cases.find_by_request_key",
        lambda **_: next(looks, first),
    )
    second = submit(staff, patient=patient, question=Question(request_key=key))
    assert second == first
    assert Lesion.objects.count() == 1
