"""The database is asked as often for ten cases as for two."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from classifier.models import Lesion, Patient, Submission
from classifier.standing.columns import find_differences, refresh_standing
from tests.factories import (
    LesionFactory,
    PatientFactory,
    PredictionFactory,
    ReviewFactory,
    SubmissionFactory,
    answered_submission,
    restated_together,
)

pytestmark = pytest.mark.django_db


def count_queries(client, address):
    client.get(address)  # sessions and content types warm up
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


@restated_together()
def add_cases(staff, lesion=None, number=1):
    """For each: one judged, one signed, one in work, one failed."""
    for _ in range(number):
        values = {"lesion": lesion} if lesion else {}
        answered_submission(staff, "benign", "malignant", **values)
        ReviewFactory(submission=answered_submission(staff, "refer", **values), signed_by=staff.dermatologist)
        for state in ("queued", "failed"):
            case = SubmissionFactory(clinic=staff.clinic, submitted_by=staff.clinician, **values)
            PredictionFactory(submission=case, state=state)


@pytest.mark.parametrize("role", ["clinician", "dermatologist"])
def test_home(role, staff, log_in):
    client = log_in(staff.person(role))
    add_cases(staff)
    few = count_queries(client, reverse("home"))
    add_cases(staff, number=2)
    assert count_queries(client, reverse("home")) <= few


def test_patient_list(staff, log_in):
    client = log_in(staff.clinician)
    add_cases(staff)
    few = count_queries(client, reverse("patient-list"))
    add_cases(staff, number=3)
    assert count_queries(client, reverse("patient-list")) == few


def test_patient_detail(staff, log_in):
    client, patient = log_in(staff.clinician), PatientFactory(clinic=staff.clinic)
    address = reverse("patient-detail", args=[patient.pk])
    add_cases(staff, LesionFactory(patient=patient))
    few = count_queries(client, address)
    for _ in range(3):
        add_cases(staff, LesionFactory(patient=patient))
    assert Lesion.objects.filter(patient=patient).count() == 4
    assert count_queries(client, address) == few


def test_lesion_detail(staff, log_in):
    client, lesion = log_in(staff.clinician), LesionFactory(clinic=staff.clinic)
    address = reverse("lesion-detail", args=[lesion.pk])
    add_cases(staff, lesion)
    few = count_queries(client, address)
    add_cases(staff, lesion, number=2)
    assert count_queries(client, address) == few


def test_submission_detail(staff, log_in):
    client = log_in(staff.clinician)
    few = answered_submission(staff, "benign", "refer")
    many = answered_submission(staff, *["malignant"] * 10)
    counts = [count_queries(client, reverse("submission-detail", args=[case.pk])) for case in (few, many)]
    assert counts[0] == counts[1]


def test_standing_of_a_case(staff, django_assert_num_queries):
    """Every change of a case pays for it: seven read, and one writes for each of case, lesion and patient."""
    case = answered_submission(staff, "malignant")
    for rows in (Submission, Lesion, Patient):
        rows.objects.update(standing_rank=9)
    with django_assert_num_queries(10):
        refresh_standing([case.pk])
    assert not list(find_differences())
