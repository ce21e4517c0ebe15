"""A patient who is erased is gone from pages, rows and stores; what was done is not."""

import datetime as dt

import pytest
from django.core.files.base import ContentFile
from django.db import DatabaseError, transaction
from django.urls import reverse
from django.utils import timezone

from classifier.models import (
    Explanation,
    FileRemoval,
    Lesion,
    Patient,
    Prediction,
    Review,
    Submission,
    SubmissionImage,
)
from classifier.services.erasure import erase_patient, overlay_name
from classifier.services.errors import ConflictError, InvalidInputError
from classifier.services.explaining import Finding, finish
from classifier.services.explanation_queue import claim_explanation
from classifier.services.file_removals import remove_files
from classifier.services.holds import set_hold
from classifier.services.submissions import Question, create_submission
from classifier.states import PredictionState
from portal.audit.models import AuditEvent
from portal.audit.services import record_event, verify_chains
from tests.factories import (
    ExplanationFactory,
    PatientFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    new_image,
)

pytestmark = pytest.mark.django_db
TABLES = ("patient", "lesion", "submission", "submissionimage", "review", "explanation", "prediction")


@pytest.fixture
def case(side):
    case = SubmissionFactory(
        clinic=side.own.clinic, clinical_question="Why?", clinical_history="Noticed in May."
    )
    Lesion.objects.update(note="Below the scar")
    image = SubmissionImageFactory(submission=case, with_files=True, original_name="spot.jpg")
    judged = PredictionFactory(image=image, state="succeeded", outcome="malignant")
    ExplanationFactory(prediction=judged, state="succeeded", with_file=True)
    ReviewFactory(amends=ReviewFactory(submission=case, comment="Irregular border."))
    return case


@pytest.fixture
def erase(side):
    def act(patient, **changes):
        given = {"actor": side.own.administrator, "reason": "request", **changes}
        return erase_patient(patient=patient, **given)

    return act


def stored(case):
    image = case.images.get()
    files = [image.original, image.derivative, image.thumbnail]
    files += [row.overlay for row in Explanation.objects.filter(prediction__image=image)]
    return [(file.storage, file.name) for file in files]


def read_everything(patient):
    """Every row of the patient as the site reads it, decrypted."""
    path = "submission__lesion__patient"
    rows = [
        *Patient.objects.filter(pk=patient.pk).values(),
        *Lesion.objects.filter(patient=patient).values(),
        *Submission.objects.filter(lesion__patient=patient).values(),
        *SubmissionImage.objects.filter(**{path: patient}).values(),
        *Review.objects.filter(**{path: patient}).values(),
    ]
    return str(rows)


def test_words_pictures_and_identifiers_go(case, erase):
    patient, files = case.lesion.patient, stored(case)
    words = [patient.mrn, "Why?", "Noticed", "scar", "spot.jpg", "Irregular", "Histology", "1970"]
    image = case.images.get()
    assert all(word in read_everything(patient) for word in words[:-1])
    erase(patient)
    assert remove_files() >= len(files)
    left = read_everything(patient)
    assert [word for word in [*words[:-1], image.sha256, "datetime.date(1970"] if word in left] == []
    assert [name for storage, name in files if storage.exists(name)] == []
    assert not Explanation.objects.exists()


def test_figures_decisions_and_the_trail_stay(case, erase, side):
    record_event(clinic_id=side.own.clinic.pk, action="patient.viewed", obj=case.lesion.patient)
    erase(case.lesion.patient)
    assert Prediction.objects.get().outcome == "malignant"
    assert set(Review.objects.values_list("diagnosis", flat=True)) == {"naevus"}
    assert AuditEvent.objects.filter(action="patient.viewed").exists()
    event = AuditEvent.objects.get(action="patient.erased")
    assert event.object_id == str(case.lesion.patient_id)
    assert event.details["reason"] == "request"
    assert (event.details["images"], event.details["reviews"], event.details["explanations"]) == (1, 2, 1)
    assert list(verify_chains()) == []


def test_nobody_finds_the_patient_again(case, erase, side, log_in):
    patient = case.lesion.patient
    mrn, image = patient.mrn, case.images.get()
    erase(patient)
    client = log_in(side.own.clinician)
    for name, key in (
        ("patient-detail", patient.pk),
        ("lesion-detail", case.lesion_id),
        ("submission-detail", case.pk),
        ("image-derivative", image.pk),
        ("image-thumbnail", image.pk),
        ("explanation-overlay", image.predictions.get().pk),
    ):
        assert client.get(reverse(name, args=[key])).status_code == 404, name
    for name in ("home", "patient-list", "submission-list"):
        assert mrn not in client.get(reverse(name)).content.decode()
    # The same person may come back as a new patient.
    assert PatientFactory(clinic=side.own.clinic, mrn=mrn).pk != patient.pk


def test_two_erased_patients_stand_side_by_side(side, erase):
    for _ in range(2):
        erase(PatientFactory(clinic=side.own.clinic))
    assert Patient.objects.filter(erased_at__isnull=False).count() == 2


