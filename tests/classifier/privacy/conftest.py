"""A clinic, a case with words in every field, and what may be done to it."""

import datetime as dt

import pytest
from django.test import Client
from django.utils import timezone

from classifier.consents import record_consent
from classifier.models import (
    Consent,
    Explanation,
    Lesion,
    Patient,
)
from classifier.privacy.erasure import erase_patient
from tests.factories import (
    AcknowledgementFactory,
    ExplanationFactory,
    LesionFactory,
    OutcomeFactory,
    PatientFactory,
    PredictionFactory,
    ReadingFactory,
    ReviewFactory,
    SubmissionFactory,
    SubmissionImageFactory,
    active_model,
    two_clinics,
)


@pytest.fixture
def side(db):
    active_model()
    return two_clinics()


@pytest.fixture
def log_in():
    def as_person(person):
        client = Client()
        client.force_login(person)
        return client

    return as_person


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


@pytest.fixture
def say(side):
    def record(patient, purpose, is_given):
        return record_consent(actor=side.own.clinician, patient=patient, purpose=purpose, is_given=is_given)

    return record


@pytest.fixture
def clinic(side):
    side.own.clinic.retention_years = 10
    side.own.clinic.save()
    return side.own.clinic


@pytest.fixture
def add(clinic):
    def make(*, case=None, reading=None, review=None, acknowledged=None, outcome=None, added=20, **changes):
        lesion, consent, corrected = (changes.pop(name, None) for name in ("lesion", "consent", "corrected"))
        patient = PatientFactory(clinic=changes.pop("clinic", clinic), **changes)
        Patient.objects.filter(pk=patient.pk).update(
            created_at=long_ago(added), corrected_at=None if corrected is None else long_ago(corrected)
        )
        if lesion is not None:
            LesionFactory(patient=patient)
        if consent is not None:
            Consent.objects.create(
                patient=patient,
                purpose="inference",
                is_given=True,
                recorded_at=long_ago(consent),
                recorded_by=patient.created_by,
            )
        if case is not None:
            row = SubmissionFactory(lesion=LesionFactory(patient=patient), submitted_at=long_ago(case))
            if reading is not None:
                ReadingFactory(submission=row, read_at=long_ago(reading))
            if review is not None:
                signed = ReviewFactory(submission=row, signed_at=long_ago(review), management="excise")
                if acknowledged is not None:
                    AcknowledgementFactory(review=signed, acknowledged_at=long_ago(acknowledged))
            if outcome is not None:
                OutcomeFactory(lesion=row.lesion, recorded_at=long_ago(outcome))
        Lesion.objects.filter(patient=patient).update(
            created_at=long_ago(added if lesion is None else lesion)
        )
        return patient

    return make


def long_ago(years):
    return timezone.now() - dt.timedelta(days=366 * years)
