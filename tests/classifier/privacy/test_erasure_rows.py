"""A patient who is erased is gone from pages, rows and stores; what was done is not."""

import pytest
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.urls import reverse
from knox.models import AuthToken

from classifier.file_removals import remove_files
from classifier.models import (
    EmergencyAccess,
    Explanation,
    Lesion,
    Outcome,
    Patient,
    Prediction,
    Reading,
    Review,
    Submission,
    SubmissionImage,
)
from classifier.privacy.emergency_access import open_emergency
from portal.trust.audit.models import AuditEvent
from portal.trust.audit.services import record_event, verify_chains
from tests.classifier.privacy.conftest import stored
from tests.factories import (
    OutcomeFactory,
    PatientFactory,
    ReadingFactory,
)

pytestmark = pytest.mark.django_db


def read_everything(patient):
    """Every row of the patient as the site reads it, decrypted."""
    path = "submission__lesion__patient"
    rows = [
        *Patient.objects.filter(pk=patient.pk).values(),
        *Lesion.objects.filter(patient=patient).values(),
        *Submission.objects.filter(lesion__patient=patient).values(),
        *SubmissionImage.objects.filter(**{path: patient}).values(),
        *Review.objects.filter(**{path: patient}).values(),
        *Outcome.objects.filter(lesion__patient=patient).values(),
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


def test_reason_of_an_emergency_goes(case, erase, side):
    opened = open_emergency(
        actor=side.other.clinician,
        home_clinic=side.other.clinic,
        clinic=side.own.clinic,
        reason="Zebedee Quill is unconscious in our emergency room",
        public_id=case.lesion.patient.public_id,
    )
    with connection.cursor() as cursor:
        cursor.execute("SELECT reason FROM classifier_emergencyaccess")
        assert "Zebedee" not in cursor.fetchone()[0]
    assert EmergencyAccess.objects.get(pk=opened.pk).reason.startswith("Zebedee")
    erase(case.lesion.patient)
    assert EmergencyAccess.objects.get(pk=opened.pk).reason == "Erased."


def test_words_of_histopathology_go_and_its_finding_stays(case, erase):
    first = OutcomeFactory(lesion=case.lesion, comment="Zebedee's margins are free")
    OutcomeFactory(corrects=first, correction_reason="Quill's slide was mixed up", diagnosis="dermatofibroma")
    erase(case.lesion.patient)
    left = read_everything(case.lesion.patient)
    assert [word for word in ("Zebedee", "Quill") if word in left] == []
    assert set(Outcome.objects.values_list("diagnosis", flat=True)) == {"naevus", "dermatofibroma"}
    assert AuditEvent.objects.get(action="patient.erased").details["outcomes"] == 2


def test_answers_kept_for_programs_go(side, erase):
    active = {"HTTP_AUTHORIZATION": f"Bearer {AuthToken.objects.create(user=side.own.clinician)[1]}"}

    def add(mrn, key):
        sent = {"clinic": str(side.own.clinic.pk), "mrn": mrn, "consents_to_inference": True}
        return Client().post(
            "/api/v1/patients/", sent, content_type="application/json", HTTP_IDEMPOTENCY_KEY=key, **active
        )

    made, other = add("MRN-1", "one"), add("MRN-2", "two")
    assert made.status_code == 201, made.content
    assert add("MRN-1", "one").json()["mrn"] == "MRN-1"
    erase(Patient.objects.get(pk=made.json()["id"]))
    again = add("MRN-1", "one")
    assert again.status_code == 404
    assert "MRN-1" not in again.text
    assert add("MRN-2", "two").json() == other.json()


def test_figures_decisions_and_the_audit_log_stay(case, erase, side):
    record_event(clinic_id=side.own.clinic.pk, action="patient.viewed", obj=case.lesion.patient)
    ReadingFactory(submission=case, diagnosis="melanoma")
    erase(case.lesion.patient)
    assert Prediction.objects.get().outcome == "malignant"
    assert set(Review.objects.values_list("diagnosis", flat=True)) == {"naevus"}
    assert Reading.objects.get().diagnosis == "melanoma"
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


def test_review_still_never_changes_without_the_bypass(case, erase):
    erase(case.lesion.patient)
    with pytest.raises(DatabaseError, match="never change"), transaction.atomic():
        Review._base_manager.all().update(comment="changed")