def test_review_still_never_changes_without_an_excuse(case, erase):
    erase(case.lesion.patient)
    with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
        Review._base_manager.all().update(comment="changed")


class TestRefusals:
    def test_legal_hold(self, case, erase, side):
        set_hold(actor=side.own.administrator, patient=case.lesion.patient, is_on_hold=True)
        with pytest.raises(ConflictError) as error:
            erase(case.lesion.patient)
        assert error.value.code == "legal_hold"
        set_hold(actor=side.own.administrator, patient=case.lesion.patient, is_on_hold=False)
        erase(case.lesion.patient)
        actions = AuditEvent.objects.order_by("position").values_list("action", flat=True)
        assert list(actions) == ["patient.held", "patient.released", "patient.erased"]

    def test_twice(self, case, erase):
        erase(case.lesion.patient)
        with pytest.raises(ConflictError) as error:
            erase(case.lesion.patient)
        assert error.value.code == "already_erased"

    def test_unknown_reason(self, case, erase):
        with pytest.raises(InvalidInputError):
            erase(case.lesion.patient, reason="because")

    def test_nothing_is_submitted_for_the_erased(self, case, erase, side):
        lesion = case.lesion
        erase(lesion.patient)
        with pytest.raises(InvalidInputError):
            create_submission(
                actor=side.own.clinician, lesion=lesion, images=[new_image()], question=Question()
            )


class TestFiles:
    def test_erasure_taken_back_removes_nothing(self, case, erase):
        files = stored(case)
        with transaction.atomic():
            erase(case.lesion.patient)
            transaction.set_rollback(True)
        assert remove_files() == 0
        assert all(storage.exists(name) for storage, name in files)

    def test_crash_before_the_files_went_loses_no_deletion(self, case, erase):
        files = stored(case)
        erase(case.lesion.patient)
        # No wake-up came: the rows wait for the next beat.
        assert FileRemoval.objects.count() > 3
        remove_files()
        assert not any(storage.exists(name) for storage, name in files)

    def test_store_that_fails_is_asked_again_later(self, case, erase, monkeypatch, time_machine):
        erase(case.lesion.patient)
        storage = type(case.images.get().original.storage)
        with monkeypatch.context() as patch:
            patch.setattr(storage, "delete", lambda *_: (_ for _ in ()).throw(OSError("away")))
            assert remove_files() == 0
        assert set(FileRemoval.objects.filter(attempts=1).values_list("attempts", flat=True)) == {1}
        assert remove_files() == 0, "not at once again"
        time_machine.move_to(timezone.now() + dt.timedelta(hours=1))
        assert remove_files() > 3
        assert not FileRemoval.objects.exists()

    def test_worker_at_the_image_finishes_for_nothing(self, case, erase, side, time_machine):
        waiting = PredictionFactory(submission=case, state="running")
        other = PredictionFactory(submission=case, state="succeeded")
        ExplanationFactory(prediction=other)
        at_it = claim_explanation(worker="elsewhere/1/1")
        erase(case.lesion.patient)
        assert Prediction.objects.get(pk=waiting.pk).error_code == "patient_erased"
        # The worker writes its overlay and dies before it learns that it came too late.
        storage = at_it.overlay.storage
        name = storage.save(overlay_name(at_it, at_it.attempt), ContentFile(b"map"))
        remove_files()
        assert storage.exists(name), "its lease has not ended"
        time_machine.move_to(timezone.now() + dt.timedelta(minutes=10))
        remove_files()
        assert not storage.exists(name)
        assert finish(at_it, Finding(PredictionState.SUCCEEDED, {"overlay": "x", "figures": {}})) == 0


class TestPage:
    def send(self, client, patient, **changes):
        data = {"reason": "request", "public_id": patient.public_id, **changes}
        return client.post(reverse("patient-erase", args=[patient.pk]), data)

    def test_reason_and_id_are_asked(self, case, side, log_in):
        patient, client = case.lesion.patient, log_in(side.own.administrator)
        assert "Erase patient" in client.get(reverse("patient-erase", args=[patient.pk])).content.decode()
        for wrong in ({"public_id": "P-OTHER222"}, {"public_id": ""}, {"reason": ""}):
            assert self.send(client, patient, **wrong).status_code == 422
        assert Patient.objects.get(pk=patient.pk).erased_at is None
        assert self.send(client, patient, public_id=patient.public_id.lower()).status_code == 302
        assert Patient.objects.get(pk=patient.pk).erased_at is not None

    def test_hold_is_told(self, case, side, log_in):
        patient, client = case.lesion.patient, log_in(side.own.administrator)
        client.post(reverse("patient-hold", args=[patient.pk]), {"hold": "yes"})
        assert "legal hold" in self.send(client, patient).content.decode()
        page = client.get(reverse("patient-privacy", args=[patient.pk])).content.decode()
        assert "Lift the legal hold" in page
        assert "Erase the patient" not in page
