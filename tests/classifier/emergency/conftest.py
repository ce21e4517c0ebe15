import datetime as dt

import pytest
from django.test import Client

from classifier.models import Patient, Submission
from tests.factories import TwoClinics, answered_submission, two_clinics


@pytest.fixture
def side(db) -> TwoClinics:
    return two_clinics()


@pytest.fixture
def log_in():
    """`log_in(user)` gives a client with that person's session."""

    def open_session(user) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return open_session


@pytest.fixture
def case(side):
    """A case of the other clinic; the own clinic's people are strangers to it."""
    case = answered_submission(side.other, "malignant")
    Patient.objects.filter(pk=case.lesion.patient_id).update(mrn="MRN-77", birth_date=dt.date(1961, 5, 17))
    return Submission.objects.get(pk=case.pk)


@pytest.fixture
def client(side, log_in):
    return log_in(side.own.clinician)
